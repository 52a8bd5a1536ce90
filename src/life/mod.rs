//! WORDS happened: how a job ended and why, and the one function that says what comes next in its life.
//!
//! Everything here is pure and knows no clock: time arrives as an event.

mod outcome;
pub mod state;
mod usage;
pub mod verdict;

pub use outcome::{Cause, Evidence, Exit, MemoryOf, Outcome, Refused, StartFailure, StopKind, Stopper};
pub use usage::{IoUsage, Pressure, Usage};
