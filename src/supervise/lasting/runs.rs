//! What is written down of a job that has several runs, so that the next supervisor goes on with it: also one that waits for its
//! next run, and of which nothing runs then.
//!
//! A run that has ended is written down before its cgroup goes, with the moment of the next start; that a start begins, before
//! its first side effect; that it has begun, as with every job. So a cell that is found under a record that waits is that of
//! the run before; under one that begins, it is the new run's.

use super::Recorded;
use super::record::Record;
use crate::life::{Outcome, Over, Run};
use crate::os::state::monotonic_nanos;
use crate::os::stdio::Template;
use crate::supervise::driver::{Again, NEVER, Wait};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::Instant;

/// The runs of one job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Runs {
    /// Which of its outputs go to its log.
    logs: [bool; 2],
    in_a_row: u32,
    /// The newest.
    pub runs: Vec<Run>,
    /// How the last one ended, until the next has begun.
    last: Option<Outcome>,
    /// When the next is to begin, by the clock that nobody sets; `None` once it is being begun.
    until: Option<u64>,
    /// Why there is no other.
    pub over: Option<Over>,
}

impl Runs {
    /// As it is known while a supervisor has it.
    pub fn again(&self) -> Again {
        Again { streams: Template::of_logs(self.logs), in_a_row: self.in_a_row, runs: self.runs.clone() }
    }

    /// Whether nothing of it runs: the next start was not begun.
    pub fn rests(&self) -> bool {
        self.until.is_some()
    }

    /// The wait for its next run, if none has begun.
    pub fn wait(&self) -> Option<Wait> {
        let left = self.until.map_or(0, |until| until.saturating_sub(monotonic_nanos()));
        let until = Instant::now() + Duration::from_nanos(left).min(NEVER);
        self.last.clone().map(|last| Wait { until, last })
    }

    /// The next run has begun.
    pub fn begun(&mut self) {
        (self.last, self.until) = (None, None);
    }

    /// The next run was to begin, and of it there is nothing: it is begun again, under its number.
    pub fn not_begun(&mut self) {
        if self.last.is_some() && self.until.is_none() {
            self.runs.pop();
        }
    }

    fn of(again: &Again, before: Option<&Self>) -> Self {
        Self {
            // Others are refused at the start.
            logs: again.streams.logs().unwrap_or_default(),
            in_a_row: again.in_a_row,
            runs: again.runs.clone(),
            last: before.and_then(|before| before.last.clone()),
            until: None,
            over: None,
        }
    }
}

impl Record {
    /// Whether it is the record of a job that waits for its next run.
    pub fn rests(&self) -> bool {
        self.runs.as_ref().is_some_and(Runs::rests)
    }
}

impl Recorded {
    /// Writes down that a run is to be begun.
    pub fn begins(&mut self, again: &Again) {
        let runs = Runs::of(again, self.record().runs.as_ref());
        self.note_with(|record| record.runs = Some(runs));
    }

    /// Writes down that it waits for its next run, after this end of the last.
    pub fn waits(&mut self, again: &Again, last: &Outcome, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let until = monotonic_nanos().saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
        let runs = Runs { last: Some(last.clone()), until: Some(until), ..Runs::of(again, None) };
        self.note_with(|record| (record.runs, record.begun, record.stopping) = (Some(runs), None, None));
    }

    /// Notes why there is no other run; written with the end.
    pub fn runs_over(&mut self, again: &Again, over: Option<Over>) {
        let runs = Runs { last: None, over, ..Runs::of(again, None) };
        self.change(|record| record.runs = Some(runs));
    }
}
