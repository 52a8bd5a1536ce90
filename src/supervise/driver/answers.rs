//! What a driver does on request while the job runs.

use super::{Driver, TERM, Waits};
use crate::life::Stats;
use crate::os::cgroup::Effective;
use crate::spec::{Limits, Signal, Target};
use crate::supervise::Error;
use crate::supervise::events::Change;
use crate::supervise::request::Request;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;

/// How long the processes of a cell may take to stand still. It takes microseconds; only one that waits for a device takes as
/// long as that. A stop that is asked meanwhile waits so long at most.
const FREEZE_WITHIN: Duration = Duration::from_secs(2);

impl Driver {
    /// Does what is asked. Who asked may be gone, which is no reason to leave it out.
    pub(super) async fn answer(&mut self, request: Request, waits: &mut Waits) {
        match request {
            Request::Signal { signal, to, answer } => drop(answer.send(self.signal(signal, to).await)),
            Request::Pause { answer } => drop(answer.send(self.pause(waits).await)),
            Request::Resume { answer } => drop(answer.send(self.resume(waits))),
            Request::Update { limits, answer } => drop(answer.send(self.update(&limits))),
            Request::Stats { answer } => drop(answer.send(Ok(self.stats(waits)))),
            Request::Processes { answer } => drop(answer.send(self.cell.roll())),
        }
    }

    /// Asks the leader to end: SIGTERM, and if it stands still it is let go on to hear it.
    pub(super) fn ask_leader(&mut self) {
        self.cell.signal_leader(TERM);
        self.go_on_to_end();
    }

    /// Lets a job go on that stands still, since it is to end, or since its leader has: a PID 1 that stands still would
    /// never go.
    pub(super) fn go_on_to_end(&mut self) {
        if std::mem::take(&mut self.paused)
            && let Err(error) = self.cell.thaw()
        {
            // It is killed when its time is over, as every job that does not hear.
            tracing::error!(%error, pid = self.cell.pid(), "a paused cell could not be let go on for its end");
        }
    }

    /// A stop may bring a grace of its own: in place of the job's, or, when one is running, if it is over sooner.
    pub(super) fn take_grace(&mut self, grace: Option<Duration>, waits: &mut Waits) {
        let Some(grace) = grace else { return };
        match &mut waits.grace {
            Some(until) => *until = (*until).min(super::waits::from_now(grace)),
            None => self.grace = grace,
        }
    }

    async fn signal(&mut self, signal: Signal, to: Target) -> Result<(), Error> {
        match to {
            Target::Leader => self.cell.signal_leader(signal.number()),
            Target::All => self.cell.signal_all(signal.number(), self.paused, FREEZE_WITHIN).await?,
        }
        Ok(())
    }

    async fn pause(&mut self, waits: &mut Waits) -> Result<(), Error> {
        if waits.ending {
            return Err(Error::Ending(self.listed.id));
        }
        if self.paused {
            return Ok(());
        }
        self.cell.freeze(FREEZE_WITHIN).await?;
        self.paused = true;
        // It uses nothing while it stands, so there is nothing to look for.
        waits.look = None;
        self.listed.tell(Change::Paused);
        Ok(())
    }

    fn resume(&mut self, waits: &mut Waits) -> Result<(), Error> {
        if !self.paused {
            return Ok(());
        }
        self.cell.thaw()?;
        self.paused = false;
        let now = Instant::now();
        self.pace.rested(now - waits.started);
        waits.look = self.pace.looks().then_some(now);
        self.listed.tell(Change::Resumed);
        Ok(())
    }

    /// From the ask to what is in force, by the same way as at the start.
    fn update(&mut self, asked: &Limits) -> Result<Vec<Effective>, Error> {
        let current = self.spec.limits();
        let effective = self.cell.update(&self.spec, asked, &self.listed.house)?;
        self.effective.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&effective);
        let limits = Limits {
            memory_max: asked.memory_max.or(current.memory_max),
            memory_high: asked.memory_high.or(current.memory_high),
            ..current.clone()
        };
        self.spec = self.spec.with_limits(limits);
        self.recorded.iter_mut().for_each(|recorded| recorded.updated(&self.spec, &effective));
        self.listed.tell(Change::Updated);
        Ok(effective)
    }

    fn stats(&self, waits: &Waits) -> Stats {
        let mut stats = self.cell.stats();
        stats.usage.wall = waits.started.elapsed();
        stats
    }
}
