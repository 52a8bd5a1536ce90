//! A spool that was kept, or left by a supervisor that died, read again.

use super::spooled::{Span, chunk_at};
use crate::life::Chunk;
use crate::life::log::CHUNK_MOST;
use crate::life::segments::Segment;
use crate::os::spool::JobDir;
use crate::os::{Doing, OsError};
use crate::supervise::Error;
use std::path::Path;

/// A spool that was kept ([`Keep::Always`](crate::spec::Keep::Always)), or left by a supervisor that died, read again: its
/// chunks in the order of their offsets. What cannot be read is passed over, so a reader sees by the offsets what is missing.
///
/// The bytes alone are in the files themselves: in the directory of a job, `cat *.seg` is its output.
#[derive(Debug)]
pub struct Kept {
    dir: JobDir,
    /// Segments that are still to be read, the next one last.
    rest: Vec<u64>,
    /// The one that is read, and where.
    reading: Option<(Segment, u64)>,
    looked: Option<Span>,
}

impl Kept {
    /// Opens the directory of one job: the supervisor's, and in it the job's whole id.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = JobDir::at(dir.as_ref());
        let mut rest = dir.segments().map_err(|error| OsError::new(Doing::List, dir.path(), error))?;
        rest.reverse();
        Ok(Self { dir, rest, reading: None, looked: None })
    }

    /// A segment as it is now; none that is empty or cannot be looked at.
    fn begun(&self, first: u64) -> Option<(Segment, u64)> {
        let (bytes, index) = self.dir.lengths(first).ok()?;
        Some((Segment { first, end: first.checked_add(bytes)?, index }, first))
    }
}

impl Iterator for Kept {
    type Item = Chunk;

    /// Reads a disk: not for a task of a runtime.
    fn next(&mut self) -> Option<Chunk> {
        loop {
            let Some((segment, at)) = self.reading.take() else {
                let first = self.rest.pop()?;
                self.reading = self.begun(first);
                continue;
            };
            if at < segment.end
                && let Some(chunk) = chunk_at(&self.dir, segment, &mut self.looked, at, CHUNK_MOST)
            {
                self.reading = Some((segment, chunk.end()));
                return Some(chunk);
            }
        }
    }
}
