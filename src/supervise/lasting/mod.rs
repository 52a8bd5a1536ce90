//! Jobs that outlive their supervisor: what is written down of each while it lives, and how the next supervisor goes on.
//!
//! Who may die at any instant is this process and the keeper, one or both. A running job's descriptors are in the keeper, its
//! output is in its spool, its end lies in a socket until it is written down, and what else a supervisor must know stands in
//! one record a job: asked for, before the first side effect; begun, before whoever asked is told; being ended, before
//! anybody is asked to; ended, before its cgroup goes. So whatever the moment, the next one finds each job in one of these.

mod adopt;
mod ended;
mod open;
mod outlive;
mod record;
mod runs;
mod waits;

use super::Error;
use super::output::Disk;
use crate::os::state::{StateDir, boot};
use crate::os::{Doing, OsError};
use crate::spec::{JobId, Keep};
pub(super) use outlive::{discard, outlive};
use record::Record;
pub(super) use record::{Recorded, Stopping};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The records of one supervisor.
#[derive(Debug)]
pub(super) struct Lasting {
    state: Arc<StateDir>,
    /// This boot: what ran before another is gone.
    boot: String,
}

impl Lasting {
    /// Opens a directory for this supervisor alone.
    ///
    /// # Errors
    /// When another supervisor has it, or it cannot be made.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Ok(Self { state: Arc::new(StateDir::open(dir)?), boot: boot()? })
    }

    /// Where the keeper is found.
    pub fn keeper(&self) -> PathBuf {
        self.state.keeper()
    }

    /// Where output is written.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    pub fn disk(&self) -> Result<Disk, OsError> {
        Ok(Disk::keeping(&self.state.spool())?.finishing(&self.state))
    }

    /// All records that can be read. One that cannot is told and removed: nothing could be done with it.
    fn records(&self) -> Result<Vec<Record>, OsError> {
        let mut all = Vec::new();
        for (name, bytes) in self.state.records()? {
            // One that cannot be read now may be another time: its job stays with the keeper.
            let bytes = bytes.map_err(|error| OsError::new(Doing::Read, self.state.record(&name), error))?;
            match Record::read(&bytes) {
                Ok(record) => all.push(record),
                Err(error) => {
                    tracing::error!(name, error, "the record of a job cannot be read, and is removed");
                    let _ = self.state.remove(&name);
                }
            }
        }
        Ok(all)
    }

    /// Removes what was written down of a job. Where its output goes with it, after that, by whoever removes that: should we die
    /// before, the next supervisor does both.
    pub fn remove(&self, id: JobId, output: Keep) {
        let name = name_of(id);
        let removed = match output {
            Keep::Always => self.state.remove(&name),
            Keep::WithJob => self.state.retire(&name),
        };
        if let Err(error) = removed {
            tracing::error!(%error, "the record of a job could not be removed");
        }
        if output == Keep::WithJob {
            // There may be none, or none any more.
            self.state.gone(&name);
        }
    }
}

/// The name of a job's record.
fn name_of(id: JobId) -> String {
    id.as_uuid().to_string()
}
