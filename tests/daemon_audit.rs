//! The audit log of calls that are refused: it says what they were about.
#![cfg(feature = "daemon")]

mod daemon;

use daemon::{PATIENCE, Server, Wanted};
use ironcell::rpc::connect::{Target, connect};
use ironcell::rpc::limits::Limits;
use ironcell::rpc::proto::job_service_client::JobServiceClient;
use ironcell::rpc::proto::{JobSpec, SignalJobRequest, StartJobRequest, StopJobRequest};
use ironcell::rpc::service::{Settings, routes};
use ironcell::supervise::{Backend, Bounds, Supervisor};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::Channel;

/// Where the lines of a test go.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// The lines of the audit log that have all of these words.
    async fn with(&self, words: &[&str]) -> Vec<String> {
        let found = async {
            loop {
                let text = String::from_utf8(self.0.lock().expect("whole").clone()).expect("text");
                let found = text.lines().filter(|line| words.iter().all(|word| line.contains(word)));
                let found: Vec<String> = found.map(str::to_owned).collect();
                if !found.is_empty() {
                    return found;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{words:?} in {self:?}"))
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0.lock().expect("whole")))
    }
}

async fn caller(server: &Server, role: &str) -> JobServiceClient<Channel> {
    let paths = server.client(role, &Wanted { name: role, units: &[role], ..Wanted::default() });
    let name = Some("localhost".to_owned());
    let target = Target::Tls { address: server.address.to_string(), name, paths };
    JobServiceClient::new(connect(&target).await.expect("connected"))
}

// One thread, so that what it sets as its own is everybody's here.
#[tokio::test]
async fn a_call_that_is_refused_says_what_was_asked_for_in_one_line() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _set = tracing::subscriber::set_default(subscriber);
    let (health, _) = tonic_health::server::health_reporter();
    let supervisor = Arc::new(Supervisor::with_backend(Backend::Plain, Bounds::default()));
    let server = Server::serving(Limits::default(), health, routes(supervisor, Settings::default()).await).await;

    // By the handler: there is no such job.
    let mut operator = caller(&server, "operator").await;
    let stop = |id: &str| StopJobRequest { id: id.to_owned(), ..StopJobRequest::default() };
    let evil = "web\"\n2026 INFO ironcell::audit: who=\"root\" code=\"OK\"";
    assert_eq!(operator.stop_job(stop(evil)).await.expect_err("none").code(), Code::NotFound);
    let found = lines.with(&["StopJob", "NOT_FOUND", "who=\"operator"]).await;
    assert!(found.len() == 1 && found[0].contains(r#"asked="web\"\n2026"#), "{found:?}");
    // By its words, before it is looked for.
    let signal = SignalJobRequest { id: "db".to_owned(), signal: "FROB".to_owned(), target: 0 };
    operator.signal_job(signal).await.expect_err("no such signal");
    lines.with(&["SignalJob", "INVALID_ARGUMENT", "asked=\"db\""]).await;
    let spec = Some(JobSpec {
        name: "build".to_owned(),
        net: "host".to_owned(),
        argv: vec![b"true".to_vec()],
        ..Default::default()
    });
    operator.start_job(StartJobRequest { spec, ..Default::default() }).await.expect_err("by the policy");
    lines.with(&["StartJob", "PERMISSION_DENIED", "asked=\"build\""]).await;
    // By the gate: no handler has seen it.
    let mut viewer = caller(&server, "viewer").await;
    assert_eq!(viewer.stop_job(stop("web")).await.expect_err("his role").code(), Code::PermissionDenied);
    lines.with(&["StopJob", "PERMISSION_DENIED", "role=\"viewer\"", "asked=\"web\""]).await;
    let spec = Some(JobSpec { name: "mine".to_owned(), ..JobSpec::default() });
    viewer.start_job(StartJobRequest { spec, ..Default::default() }).await.expect_err("his role");
    lines.with(&["StartJob", "PERMISSION_DENIED", "asked=\"mine\""]).await;
    // And one that is done has both words.
    let spec = Some(JobSpec { name: "s".to_owned(), argv: vec![b"true".to_vec()], ..Default::default() });
    let job = operator.start_job(StartJobRequest { spec, ..Default::default() }).await.expect("started");
    let id = job.into_inner().job.expect("a job").id;
    lines.with(&["StartJob", "\"OK\"", "asked=\"s\"", &format!("job=\"{id}\"")]).await;
}
