//! Who gets through the daemon's TLS door, and who does not: each refusal with real handshakes.
#![cfg(feature = "daemon")]

mod daemon;

use daemon::{Authority, HOUR, REVOKED, Server, Wanted};
use ironcell::rpc::limits::Limits;
use rcgen::ExtendedKeyUsagePurpose as Usage;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tonic::Code;

#[tokio::test]
async fn a_certificate_of_the_authority_with_one_role_is_let_in() {
    let server = Server::start(Limits::default()).await;
    for role in ["admin", "operator", "viewer"] {
        let paths = server.client(role, &Wanted { units: &[role, "engineering"], ..Wanted::default() });
        let answer = server.connect(&paths).await.expect("connected").check().await.expect(role);
        assert_eq!(answer.status, 1, "serving");
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_never_reaches_http() {
    let server = Server::start(Limits::default()).await;
    let now = SystemTime::now();
    let (other, dir) = (Authority::new("the authority"), server.dir.path());
    let rows = [
        ("Expired", server.client("expired", &Wanted { until: now - HOUR / 2, ..Wanted::default() })),
        ("Expired", server.client("early", &Wanted { from: now + HOUR / 2, ..Wanted::default() })),
        ("CertificateRevoked", server.client("revoked", &Wanted { serial: REVOKED, ..Wanted::default() })),
        ("UnknownCA", Wanted::default().self_signed(dir, "self")),
        (
            "UnsupportedCertificate",
            server.client("server", &Wanted { usages: &[Usage::ServerAuth], ..Wanted::default() }),
        ),
        ("UnsupportedCertificate", server.client("any", &Wanted { usages: &[Usage::Any], ..Wanted::default() })),
        ("UnsupportedCertificate", server.client("none", &Wanted { usages: &[], ..Wanted::default() })),
        ("refuses", server.client("authority", &Wanted { authority: true, ..Wanted::default() })),
        ("refuses", other.issue(dir, "other", &Wanted::default())),
    ];
    for (word, paths) in rows {
        let told = server.refusal(&paths).await;
        assert!(told.contains("the daemon refuses the client certificate") && told.contains(word), "{paths:?}: {told}");
    }
    // The daemon's own certificate is for servers.
    let own = ironcell::rpc::tls::client::Paths {
        cert: server.path("daemon.crt"),
        key: server.path("daemon.key"),
        ca: server.path("ca.crt"),
    };
    let told = server.refusal(&own).await;
    assert!(told.contains("UnsupportedCertificate"), "{told}");
}

#[tokio::test]
async fn a_certificate_without_exactly_one_role_is_answered_with_the_reason() {
    let server = Server::start(Limits::default()).await;
    let rows: [(&[&str], &str); 7] = [
        (&["admin", "viewer"], "more than one role"),
        (&["operator", "operator"], "more than one role"),
        (&[], "no OU of the client certificate is a role"),
        (&["engineering"], "no OU"),
        (&["Admin"], "no OU"),
        (&["OPERATOR"], "no OU"),
        (&["admin\0"], "no OU"),
    ];
    for (index, (units, word)) in rows.into_iter().enumerate() {
        let paths = server.client(&format!("c{index}"), &Wanted { units, ..Wanted::default() });
        let status = server.connect(&paths).await.expect("connected").check().await.expect_err("nobody");
        assert_eq!(status.code(), Code::PermissionDenied, "{units:?}");
        assert!(status.message().contains(word), "{units:?}: {status:?}");
    }
    let paths = server.client("uid", &Wanted { name: "uid:0", ..Wanted::default() });
    let status = server.connect(&paths).await.expect("connected").check().await.expect_err("nobody");
    assert_eq!((status.code(), status.message().contains("uid:")), (Code::Unauthenticated, true), "{status:?}");
}

#[tokio::test]
async fn a_client_that_knows_another_authority_does_not_talk_to_the_daemon() {
    let server = Server::start(Limits::default()).await;
    let mut paths = server.client("alice", &Wanted::default());
    paths.ca = server.path("other.crt");
    Authority::new("another").show(&paths.ca);
    let error = server.connect(&paths).await.err().expect("refused").to_string();
    assert!(error.contains("UnknownIssuer") && error.contains("--ca"), "{error}");
}

#[tokio::test]
async fn an_expired_revocation_list_lets_nobody_in() {
    let server = Server::start(Limits::default()).await;
    let paths = server.client("alice", &Wanted::default());
    server.authority.revoke(&server.path("ca.crl"), &[], SystemTime::now() - HOUR / 2);
    server.keys.reload().expect("it can be read");
    let told = server.refusal(&paths).await;
    assert!(told.contains("the daemon refuses"), "{told}");
}

/// What `openssl s_client` says and returns.
async fn openssl(server: &Server, options: &[&str]) -> (bool, String) {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &server.address.to_string(), "-CAfile"]).arg(server.path("ca.crt"));
    command.args(options).stdin(Stdio::null());
    let done = timeout(daemon::PATIENCE, spawn_blocking(move || command.output())).await.expect("in time");
    let done = done.expect("it ran").expect("openssl is installed");
    let text = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn row_2_19_openssl_gets_in_by_tls_1_3_and_by_nothing_older() {
    let server = Server::start(Limits::default()).await;
    let paths = server.client("alice", &Wanted::default());
    let (cert, key) = (paths.cert.to_str().expect("text"), paths.key.to_str().expect("text"));
    let own = ["-cert", cert, "-key", key, "-alpn", "h2"];
    let (good, text) = openssl(&server, &[&["-tls1_3"], &own[..]].concat()).await;
    assert!(good && text.contains("ALPN protocol: h2") && text.contains("TLSv1.3"), "{text}");
    assert!(!text.contains("Post-Handshake New Session Ticket"), "no session can be resumed: {text}");
    assert!(text.contains("Early data was not sent") || !text.contains("Early data was accepted"), "{text}");
    for version in ["-tls1_2", "-tls1_1"] {
        let (good, text) = openssl(&server, &[&[version, "-cipher", "ALL:@SECLEVEL=0"], &own[..]].concat()).await;
        assert!(
            !good && (text.contains("protocol version") || text.contains("handshake failure")),
            "{version}: {text}"
        );
    }
    let (good, text) = openssl(&server, &["-tls1_3", "-cert", cert, "-key", key, "-alpn", "http/1.1"]).await;
    assert!(!good && text.contains("no application protocol"), "{text}");
}

/// A plain rustls handshake as a client that shows nothing, or offers something else; then what comes back.
async fn bare(server: &Server, certified: bool, alpn: &[&[u8]]) -> std::io::Result<Vec<u8>> {
    let paths = server.client("bare", &Wanted::default());
    let mut config = ironcell::rpc::tls::client::config(&paths).expect("a configuration");
    if !certified {
        config.client_auth_cert_resolver = std::sync::Arc::new(NoCertificate);
    }
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.address).await?;
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let mut stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
    let mut answer = vec![0; 9];
    timeout(daemon::PATIENCE, stream.read_exact(&mut answer)).await.expect("in time")?;
    Ok(answer)
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<std::sync::Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn no_certificate_no_protocol_or_an_older_one_is_no_connection() {
    let server = Server::start(Limits::default()).await;
    let answer = bare(&server, true, &[b"h2"]).await.expect("the same with everything is let in");
    assert_eq!(answer[3], 4, "a SETTINGS frame: {answer:?}");
    let error = bare(&server, false, &[b"h2"]).await.expect_err("no certificate");
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
    for alpn in ["", "http/1.1", "h2c", "H2", "http/1.1 h3"] {
        let alpn: Vec<&[u8]> = alpn.split_whitespace().map(str::as_bytes).collect();
        assert!(bare(&server, true, &alpn).await.is_err(), "{alpn:?}");
    }
}

#[tokio::test]
async fn plain_http_at_the_tls_port_is_closed_without_an_answer_of_http() {
    let server = Server::start(Limits::default()).await;
    for text in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\xff\xff"]
    {
        let mut stream = TcpStream::connect(server.address).await.expect("connected");
        stream.write_all(text).await.expect("sent");
        stream.shutdown().await.expect("sent");
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect("it is closed");
        assert!(!answer.starts_with(b"HTTP") && answer.len() < 64, "{answer:?}");
    }
}
