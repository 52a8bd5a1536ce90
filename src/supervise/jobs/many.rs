//! Verbs on many jobs at once: each job has a result of its own.

use super::{Jobs, Whose};
use crate::life::{StopKind, Stopper};
use crate::spec::{JobId, JobSpec, Owner, StdioSet};
use crate::supervise::request::StopRequest;
use crate::supervise::{Error, Filter, Job, Stopped};
use std::time::Duration;
use tokio::task::JoinSet;

/// Starts that are under way at once: the keeper builds one cell after the other, and what is before and after it is short.
const STARTS_AT_ONCE: usize = 8;

impl Jobs<Owner> {
    /// Starts all of these, some at a time; the answers are in the order of the asks. What fails concerns no other.
    ///
    /// Given up before its answer, no further one is started; of those that are under way it is as with [`Jobs::start`].
    pub async fn start_all(&self, asks: Vec<(JobSpec, StdioSet)>) -> Vec<Result<Job, Error>> {
        let mut answers: Vec<Option<Result<Job, Error>>> = asks.iter().map(|_| None).collect();
        let mut asks = asks.into_iter().enumerate();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < STARTS_AT_ONCE
                && let Some((index, (spec, stdio))) = asks.next()
            {
                let jobs = self.clone();
                under_way.spawn(async move { (index, jobs.start(spec, stdio).await) });
            }
            match under_way.join_next().await {
                Some(Ok((index, answer))) => answers[index] = Some(answer),
                // Lost with the runtime: it stays without an answer.
                Some(Err(_)) => {}
                None => break,
            }
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Err(Error::RuntimeEnded))).collect()
    }
}

impl<W: Whose> Jobs<W> {
    /// Stops all that are meant and have not ended: every one is asked first, then all are waited for, so it takes as long
    /// as the slowest. Those that are still being started are not among them.
    pub async fn stop_all(&self, filter: &Filter, grace: Option<Duration>) -> Vec<(JobId, Result<Stopped, Error>)> {
        let asked = self.ask_all(filter, Stopper::Caller, StopKind::Soft, grace).await;
        let mut stopped = Vec::with_capacity(asked.len());
        for (job, was_running) in asked {
            let outcome = job.wait().await.ok_or(Error::RuntimeEnded);
            stopped.push((job.id(), outcome.map(|outcome| Stopped { was_running, outcome })));
        }
        stopped
    }

    /// Asks all that are meant to end; each with whether it had not ended by then.
    pub(in crate::supervise) async fn ask_all(
        &self,
        filter: &Filter,
        by: Stopper,
        how: StopKind,
        grace: Option<Duration>,
    ) -> Vec<(Job, bool)> {
        let mut asked = Vec::new();
        for info in self.list(filter).into_iter().filter(|info| info.status.is_running()) {
            if let Ok(job) = self.get(info.id) {
                let was_running = job.ask_end(StopRequest { by: by.clone(), how, grace }).await;
                asked.push((job, was_running));
            }
        }
        asked
    }
}
