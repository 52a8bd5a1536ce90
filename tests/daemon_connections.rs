//! What becomes of connections that were let in: bounds, reloads, and their end.
#![cfg(feature = "daemon")]

mod daemon;

use daemon::{HOUR, Health, PATIENCE, Server, Wanted, end_of};
use ironcell::rpc::connect::{Target, connect};
use ironcell::rpc::limits::{Limits, REQUEST_MOST_BYTES};
use ironcell::rpc::listen::local::Local;
use ironcell::rpc::proto::job_service_client::JobServiceClient;
use ironcell::rpc::proto::{GetJobRequest, StartJobRequest};
use ironcell::rpc::serve::{Doors, serve};
use ironcell::rpc::stop::Switch;
use ironcell::rpc::tls::client;
use ironcell::rpc::wire::Terms;
use rcgen::ExtendedKeyUsagePurpose as Usage;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tonic::Code;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;

/// Short enough for a test to wait for it a few times.
const SOON: Duration = Duration::from_millis(200);

fn soon() -> Limits {
    Limits { recheck: SOON, drain: SOON, ..Limits::default() }
}

/// The number of the certificate that the server shows to a new client.
async fn shown(server: &Server, paths: &client::Paths) -> Vec<u8> {
    let config = Arc::new(client::config(paths).expect("a configuration"));
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let stream = client::connect(config, &server.address.to_string(), name).await.expect("connected");
    stream.get_ref().1.peer_certificates().expect("shown")[0].to_vec()
}

#[tokio::test]
async fn a_reload_changes_new_handshakes_and_keeps_streams() {
    let server = Server::start(soon()).await;
    let paths = server.client("alice", &Wanted::default());
    let before = shown(&server, &paths).await;
    let mut stream = server.connect(&paths).await.expect("connected").watch().await.expect("a stream");

    let own = Wanted { name: "renewed", units: &[], usages: &[Usage::ServerAuth], serial: 99, ..Wanted::default() };
    server.authority.issue(server.dir.path(), "daemon", &own);
    assert_eq!(shown(&server, &paths).await, before, "nothing changes until it is told");
    server.keys.reload().expect("reloaded");
    assert_ne!(shown(&server, &paths).await, before);

    sleep(2 * SOON).await;
    server.health.set_service_status("", ServingStatus::NotServing).await;
    let next = timeout(PATIENCE, stream.message()).await.expect("in time").expect("the stream goes on");
    assert_eq!(next.expect("a message").status, 2, "not serving");
}

#[tokio::test]
async fn a_new_file_that_is_of_no_use_changes_nothing_and_is_named() {
    let server = Server::start(soon()).await;
    let mut paths = server.client("alice", &Wanted::default());
    // The client keeps what it trusts.
    paths.ca = server.path("kept.crt");
    fs::copy(server.path("ca.crt"), &paths.ca).expect("copied");
    for file in ["daemon.crt", "daemon.key", "ca.crt", "ca.crl"] {
        let good = fs::read(server.path(file)).expect("read");
        for bad in
            [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &good[..good.len() / 2]]
        {
            fs::write(server.path(file), bad).expect("written");
            let error = server.keys.reload().expect_err(file).to_string();
            assert!(error.contains(file) && error.contains(';'), "{error}");
            server.connect(&paths).await.expect("connected").check().await.expect("it is as before");
        }
        fs::write(server.path(file), good).expect("written");
    }
    fs::remove_file(server.path("ca.crl")).expect("removed");
    let error = server.keys.reload().expect_err("not there").to_string();
    assert!(error.contains("ca.crl") && error.contains("No such file"), "{error}");
}

#[tokio::test]
async fn a_key_that_everybody_can_read_and_one_of_another_certificate_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start(soon()).await;
    fs::set_permissions(server.path("daemon.key"), fs::Permissions::from_mode(0o644)).expect("set");
    let error = server.keys.reload().expect_err("readable").to_string();
    assert!(error.contains("daemon.key") && error.contains("0644") && error.contains("chmod 600"), "{error}");
    let other = server.client("other", &Wanted::default());
    fs::copy(other.key, server.path("daemon.key")).expect("copied");
    fs::set_permissions(server.path("daemon.key"), fs::Permissions::from_mode(0o600)).expect("set");
    let error = server.keys.reload().expect_err("of another").to_string();
    assert!(error.contains("daemon.key") && error.contains("key of the daemon's certificate"), "{error}");
}

#[tokio::test]
async fn a_revocation_ends_the_streams_of_its_certificate_and_of_no_other() {
    let server = Server::start(soon()).await;
    let gone = server.client("gone", &Wanted { serial: 21, ..Wanted::default() });
    let kept = server.client("kept", &Wanted { serial: 22, ..Wanted::default() });
    let ended = server.connect(&gone).await.expect("connected").watch().await.expect("a stream");
    let mut going = server.connect(&kept).await.expect("connected").watch().await.expect("a stream");
    server.authority.revoke(&server.path("ca.crl"), &[21], SystemTime::now() + HOUR);
    server.keys.reload().expect("reloaded");
    end_of(ended).await.expect_err("it is cut");
    assert!(server.refusal(&gone).await.contains("CertificateRevoked"));
    server.health.set_service_status("", ServingStatus::NotServing).await;
    assert!(timeout(PATIENCE, going.message()).await.expect("in time").expect("it goes on").is_some());
}

#[tokio::test]
async fn a_stream_does_not_outlive_its_certificate() {
    let server = Server::start(soon()).await;
    let until = SystemTime::now() + Duration::from_secs(3);
    let paths = server.client("brief", &Wanted { until, ..Wanted::default() });
    let stream = server.connect(&paths).await.expect("connected").watch().await.expect("a stream");
    end_of(stream).await.expect_err("it is cut");
    assert!(SystemTime::now() >= until - Duration::from_secs(1), "dates of certificates are whole seconds");
}

#[tokio::test]
async fn stalled_handshakes_hold_up_nobody_and_the_oldest_go_first() {
    let server = Server::start(Limits { handshakes: 4, ..soon() }).await;
    let paths = server.client("alice", &Wanted::default());
    let mut stalled = Vec::new();
    for _ in 0..40 {
        stalled.push(TcpStream::connect(server.address).await.expect("connected"));
    }
    server.connect(&paths).await.expect("connected").check().await.expect("answered");
    for stream in &mut stalled[..35] {
        let read = timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("it is closed");
        assert!(matches!(read, Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn a_handshake_has_its_time() {
    let server = Server::start(Limits { handshake: SOON, ..soon() }).await;
    let mut stalled = TcpStream::connect(server.address).await.expect("connected");
    let read = timeout(PATIENCE, stalled.read(&mut [0; 8])).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_and_one_with_a_stream_is_not() {
    let server = Server::start(Limits { idle: 3 * SOON, ..soon() }).await;
    let paths = server.client("alice", &Wanted::default());
    let mut stream = server.connect(&paths).await.expect("connected").watch().await.expect("a stream");
    let config = Arc::new(client::config(&paths).expect("a configuration"));
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let mut idle = client::connect(config, &server.address.to_string(), name).await.expect("connected");
    let mut all = Vec::new();
    let _ = timeout(PATIENCE, idle.read_to_end(&mut all)).await.expect("it is closed");
    sleep(3 * SOON).await;
    server.health.set_service_status("", ServingStatus::NotServing).await;
    assert!(timeout(PATIENCE, stream.message()).await.expect("in time").expect("it goes on").is_some());
}

#[tokio::test]
async fn calls_at_once_and_connections_of_a_key_are_bounded() {
    let server = Server::start(Limits { streams: 3, connections_of_one: 2, ..soon() }).await;
    let paths = server.client("alice", &Wanted::default());
    let mut client = server.connect(&paths).await.expect("connected");
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(client.watch().await.expect("a stream"));
    }
    assert!(timeout(2 * SOON, client.clone().watch()).await.is_err(), "the fourth waits");
    streams.pop();
    client.watch().await.expect("until there is room");

    let _second = server.connect(&paths).await.expect("connected").watch().await.expect("a stream");
    let third = server.connect(&paths).await;
    assert!(third.is_err() || third.expect("connected").check().await.is_err());
    let other = server.client("bob", &Wanted { name: "bob", ..Wanted::default() });
    server.connect(&other).await.expect("connected").check().await.expect("another key has its own");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let server = Server::start(soon()).await;
    let mut client = server.connect(&server.client("alice", &Wanted::default())).await.expect("connected");
    let request = HealthCheckRequest { service: "x".repeat(REQUEST_MOST_BYTES) };
    let status = client.0.check(request).await.expect_err("too large");
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(status.message().contains("4194304 bytes"), "{status:?}");
    client.check().await.expect("answered");
}

#[tokio::test]
async fn the_gate_lets_a_role_through_to_what_it_may_call() {
    let server = Server::start(soon()).await;
    for (role, start, get) in [
        ("viewer", Code::PermissionDenied, Code::Unimplemented),
        ("operator", Code::Unimplemented, Code::Unimplemented),
    ] {
        let paths = server.client(role, &Wanted { units: &[role], ..Wanted::default() });
        let mut client = server.connect(&paths).await.expect("connected");
        client.check().await.expect("answered");
        let name = Some("localhost".to_owned());
        let channel =
            connect(&Target::Tls { address: server.address.to_string(), name, paths }).await.expect("connected");
        let mut jobs = JobServiceClient::new(channel);
        // There is no such service behind this gate: what is let through is not found.
        let status = jobs.start_job(StartJobRequest::default()).await.expect_err("refused");
        assert_eq!(status.code(), start, "{role}: {status:?}");
        assert_eq!(jobs.get_job(GetJobRequest::default()).await.expect_err("none").code(), get, "{role}");
    }
}

#[tokio::test]
async fn a_stop_ends_streams_with_unavailable_and_waits_for_nobody() {
    let server = Server::start(Limits { drain: HOUR, ..soon() }).await;
    let paths = server.client("alice", &Wanted::default());
    let mut client = server.connect(&paths).await.expect("connected");
    let stream = client.watch().await.expect("a stream");
    server.switch.stop();
    let status = end_of(stream).await.expect_err("ended");
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().contains("shutting down"), "{status:?}");
    drop(client);
    timeout(PATIENCE, server.done).await.expect("in time").expect("served");
    assert!(TcpStream::connect(server.address).await.is_err(), "the door is closed");
}

#[tokio::test]
async fn a_stop_waits_no_longer_than_the_drain_for_a_client_that_stays() {
    let server = Server::start(soon()).await;
    let paths = server.client("alice", &Wanted::default());
    let config = Arc::new(client::config(&paths).expect("a configuration"));
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    // It never speaks, so that no HTTP/2 can be ended with it.
    let _stays = client::connect(config, &server.address.to_string(), name).await.expect("connected");
    server.connect(&paths).await.expect("connected").check().await.expect("answered");
    server.switch.stop();
    timeout(PATIENCE, server.done).await.expect("in time").expect("served");
}

#[tokio::test]
async fn the_unix_socket_serves_its_user_as_admin() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let path = dir.path().join("d.sock");
    let local = Some(Local::bind(&path).expect("bound"));
    let (_health, service) = tonic_health::server::health_reporter();
    let (switch, stop) = Switch::new();
    let routes = tonic::service::Routes::new(service);
    let terms = Terms { live: soon().into(), metrics: Arc::default(), stop };
    let done = tokio::spawn(serve(Doors { remote: None, local }, routes, terms));
    let channel = connect(&Target::Unix(path.clone())).await.expect("connected");
    Health::new(channel.clone()).check().await.expect("answered");
    let status = JobServiceClient::new(channel).start_job(StartJobRequest::default()).await.expect_err("not here");
    assert_eq!(status.code(), Code::Unimplemented, "it was let through");
    switch.stop();
    timeout(PATIENCE, done).await.expect("in time").expect("served");
    assert!(!path.exists(), "the socket goes with the daemon");
}
