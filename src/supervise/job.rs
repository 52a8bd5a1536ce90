//! A job as its owner holds it: a cheap handle.

use super::output::{OutputFrom, OutputReader, OutputSink, Spooled};
use crate::life::log::Log;
use crate::life::{Moment, Outcome, StopKind, Stopper, Timeline};
use crate::os::cgroup::Effective;
use crate::plan::Walls;
use crate::spec::JobId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};

/// Requests to a driver that wait to be heard: a stop, a kill, and some more of an impatient owner.
pub(super) const REQUESTS_MOST: usize = 16;

/// What an owner asks of a running job.
#[derive(Debug)]
pub(super) struct StopRequest {
    pub by: Stopper,
    pub how: StopKind,
}

/// A job that was started. Clones are the same job. When the last clone is gone, the job is killed.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) inner: Arc<Inner>,
}

/// What all clones share.
#[derive(Debug)]
pub(super) struct Inner {
    pub id: JobId,
    pub pid: i32,
    pub effective: Vec<Effective>,
    pub walls: Walls,
    pub digest: String,
    pub notes: Vec<String>,
    pub requests: mpsc::Sender<StopRequest>,
    pub timeline: watch::Receiver<Timeline>,
    pub outcome: watch::Receiver<Option<Outcome>>,
    pub log: watch::Receiver<Log>,
    pub spool: Option<Arc<Spooled>>,
    /// Until somebody takes it. It is let go with the job at the latest.
    pub sink: Mutex<Option<OutputSink>>,
}

impl Job {
    /// Its id.
    pub fn id(&self) -> JobId {
        self.inner.id
    }

    /// The process id on the host of the cell's PID 1, for people and logs. It is no identity.
    pub fn pid(&self) -> i32 {
        self.inner.pid
    }

    /// Its limits as the kernel has them in force.
    pub fn effective(&self) -> &[Effective] {
        &self.inner.effective
    }

    /// The walls around it.
    pub fn walls(&self) -> &Walls {
        &self.inner.walls
    }

    /// SHA-256 of its plan: the same walls and the same limits have the same digest.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// What a person should know of how it runs, although nothing is wrong.
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
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
        let _ = self.inner.requests.try_send(StopRequest { by, how });
    }

    /// Waits for the end: told once everything of the job is gone. Any number may wait, any number of times.
    pub async fn wait(&self) -> Option<Outcome> {
        let mut outcome = self.inner.outcome.clone();
        // The driver tells the outcome before it goes; without one, its runtime was shut down under it.
        outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// A reader of what it writes to its log (`Stdio::Log`), also after its end. Any number, each at its own pace: none,
    /// stopped or slow, is ever waited for, by the job or by another reader. The log of a job that writes elsewhere is empty.
    pub fn output(&self, from: OutputFrom) -> OutputReader {
        OutputReader::new(self.inner.log.clone(), self.inner.outcome.clone(), from).spooled(self.inner.spool.clone())
    }

    /// The one reader that the job waits for, if it was asked to ([`Overflow::Block`](crate::spec::Overflow::Block)); `None`
    /// when it was not, or when somebody has taken it before. Until it is taken the job is waited for as by a sink that
    /// takes nothing.
    pub fn sink(&self) -> Option<OutputSink> {
        // Nobody can panic with it.
        self.inner.sink.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until more than `seen` things have happened, and tells those beyond; none when nothing more will. To begin
    /// with, `seen` is 0.
    pub async fn moments_beyond(&self, seen: usize) -> Vec<Moment> {
        let mut timeline = self.inner.timeline.clone();
        // An error is the end of the driver: what it has told stays.
        let _ = timeline.wait_for(|timeline| timeline.moments().len() > seen).await;
        let timeline = timeline.borrow();
        timeline.moments().get(seen..).unwrap_or_default().to_vec()
    }

    /// The outcome, if it has ended.
    pub fn try_wait(&self) -> Option<Outcome> {
        self.inner.outcome.borrow().clone()
    }
}
