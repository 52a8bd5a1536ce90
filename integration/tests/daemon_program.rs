//! The program `ironcelld` from its start to its end, as systemd sees it, with certificates of `ironcell pki`.

use integration::inside::Running;
use integration::support::{Host, ironcell, ironcell_path};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// More than any step takes, under emulation and load.
const PATIENCE: Duration = Duration::from_secs(60);
/// A client's first bytes of HTTP/2: its preface, and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A daemon with a directory of its own, and what it told systemd.
struct Daemon {
    dir: TempDir,
    child: Child,
    manager: UnixDatagram,
}

fn ironcelld() -> Command {
    let mut command = Command::new(ironcell_path().with_file_name("ironcelld"));
    command.stdin(Stdio::null());
    command
}

/// Certificates and a configuration.
fn prepared() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let pki = path("pki");
    let pki = pki.to_str().expect("text");
    for line in [
        &["init"][..],
        &["issue", "--server", "--host", "localhost", "daemon"],
        &["issue", "--role", "operator", "alice"],
    ] {
        let done = ironcell(&[&["pki", "--dir", pki], line].concat()).output().expect("ironcell runs");
        assert!(done.status.success(), "{done:?}");
    }
    let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port");
    let text = format!(
        "state_dir = \"{0}/state\"\nsocket = \"{0}/d.sock\"\nlog = \"json\"\n[tls]\nlisten = \"{port}\"\ncert = \
         \"{pki}/daemon.crt\"\nkey = \"{pki}/daemon.key\"\nclient_ca = \"{pki}/ca.crt\"\ncrl = \"{pki}/ca.crl\"\n",
        dir.path().display()
    );
    fs::write(path("d.toml"), text).expect("written");
    dir
}

impl Daemon {
    fn start() -> Self {
        let dir = prepared();
        let notify = dir.path().join("notify");
        let manager = UnixDatagram::bind(&notify).expect("bound");
        manager.set_read_timeout(Some(PATIENCE)).expect("set");
        let log = fs::File::create(dir.path().join("log")).expect("made");
        let mut command = ironcelld();
        command.arg("--config").arg(dir.path().join("d.toml")).env("NOTIFY_SOCKET", notify).stderr(log);
        let daemon = Self { child: command.spawn().expect("ironcelld runs"), dir, manager };
        assert_eq!(daemon.told(), "READY=1", "{}", daemon.log());
        daemon
    }

    /// The next thing that it tells systemd.
    fn told(&self) -> String {
        let mut text = [0; 256];
        let length = self.manager.recv(&mut text).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        String::from_utf8_lossy(&text[..length]).trim().to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).expect("read")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn signal(&self, signal: i32) {
        Running::signal(i32::try_from(self.child.id()).expect("a pid"), signal);
    }

    fn end(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.code().expect("it was not killed");
            }
            assert!(Instant::now() < until, "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The frame that whoever serves HTTP/2 at the socket begins with.
fn answer(socket: &Path) -> [u8; 9] {
    let mut stream = UnixStream::connect(socket).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream.write_all(PREFACE).expect("sent");
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).expect("answered");
    frame
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[test]
fn it_comes_up_is_reloaded_and_ends_without_a_trace() {
    let before = Host::now();
    let mut daemon = Daemon::start();
    assert_eq!(answer(&daemon.path("d.sock"))[3], 4, "a SETTINGS frame");

    // A second one on the same socket goes no further, and harms nobody.
    let second = ironcelld().arg("--config").arg(daemon.path("d.toml")).output().expect("ironcelld runs");
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(said(&second).contains("a daemon listens there already"), "{second:?}");
    assert_eq!(answer(&daemon.path("d.sock"))[3], 4);

    daemon.signal(libc::SIGHUP);
    assert!(daemon.told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(daemon.told(), "READY=1");
    let config = fs::read_to_string(daemon.path("d.toml")).expect("read");
    let other = format!("compat = true\n{config}[policy]\nnet_host = true\n");
    fs::write(daemon.path("d.toml"), other).expect("written");
    daemon.signal(libc::SIGHUP);
    assert!(daemon.told().starts_with("RELOADING=1"));
    assert_eq!(daemon.told(), "READY=1");
    let told = |words: [&str; 2]| daemon.log().lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(told(["WARN", "\"keys\":\"compat\""]), "{}", daemon.log());
    fs::write(daemon.path("d.toml"), "[policy]\nnet_hots = true\n").expect("written");
    daemon.signal(libc::SIGHUP);
    assert!(daemon.told().starts_with("RELOADING=1"));
    assert_eq!(daemon.told(), "READY=1");
    assert!(told(["ERROR", "net_hots"]) && told(["ERROR", "nothing is changed"]), "{}", daemon.log());
    fs::write(daemon.path("d.toml"), config).expect("written");

    fs::write(daemon.path("pki/daemon.crt"), "broken").expect("written");
    daemon.signal(libc::SIGHUP);
    assert!(daemon.told().starts_with("RELOADING=1"));
    assert_eq!(daemon.told(), "READY=1");
    assert!(daemon.log().lines().any(|line| line.contains("ERROR") && line.contains("daemon.crt")), "{}", daemon.log());

    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.told(), "STOPPING=1");
    assert_eq!(daemon.end(), 0);
    assert!(!daemon.path("d.sock").exists());
    before.assert_nothing_left();
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_before_anything_is_done() {
    let dir = prepared();
    let config = dir.path().join("d.toml");
    let check = || ironcelld().arg("--check-config").arg("--config").arg(&config).output().expect("ironcelld runs");
    assert_eq!(check().status.code(), Some(0), "{:?}", check());
    fs::remove_file(dir.path().join("pki/daemon.key")).expect("removed");
    let done = check();
    assert_eq!(done.status.code(), Some(2));
    assert!(said(&done).contains("daemon.key") && said(&done).contains("No such file"), "{done:?}");
    assert!(!dir.path().join("d.sock").exists());
}
