//! The daemon's protocol as another implementation of gRPC understands it: Python's grpcio over mutual TLS, with code that it
//! generated itself. `cargo vm test` brings that, and says where by `IRONCELL_PYTHON`.
#![cfg(feature = "daemon")]

mod daemon;

use daemon::{Server, Wanted};
use ironcell::rpc::limits::Limits;
use ironcell::rpc::service::{Settings, routes};
use ironcell::supervise::{Backend, Bounds, Supervisor};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use tokio::task::spawn_blocking;

#[tokio::test]
#[ignore = "it needs grpcio, which `cargo vm test` installs"]
async fn row_2_17_a_client_of_another_implementation_starts_follows_stops_and_attaches() {
    let python = std::env::var_os("IRONCELL_PYTHON").expect("IRONCELL_PYTHON is a Python with grpcio and grpcio-tools");
    let supervisor = Arc::new(Supervisor::with_backend(Backend::Plain, Bounds::default()));
    let settings = Settings { compat: true, ..Settings::default() };
    let health = tonic_health::server::health_reporter().0;
    let server = Server::serving(Limits::default(), health, routes(supervisor, settings).await).await;
    let paths = server.client("alice", &Wanted::default());
    let out = tempfile::tempdir().expect("a directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut client = Command::new(python);
    client.arg(root.join("tests/daemon_client.py")).arg(root.join("src/rpc/proto")).arg(out.path());
    client.arg(server.address.to_string()).arg(&paths.ca).arg(&paths.cert).arg(&paths.key);
    let done = spawn_blocking(move || client.output()).await.expect("no panic").expect("it runs");
    assert!(done.status.success() && done.stdout.ends_with(b"ok\n"), "{done:?}");
}
