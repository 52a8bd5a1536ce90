//! WORDS happened: how a job ended and why, and the one function that says what comes next in its life.
//!
//! Everything here is pure and knows no clock: time arrives as an event.

pub(crate) mod digest;
mod evidence;
pub(crate) mod index;
mod known;
pub(crate) mod lines;
pub(crate) mod log;
mod now;
mod outcome;
pub mod pace;
pub mod restart;
pub(crate) mod retention;
pub(crate) mod segments;
pub mod state;
mod status;
mod timeline;
mod usage;
pub mod verdict;

pub use evidence::{Amount, Biggest, Evidence, Leftover, Leftovers, LimitHit};
pub use lines::Line;
pub use log::{Chunk, LogEnd, Stream};
pub use now::{Process, Stats};
pub use outcome::{Cause, Exit, MemoryOf, Outcome, Refused, StartFailure, StopKind, Stopper};
pub use restart::{Over, Run};
pub use retention::Retain;
pub use status::Status;
pub use timeline::{Happening, Moment, Throttle, Timeline};
pub use usage::{IoUsage, Pressure, Usage};
