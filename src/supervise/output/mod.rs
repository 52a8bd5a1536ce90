//! The output of a job: one task reads its pipes into one log, and any number of readers follow that, each at its own pace.
//!
//! A reader is a cursor: an offset, and nothing that is queued for it. So a reader that stops costs nothing, neither the job
//! nor another reader; if it comes back after what it wants was given up, it is told of the gap. The end is the last thing
//! that any reader is told: the log is sealed when the cell is empty and its pipes are at their end, and only then the
//! outcome is published.

mod bytes;
mod reader;
mod recording;
#[cfg(test)]
mod tests;

pub use bytes::{Lost, OutputBlocking, OutputBytes};
pub use reader::{Ended, Item, OutputFrom, OutputReader};
pub(super) use recording::Recording;
