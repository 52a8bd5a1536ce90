//! Between two runs of a job that is started again after its end: the same job, the same list entry and the same log, and for
//! each run a cell of its own. What follows a run is decided by `life::restart`.

use super::waits::at;
use super::{Driver, Seen, gone};
use crate::life::restart::{Over, RUNS_MOST, Run};
use crate::life::{Cause, Exit, Outcome, Refused, StartFailure};
use crate::os::stdio::Template;
use crate::supervise::Error;
use crate::supervise::events::Change;
use crate::supervise::input::Inputs;
use crate::supervise::start::{self, Begun};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// What is known of the runs of a job that can have several.
#[derive(Debug)]
pub(in crate::supervise) struct Again {
    /// The streams of each.
    pub streams: Template,
    /// Starts in a row until now.
    pub in_a_row: u32,
    /// The newest, [`RUNS_MOST`] at most.
    pub runs: Vec<Run>,
}

/// A wait for the next run.
#[derive(Debug)]
pub(in crate::supervise) struct Wait {
    /// When it is over.
    pub until: Instant,
    /// How the last run ended: the job's own end, if there is no other.
    pub last: Outcome,
}

/// Why a run was not begun.
enum NotBegun {
    /// It could not be: an end like others.
    Failed(StartFailure),
    /// Its supervisor begins nothing any more.
    Closed,
}

impl Again {
    /// Of a job whose first run has just begun.
    pub fn first(streams: Template) -> Self {
        let mut again = Self { streams, in_a_row: 0, runs: Vec::new() };
        again.begins(0);
        again
    }

    /// Another run begins, behind so many bytes of output.
    fn begins(&mut self, offset: u64) {
        let number = self.runs.last().map_or(1, |run| run.number.saturating_add(1));
        if self.runs.len() == RUNS_MOST {
            self.runs.remove(0);
        }
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.runs.push(Run { number, offset, started, end: None });
    }

    /// The last one has ended.
    pub fn ended(&mut self, outcome: &Outcome) {
        if let Some(run) = self.runs.last_mut() {
            run.end = Some((outcome.exit, outcome.cause.clone()));
        }
    }
}

impl Driver {
    /// Whether another run can be begun, as far as it is known now.
    pub(super) fn may_begin_again(&self) -> bool {
        let house = &self.listed.house;
        house.registry.has_left() || (house.hands().is_ok() && !house.registry.is_closing())
    }

    /// Notes that it waits: before its cell is removed, so that the next supervisor, should this one die, knows it.
    pub(super) fn note_wait(&mut self, outcome: &Outcome, in_a_row: u32, until: Instant) {
        let Some(again) = &mut self.again else { return };
        again.ended(outcome);
        again.in_a_row = in_a_row;
        self.recorded.iter_mut().for_each(|recorded| recorded.waits(again, outcome, until));
    }

    /// Tells that it waits.
    pub(super) fn told_wait(&mut self, outcome: &Outcome, after: Duration) {
        let Some(again) = &self.again else { return };
        let next = again.runs.last().map_or(1, |run| run.number.saturating_add(1));
        let change = Change::Restarting { next, after, exit: outcome.exit, cause: outcome.cause.clone() };
        self.listed.house.registry.waits(self.listed.id, again.runs.clone(), change);
    }

    /// Notes why there is no other run.
    pub(super) fn note_over(&mut self, outcome: &Outcome, over: Option<Over>) {
        let Some(again) = &mut self.again else { return };
        again.ended(outcome);
        self.recorded.iter_mut().for_each(|recorded| recorded.runs_over(again, over));
        self.listed.house.registry.runs_over(self.listed.id, again.runs.clone(), over);
    }

    /// Waits for the next run, and begins it; or the job ends here.
    pub(super) async fn rest(&mut self, wait: super::Wait) {
        let super::Wait { until, last } = wait;
        let mut abandoned = self.listed.house.registry.abandonment();
        loop {
            tokio::select! {
                biased;
                // Somebody asks, or nobody is left who could.
                _ = self.ends.stops.recv() => return self.end(last, Some(Over::Stopped)).await,
                () = gone(&mut abandoned) => return self.end(last, Some(Over::ShuttingDown)).await,
                () = at(Some(until)) => break,
                Some(request) = self.ends.requests.recv() => request.refuse(self.listed.id),
            }
        }
        match self.begin_again().await {
            Ok(()) => {}
            Err(NotBegun::Closed) => self.end(last, Some(Over::ShuttingDown)).await,
            Err(NotBegun::Failed(failure)) => {
                self.over(Outcome::of(Exit::NeverRan, Cause::StartFailed(failure))).await;
            }
        }
    }

    /// Begins the next run.
    async fn begin_again(&mut self) -> Result<(), NotBegun> {
        let house = Arc::clone(&self.listed.house);
        if house.registry.has_left() {
            // The next supervisor does it, and this one's process ends.
            std::future::pending::<()>().await;
        }
        if house.registry.is_closing() {
            return Err(NotBegun::Closed);
        }
        let (Ok(hands), Some(again)) = (house.hands(), &mut self.again) else { return Err(NotBegun::Closed) };
        let offset = self.recording.at();
        again.begins(offset);
        self.recorded.iter_mut().for_each(|recorded| recorded.begins(again));
        let streams = again.streams.next().map_err(|error| failed(Error::Os(error)))?;
        let id = self.listed.id;
        // In a cell of the job's own name, which none that waits has.
        let begun = start::one(id, hands, None, &self.spec, streams, self.recorded.as_mut()).await.map_err(failed)?;
        self.take(begun);
        let (pid, runs) = (self.cell.pid(), self.again.as_ref().map(|again| again.runs.clone()));
        house.registry.runs_again(id, pid, runs.unwrap_or_default());
        Ok(())
    }

    /// From here on it is about this run.
    fn take(&mut self, begun: Begun) {
        let Begun { body, pace, limits, mut ours, asked, started, timeline, .. } = begun;
        self.cell = body;
        let (inputs, held) = Inputs::begin(ours.inlet, self.cell.take_terminal(), &mut ours.intakes);
        self.recording.go_on(ours.intakes);
        (self.inputs, self.held, self.relays, self.tail) = (inputs, held, ours.relays, ours.tail);
        (self.pace, self.limits, self.asked, self.started) = (pace, limits, asked, started);
        (self.paused, self.grace, self.seen) = (false, self.spec.grace(), Seen::default());
        self.pid.store(self.cell.pid(), Ordering::Relaxed);
        *self.effective.lock().unwrap_or_else(PoisonError::into_inner) = self.cell.effective();
        self.ends.timeline.send_replace(timeline);
    }
}

/// A run that could not be begun, as one that failed: what is wrong may be otherwise the next time.
fn failed(error: Error) -> NotBegun {
    NotBegun::Failed(match error {
        Error::ShuttingDown => return NotBegun::Closed,
        Error::Start(failure) => failure,
        // Before the first step of the shim's.
        other => {
            let errno = if let Error::Os(error) = &other { error.errno } else { 0 };
            StartFailure { step: 0, name: "other", errno, message: other.to_string(), refused: Refused::Cell }
        }
    })
}
