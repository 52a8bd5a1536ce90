//! HEAD: the public verbs. A [`Supervisor`] starts jobs and answers for their end; each job has one task, its driver,
//! which alone touches its cell. Decisions are in `life`, plans in `plan`, calls in `os`: here they meet.

mod backend;
pub mod doctor;
mod driver;
mod error;
mod events;
mod house;
mod info;
mod input;
mod job;
mod jobs;
mod lasting;
mod output;
mod registry;
mod request;
#[cfg(feature = "seam")]
pub mod seam;
mod start;
mod store;
mod supervisor;
mod tally;
pub mod verify;
mod warm;

pub use crate::os::cgroup::Effective;
#[cfg(feature = "sudo")]
pub use crate::os::sudo::{Password, Started, Sudo, SudoError};
pub use crate::os::{RawTerminal, is_root, open_anew, raise_descriptors, signals, window_of};
pub use crate::plan::{Drawing, Lacking, Origin, Relaxed, Section, Walls};
pub use backend::{Backend, Mock, MockCall, Script};
pub use error::Error;
pub use events::{Change, Event, EventReader, Heard};
pub use info::{Bounds, Counts, Filter, JobInfo};
pub use input::{JobStdin, JobTerminal};
pub use job::{Job, Stopped};
pub use jobs::{Everyone, Jobs, Whose};
pub use output::{
    Ended, Item, Kept, LineItem, Lost, NotNow, OutputBlocking, OutputBytes, OutputFrom, OutputLineStream,
};
pub use output::{OutputLines, OutputReader, OutputSink, OutputStream, Purged, Snapshot};
pub use store::BinaryStore;
pub use supervisor::{EarlyKeeper, Shutdown, Supervisor};
pub use tally::{Amounts, Tally};
pub use warm::WARM_MOST;
