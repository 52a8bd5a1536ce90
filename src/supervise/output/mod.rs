//! The output of a job: one task reads its pipes into one log, and any number of readers follow that, each at its own pace.
//!
//! A reader is a cursor: an offset, and nothing that is queued for it. So a reader that stops costs nothing, neither the job
//! nor another reader; if it comes back after what it wants was given up, it is told of the gap. The end is the last thing
//! that any reader is told: the log is sealed when the cell is empty and its pipes are at their end, and only then the
//! outcome is published.
//!
//! What is checked: the log itself against a model of plain bytes, by random operations (`life/log/tests.rs`); writer, readers
//! and sink in thousands of orders of turns, by shuttle (`output/tests/orders.rs`); readers at every pace beside a writer
//! (`output/tests`); and many short jobs with three readers each, whose sums are compared (`library_output`, as often as
//! IRONCELL_ROUNDS says).

mod bytes;
mod disk;
mod hands;
mod kept;
mod lines;
mod moving;
mod purge;
mod reader;
mod reading;
mod recording;
mod reopen;
mod sink;
mod snapshot;
mod spooled;
mod stream;
#[cfg(test)]
mod tests;
mod writing;

pub use bytes::{Lost, OutputBlocking, OutputBytes};
pub(super) use disk::{Disk, Files};
pub use kept::Kept;
pub use lines::{LineItem, OutputLineStream, OutputLines};
pub use purge::Purged;
pub use reader::{Ended, Item, NotNow, OutputFrom, OutputReader};
pub(super) use recording::Recording;
pub use sink::OutputSink;
pub use snapshot::Snapshot;
pub use spooled::Spooled;
pub use stream::OutputStream;

use crate::plan::Refusal;
use crate::spec::{JobSpec, Stdio, StdioSet, Store};

/// Whether what is asked of the output can be done: what goes to a descriptor of the caller's is never seen.
///
/// # Errors
/// A limit or a file that cannot be.
pub(super) fn enforceable(spec: &JobSpec, stdio: &StdioSet) -> Result<(), Refusal> {
    let asked = [
        ("--output-limit", spec.output_limit().map(|limit| limit.to_string())),
        ("log_file", spec.log_file().map(|file| format!("{file:?}"))),
        ("spool", Some(spec.store()).filter(|store| *store != Store::Memory).map(|store| format!("{store:?}"))),
    ];
    let Some((field, value)) = asked.into_iter().find_map(|(field, value)| Some((field, value?))) else {
        return Ok(());
    };
    let unseen = [("standard output", &stdio.stdout), ("standard error", &stdio.stderr)];
    match unseen.into_iter().find(|(_, stdio)| matches!(stdio, Stdio::Fd(_))) {
        None => Ok(()),
        Some((name, _)) => Err(Refusal {
            field: field.to_owned(),
            value,
            problem: format!("{name} goes straight to a descriptor, and what is written there is not seen"),
            remedy: "let both go into the job's log (Stdio::Log) or to /dev/null".to_owned(),
        }),
    }
}
