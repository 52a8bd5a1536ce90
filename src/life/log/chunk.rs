//! A piece of a job's output: bytes of one stream that came together.

use std::time::Duration;

/// One of the two streams that a job writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes that came from one stream at one time. Where they are cut has no meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The first byte's offset: how many bytes of both streams were read before it since the job began.
    pub offset: u64,
    /// The stream.
    pub stream: Stream,
    /// When its first byte was read, since the start was asked for; monotonic. The rest came within a millisecond, or within
    /// ten where it was read again from a spool.
    pub at: Duration,
    /// The bytes, as they were written.
    pub bytes: Vec<u8>,
}

impl Chunk {
    /// The offset behind its last byte.
    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    /// Its bytes from an offset on, `most` of them at most, and at least one.
    pub(crate) fn part(&self, offset: u64, most: usize) -> Self {
        // A chunk is small, so what is skipped of it fits.
        let skipped = usize::try_from(offset - self.offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let rest = &self.bytes[skipped..];
        Self { offset, stream: self.stream, at: self.at, bytes: rest[..rest.len().min(most.max(1))].to_vec() }
    }

    /// The offset behind one of its newlines, counted from 1 and from its end.
    pub(super) fn after_newline(&self, count: u64) -> Option<u64> {
        let newlines = self.bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
        let skipped = usize::try_from(count.checked_sub(1)?).ok()?;
        newlines.map(|(index, _)| self.offset + index as u64 + 1).nth(skipped)
    }
}
