//! HEAD: the public verbs. A [`Supervisor`] starts jobs and answers for their end; each job has one task, its driver,
//! which alone touches its cell. Decisions are in `life`, plans in `plan`, calls in `os`: here they meet.

pub mod doctor;
mod driver;
mod error;
mod job;
mod output;
#[cfg(feature = "seam")]
pub mod seam;
mod supervisor;
pub mod verify;

pub use crate::os::cgroup::Effective;
pub use crate::os::{open_anew, signals};
pub use crate::plan::{Drawing, Lacking, Origin, Relaxed, Section, Walls};
pub use error::Error;
pub use job::Job;
pub use output::{
    Ended, Item, Kept, LineItem, Lost, NotNow, OutputBlocking, OutputBytes, OutputFrom, OutputLineStream,
};
pub use output::{OutputLines, OutputReader, OutputSink, OutputStream, Purged, Snapshot};
pub use supervisor::{EarlyKeeper, Supervisor};
