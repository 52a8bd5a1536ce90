//! For tests of the library: a runtime of a given kind, and a look at what is left when it has gone.

use crate::inside::children;
use crate::support::{Host, RUN_WITHIN};
use ironcell::life::{Outcome, Stream};
use ironcell::spec::{JobSpec, Stdio, StdioSet};
use ironcell::supervise::{Item, Job, OutputFrom, Supervisor};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::future::Future;
use std::time::Duration;

/// Runs on this many threads (none: the current one), and fails the test when anything is left, a child included.
pub fn with_threads(threads: usize, work: impl Future<Output = ()> + Send + 'static) {
    with_threads_for(threads, RUN_WITHIN, work);
}

/// The same for work that may take longer.
pub fn with_threads_for(threads: usize, most: Duration, work: impl Future<Output = ()> + Send + 'static) {
    // As a program does that holds many jobs: each takes some descriptors.
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may be raised");
    let before = Host::now();
    let mut builder = match threads {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads.max(1)).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(most, work).await.expect("it does not hang") });
    drop(runtime);
    before.assert_nothing_left();
    assert_eq!(children(std::process::id() as i32), [0; 0], "a keeper is left");
}

/// A job of one line of shell.
pub fn shell(script: &str) -> JobSpec {
    JobSpec::command("sh").args(["-c", script]).build().expect("a spec")
}

/// Work with a supervisor, which is closed behind it.
pub fn with_supervisor<F: Future<Output = Supervisor> + Send + 'static>(work: fn(Supervisor) -> F) {
    with_threads(2, async move { work(Supervisor::open().expect("a supervisor")).await.close() });
}

/// Both outputs into the log.
pub fn logged() -> StdioSet {
    StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() }
}

/// All that a job has written to its log, when it has ended. Fails the test when some of it is not kept.
pub async fn written(job: &Job) -> Vec<u8> {
    let (mut reader, mut bytes) = (job.output(OutputFrom::Start), Vec::new());
    while let Some(item) = reader.next().await {
        match item {
            Item::Chunk(chunk) => bytes.extend(chunk.bytes),
            Item::Gap { from, to } => panic!("{from} to {to} is lost"),
            Item::Ended(_) => {}
        }
    }
    bytes
}

/// The same as text.
pub async fn written_text(job: &Job) -> String {
    String::from_utf8(written(job).await).expect("text")
}

/// Runs a job to its end: its outcome, and the bytes of its standard output. Fails the test when some of them are not kept.
pub async fn ran(supervisor: &Supervisor, spec: JobSpec) -> (Outcome, Vec<u8>) {
    let job = supervisor.start(spec, logged()).await.expect("it starts");
    let mut reader = job.output(OutputFrom::Start).only(Stream::Stdout);
    let mut bytes = Vec::new();
    loop {
        match reader.next().await.expect("it ends") {
            Item::Chunk(chunk) => bytes.extend(chunk.bytes),
            Item::Gap { .. } => panic!("little was written"),
            Item::Ended(ended) => return (ended.outcome, bytes),
        }
    }
}
