//! The runs of a job that is started again after its end, as the list tells them.

use super::Registry;
use crate::life::{Over, Run, Status};
use crate::spec::JobId;
use crate::supervise::JobInfo;
use crate::supervise::events::Change;
use std::time::SystemTime;

impl Registry {
    /// Nothing is started any more.
    pub fn is_closing(&self) -> bool {
        self.state().closing
    }

    /// Another supervisor will go on with all jobs.
    pub fn has_left(&self) -> bool {
        self.state().left
    }

    /// The first run of a job that can have several.
    pub fn runs_first(&self, id: JobId, runs: Vec<Run>) {
        self.note(id, |info| info.runs = runs);
    }

    /// A run has ended, and the job waits for the next.
    pub fn waits(&self, id: JobId, runs: Vec<Run>, change: Change) {
        self.note(id, |info| (info.status, info.pid, info.runs) = (Status::Starting, None, runs));
        self.happened(id, change);
    }

    /// Another run has begun.
    pub fn runs_again(&self, id: JobId, pid: i32, runs: Vec<Run>) {
        self.note(id, |info| {
            (info.status, info.pid, info.runs) = (Status::Running, Some(pid), runs);
            info.started = Some(SystemTime::now());
        });
        self.happened(id, Change::Started { pid });
    }

    /// There is no other run.
    pub fn runs_over(&self, id: JobId, runs: Vec<Run>, over: Option<Over>) {
        self.note(id, |info| (info.runs, info.over) = (runs, over));
    }

    fn note(&self, id: JobId, note: impl FnOnce(&mut JobInfo)) {
        if let Some(entry) = self.state().entries.get_mut(&id) {
            note(&mut entry.info);
        }
    }
}
