//! A job as its owner holds it: a cheap handle.

mod verbs;

use super::input::{Inputs, JobStdin, JobTerminal};
use super::output::{OutputFrom, OutputReader, OutputSink, Spooled};
use super::request::{Request, StopRequest};
use crate::life::log::Log;
use crate::life::{Moment, Outcome, StopKind, Stopper, Timeline};
use crate::os::cgroup::Effective;
use crate::plan::Walls;
use crate::spec::JobId;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// A job that was started. Clones are the same job. When the last one is gone, the job is killed, unless its spec says that
/// it is to go on ([`OnDrop::Detach`](crate::spec::OnDrop::Detach)).
#[derive(Debug, Clone)]
pub struct Job {
    shared: Arc<Shared>,
    /// Whoever has one of these holds the job. `None` of a job that had ended when the handle was made.
    stops: Option<mpsc::Sender<StopRequest>>,
}

/// What all handles share, and the list of jobs with them. It holds no job alive.
#[derive(Debug)]
pub(super) struct Shared {
    pub id: JobId,
    /// Of the run that goes on, or of the last.
    pub pid: Arc<AtomicI32>,
    pub effective: Arc<Mutex<Vec<Effective>>>,
    pub about: About,
    pub requests: mpsc::Sender<Request>,
    pub timeline: watch::Receiver<Timeline>,
    pub outcome: watch::Receiver<Option<Outcome>>,
    pub log: watch::Receiver<Log>,
    pub inputs: Inputs,
    pub spool: Option<Arc<Spooled>>,
    /// Until somebody takes it. It is let go with the job at the latest.
    pub sink: Mutex<Option<OutputSink>>,
}

/// How a job runs, as its plan tells it.
#[derive(Debug, Default)]
pub(super) struct About {
    pub walls: Walls,
    pub digest: String,
    pub notes: Vec<String>,
}

/// What a stop has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// Whether the job had not ended yet when this was asked.
    pub was_running: bool,
    /// How it ended and why: the same for everybody who asks.
    pub outcome: Outcome,
}

impl Job {
    /// A handle that holds the job as long as `stops` does.
    pub(super) fn new(shared: Arc<Shared>, stops: Option<mpsc::Sender<StopRequest>>) -> Self {
        Self { shared, stops }
    }

    /// Its id.
    pub fn id(&self) -> JobId {
        self.shared.id
    }

    /// The process id on the host of the cell's PID 1, for people and logs. It is no identity. A job that is started again
    /// has another one in each run.
    pub fn pid(&self) -> i32 {
        self.shared.pid.load(Ordering::Relaxed)
    }

    /// Its limits as the kernel has them in force: those of its start, or of the last [`Job::update`].
    pub fn effective(&self) -> Vec<Effective> {
        self.shared.effective.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The walls around it.
    pub fn walls(&self) -> &Walls {
        &self.shared.about.walls
    }

    /// SHA-256 of its plan: the same walls and the same limits have the same digest.
    pub fn digest(&self) -> &str {
        &self.shared.about.digest
    }

    /// What a person should know of how it runs, although nothing is wrong.
    pub fn notes(&self) -> &[String] {
        &self.shared.about.notes
    }

    /// Asks for a soft stop: SIGTERM to the leader, and after the job's grace the end of the whole cell. Returns at once;
    /// a job that has ended is not asked.
    pub fn stop(&self, by: Stopper) {
        self.ask(by, StopKind::Soft);
    }

    /// Asks for the end of the whole cell at once.
    pub fn kill(&self, by: Stopper) {
        self.ask(by, StopKind::Hard);
    }

    fn ask(&self, by: Stopper, how: StopKind) {
        // Closed: it has ended. Full: as many requests wait already, and the first of each kind decides.
        let _ = self.stops.as_ref().map(|stops| stops.try_send(StopRequest { by, how, grace: None }));
    }

    /// Waits for the end: told once everything of the job is gone. Any number may wait, any number of times; a wait that is
    /// given up has taken nothing. `None` when the runtime was shut down before the end.
    pub async fn wait(&self) -> Option<Outcome> {
        self.ended().await
    }

    /// The same wait for somebody who does not hold the job: it goes on when this handle is dropped, and the job, if nobody
    /// else holds it, is killed as it would be without.
    pub fn ended(&self) -> impl Future<Output = Option<Outcome>> + Send + 'static {
        let mut outcome = self.shared.outcome.clone();
        // The driver tells the outcome before it goes; without one, its runtime was shut down under it.
        async move { outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone()) }
    }

    /// A reader of what it writes to its log (`Stdio::Log`), also after its end. Any number, each at its own pace: none,
    /// stopped or slow, is ever waited for, by the job or by another reader. The log of a job that writes elsewhere is empty.
    pub fn output(&self, from: OutputFrom) -> OutputReader {
        OutputReader::new(self.shared.log.clone(), self.shared.outcome.clone(), from).spooled(self.shared.spool.clone())
    }

    /// Its standard input, if it was started with [`Stdio::Pipe`](crate::spec::Stdio::Pipe).
    pub fn stdin(&self) -> Option<&JobStdin> {
        self.shared.inputs.stdin.as_ref()
    }

    /// Its terminal, if its spec asked for one.
    pub fn terminal(&self) -> Option<&JobTerminal> {
        self.shared.inputs.terminal.as_ref()
    }

    /// The one reader that the job waits for, if it was asked to ([`Overflow::Block`](crate::spec::Overflow::Block)); `None`
    /// when it was not, or when somebody has taken it before. Until it is taken the job is waited for as by a sink that
    /// takes nothing.
    pub fn sink(&self) -> Option<OutputSink> {
        // Nobody can panic with it.
        self.shared.sink.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until more than `seen` things have happened, and tells those beyond; none when nothing more will. To begin
    /// with, `seen` is 0.
    pub async fn moments_beyond(&self, seen: usize) -> Vec<Moment> {
        let mut timeline = self.shared.timeline.clone();
        // An error is the end of the driver: what it has told stays.
        let _ = timeline.wait_for(|timeline| timeline.moments().len() > seen).await;
        let timeline = timeline.borrow();
        timeline.moments().get(seen..).unwrap_or_default().to_vec()
    }

    /// The outcome, if it has ended.
    pub fn try_wait(&self) -> Option<Outcome> {
        self.shared.outcome.borrow().clone()
    }
}
