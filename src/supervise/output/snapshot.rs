//! A job's output as it is kept at one moment.

use crate::life::log::Log;
use crate::life::{Chunk, LogEnd, Stream};
use std::ops::Range;

/// What is kept of a job's output in memory at one moment; nothing of it is taken from anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The offsets that are kept, of both streams. What is before was given up, or never was.
    pub kept: Range<u64>,
    /// What is kept, oldest first; of the one stream only, where the reader is told no other.
    pub chunks: Vec<Chunk>,
    /// The end of the output, once it is there: nothing will come.
    pub end: Option<LogEnd>,
}

impl Snapshot {
    /// That of a log.
    pub(super) fn of(log: &Log, only: Option<Stream>) -> Self {
        let mut chunks = log.all();
        chunks.retain(|chunk| only.is_none_or(|only| only == chunk.stream));
        Self { kept: log.kept(), chunks, end: log.end().cloned() }
    }

    /// The bytes alone, in order.
    pub fn bytes(&self) -> Vec<u8> {
        self.chunks.iter().flat_map(|chunk| &chunk.bytes).copied().collect()
    }
}
