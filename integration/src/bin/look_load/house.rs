//! A daemon with a TLS port and certificates of its own, and what is seen of it from outside.

use integration::daemon::Daemon;
use integration::support::ironcell;
use ironcell::rpc::client::Client;
use ironcell::rpc::connect::Target;
use ironcell::rpc::tls::client::Paths;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A daemon.
pub struct House {
    pub dir: TempDir,
    pub address: String,
    pub daemon: Daemon,
}

impl House {
    /// Makes certificates and starts it.
    pub fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let pki = dir.path().join("pki");
        let pki = pki.to_str().expect("text");
        for line in [
            &["init"][..],
            &["issue", "--server", "--host", "localhost", "daemon"],
            &["issue", "--role", "admin", "admin"],
        ] {
            let done = ironcell(&[&["pki", "--dir", pki], line].concat()).output().expect("ironcell runs");
            assert!(done.status.success(), "{done:?}");
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
        let tls = format!(
            "log = \"text\"\n[tls]\nlisten = \"{port}\"\ncert = \"{pki}/daemon.crt\"\nkey = \"{pki}/daemon.key\"\nclient_ca = \
             \"{pki}/ca.crt\"\ncrl = \"{pki}/ca.crl\"\n"
        );
        let daemon = Daemon::start(dir.path(), &tls);
        Self { address: port.to_string(), daemon, dir }
    }

    /// Where its certificates are.
    pub fn pki(&self) -> std::path::PathBuf {
        self.dir.path().join("pki")
    }

    /// A connection of its own to it, by its port.
    pub async fn client(&self) -> Client {
        client(&self.pki(), &self.address).await
    }

    /// Ends it, with its jobs.
    pub fn end(self) {
        self.daemon.shutdown();
    }

    /// What it has resident now, and had at most, MiB.
    pub fn resident(&self) -> (f64, f64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.daemon.pid())).expect("it lives");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells");
            line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") / 1024.0
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.daemon.pid())).expect("it lives").count()
    }
}

/// Who calls as the admin.
pub fn paths(pki: &Path) -> Paths {
    Paths { cert: pki.join("admin.crt"), key: pki.join("admin.key"), ca: pki.join("ca.crt") }
}

/// A connection, tried again: a crowd that comes at once pushes some of its own handshakes out.
pub async fn client(pki: &Path, address: &str) -> Client {
    let target = Target::Tls { address: address.to_owned(), name: Some("localhost".to_owned()), paths: paths(pki) };
    for _ in 0..100 {
        match Client::to(&target).await {
            Ok(client) => return client,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no connection to {address}");
}
