//! The output of a job: one task reads its pipes into one log, and any number of readers follow that, each at its own pace.
//!
//! A reader is a cursor: an offset, and nothing that is queued for it. So a reader that stops costs nothing, neither the job
//! nor another reader; if it comes back after what it wants was given up, it is told of the gap. The end is the last thing
//! that any reader is told: the log is sealed when the cell is empty and its pipes are at their end, and only then the
//! outcome is published.
//!
//! ```no_run
//! use ironcell::spec::{JobSpec, Stdio, StdioSet};
//! use ironcell::supervise::{Item, OutputFrom, Supervisor};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let supervisor = Supervisor::open()?;
//! let stdio = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
//! let job = supervisor.start(JobSpec::command("make").arg("test").build()?, stdio).await?;
//! let mut reader = job.output(OutputFrom::Start);
//! while let Some(item) = reader.next().await {
//!     match item {
//!         Item::Chunk(chunk) => println!("{:?} at {}: {} bytes", chunk.stream, chunk.offset, chunk.bytes.len()),
//!         Item::Gap { from, to } => println!("bytes {from} to {to} are not kept any more"),
//!         Item::Ended(ended) => println!("{:?}, sha256 {}", ended.outcome.cause, ended.log.sha256),
//!     }
//! }
//! # Ok(()) }
//! ```

mod reader;
mod recording;

pub use reader::{Ended, Item, OutputFrom, OutputReader};
pub(super) use recording::Recording;
