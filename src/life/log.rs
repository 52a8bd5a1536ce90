//! What a job wrote, as far as it is kept: bytes as they came, each with an offset that never changes, the oldest given up
//! first. Pure: who reads the pipes hands the bytes and the time in.
//!
//! Memory is bounded by the cap alone: what the bookkeeping of a chunk costs counts as well, so a job that writes one byte at
//! a time keeps fewer of them.

mod chunk;
#[cfg(test)]
mod tests;
mod told;

pub use chunk::{Chunk, Stream};
pub use told::{Before, Found, Holder, LogEnd, Newlines};

use super::digest::Sum;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// Bytes of one chunk at most: what is given up at once, and what a reader gets at once. Small beside the least cap, large
/// beside the cost of a chunk.
pub const CHUNK_MOST: usize = 16 * 1024;
/// What comes within this time of a chunk's first byte joins it: a job that writes byte by byte is told in few chunks.
const JOIN_WITHIN: Duration = Duration::from_millis(1);
/// What a chunk costs beyond its bytes: its place in a queue that may be half empty, and an allocator's own word or two.
const CHUNK_COST: usize = 2 * size_of::<Held>() + 16;

/// A chunk that is kept, and how many newlines are in it: who looks for a line passes over the chunks before it, while
/// everybody else waits for the log.
struct Held {
    chunk: Chunk,
    newlines: usize,
}

/// A job's output.
pub struct Log {
    /// What it may cost, in bytes.
    cap: usize,
    /// What it costs.
    cost: usize,
    chunks: VecDeque<Held>,
    /// Bytes ever written, of standard output and standard error. Together they are the next byte's offset.
    written: (u64, u64),
    /// None once there were bytes that were never here.
    sum: Option<Sum>,
    /// Bytes that the job may write.
    limit: Option<u64>,
    /// Bytes that came beyond.
    beyond: u64,
    /// The first byte that each of those who are waited for has not taken yet: from here on nothing is given up.
    held: [Option<u64>; 2],
    /// Bytes that a disk did not take.
    unwritten: u64,
    end: Option<LogEnd>,
}

/// What it keeps, not the bytes themselves: whoever shows a job must not flood a log with them, or tell secrets.
impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("kept", &self.kept()).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Log {
    /// An empty log that keeps up to `cap` bytes, each chunk's cost included.
    pub fn new(cap: usize) -> Self {
        let (chunks, sum) = (VecDeque::new(), Some(Sum::default()));
        Self {
            cap,
            cost: 0,
            chunks,
            written: (0, 0),
            sum,
            limit: None,
            beyond: 0,
            held: [None; 2],
            unwritten: 0,
            end: None,
        }
    }

    /// The same that takes so many bytes at most, and counts the rest.
    pub fn limited(self, limit: Option<u64>) -> Self {
        Self { limit, ..self }
    }

    /// The same that gives nothing up before this one has taken it: see [`Log::is_full`].
    pub fn held(mut self, by: Holder) -> Self {
        self.held[by as usize] = Some(self.kept().end);
        self
    }

    /// The same that goes on behind what was written before it, which it does not keep: so many bytes of each stream, with
    /// this sum where it is known. Before anything else is done with it.
    pub fn behind(self, Before { stdout, stderr, missing, sum }: Before) -> Self {
        Self { written: (stdout, stderr), unwritten: missing, sum, ..self }
    }

    /// Adds what was read from a stream at a time since the start, and gives up what has no room any more. A log that was
    /// sealed takes nothing.
    pub fn append(&mut self, stream: Stream, at: Duration, bytes: &[u8]) {
        if self.end.is_some() {
            return;
        }
        let (bytes, beyond) = bytes.split_at(usize::try_from(self.left()).unwrap_or(usize::MAX).min(bytes.len()));
        self.beyond += beyond.len() as u64;
        self.sum.iter_mut().for_each(|sum| sum.add(bytes));
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.chunks.back().map_or(0, |last| room(&last.chunk, stream, at));
            let (now, later) = rest.split_at(rest.len().min(if room == 0 { CHUNK_MOST } else { room }));
            self.put(stream, at, now, room > 0);
            rest = later;
        }
        self.give_up();
    }

    /// So many bytes of a stream came and cannot be kept here, and all before is given up with them.
    pub fn skip(&mut self, stream: Stream, bytes: u64) {
        if self.end.is_none() {
            self.chunks.clear();
            (self.cost, self.sum) = (0, None);
            *self.written_of(stream) += bytes;
        }
    }

    /// Bytes that the job may still write.
    pub fn left(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| limit.saturating_sub(self.kept().end))
    }

    fn written_of(&mut self, stream: Stream) -> &mut u64 {
        match stream {
            Stream::Stdout => &mut self.written.0,
            Stream::Stderr => &mut self.written.1,
        }
    }

    /// Gives up the oldest that has no room any more, but nothing that somebody who is waited for has not taken.
    fn give_up(&mut self) {
        let held = self.held.into_iter().flatten().min().unwrap_or(u64::MAX);
        while self.cost > self.cap
            && let Some(oldest) = self.chunks.pop_front_if(|oldest| oldest.chunk.end() <= held)
        {
            self.cost -= oldest.chunk.bytes.len() + CHUNK_COST;
        }
    }

    /// Whether a log that somebody holds keeps as much as it may, or more: then nothing shall be read into it.
    pub fn is_full(&self) -> bool {
        self.cost > self.cap
    }

    /// This one has taken everything before this offset.
    pub fn taken(&mut self, by: Holder, upto: u64) {
        let held = &mut self.held[by as usize];
        *held = held.map(|held| held.max(upto));
        self.give_up();
    }

    /// This one is not waited for any more.
    pub fn let_go(&mut self, by: Holder) {
        self.held[by as usize] = None;
        self.give_up();
    }

    /// Makes room for so much more, whoever has taken what.
    pub fn widen(&mut self, bytes: usize) {
        self.cap = self.cap.saturating_add(bytes);
    }

    /// Takes the room back; what somebody who is waited for has not taken stays.
    pub fn narrow(&mut self, bytes: usize) {
        self.cap = self.cap.saturating_sub(bytes);
        self.give_up();
    }

    /// So many bytes were not taken by a disk.
    pub fn lose(&mut self, bytes: u64) {
        self.unwritten += bytes;
    }

    /// Bytes that no disk has taken.
    pub fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Bytes that came beyond the limit.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Puts bytes into the last chunk or into one of their own.
    fn put(&mut self, stream: Stream, at: Duration, bytes: &[u8], join: bool) {
        let offset = self.kept().end;
        let newlines = memchr::memchr_iter(b'\n', bytes).count();
        match self.chunks.back_mut() {
            Some(last) if join => {
                last.chunk.bytes.extend_from_slice(bytes);
                last.newlines += newlines;
            }
            last => {
                // It grows no more: what it had in reserve is given back.
                last.into_iter().for_each(|last| last.chunk.bytes.shrink_to_fit());
                let chunk = Chunk { offset, stream, at, bytes: bytes.to_vec() };
                self.chunks.push_back(Held { chunk, newlines });
                self.cost += CHUNK_COST;
            }
        }
        self.cost += bytes.len();
        *self.written_of(stream) += bytes.len() as u64;
    }

    /// Nothing more comes. `complete` says whether the end of each stream was seen. Only the first seal counts.
    pub fn seal(&mut self, complete: bool) {
        if self.end.is_none() {
            let (stdout, stderr) = self.written;
            let (beyond, unwritten, sha256) = (self.beyond, self.unwritten, self.sum.take().map(Sum::hex));
            self.end = Some(LogEnd { stdout, stderr, sha256, beyond, unwritten, complete });
        }
    }

    /// One that keeps nothing, of a job that has ended so.
    pub fn ended(end: LogEnd) -> Self {
        let (stdout, stderr) = (end.stdout, end.stderr);
        let behind = Self::new(0).behind(Before { stdout, stderr, missing: end.unwritten, sum: None });
        Self { beyond: end.beyond, end: Some(end), ..behind }
    }

    /// The offsets that are kept.
    pub fn kept(&self) -> Range<u64> {
        let end = self.written.0 + self.written.1;
        self.chunks.front().map_or(end, |oldest| oldest.chunk.offset)..end
    }

    /// What there is at an offset; of a chunk at most `most` bytes, at least one, and no other byte is
    /// copied.
    pub fn read(&self, offset: u64, most: usize) -> Found {
        let kept = self.kept();
        if offset < kept.start {
            return Found::Gap { to: kept.start };
        }
        let after = self.chunks.partition_point(|held| held.chunk.offset <= offset);
        match (&self.end, self.chunks.get(after.wrapping_sub(1))) {
            (_, Some(held)) if offset < kept.end => Found::Chunk(held.chunk.part(offset, most)),
            (Some(end), _) => Found::End(end.clone()),
            (None, _) => Found::NotYet,
        }
    }

    /// Where the last `bytes` bytes begin, or what is kept of them.
    pub fn tail_bytes(&self, bytes: u64) -> u64 {
        let kept = self.kept();
        kept.end.saturating_sub(bytes).max(kept.start)
    }

    /// Where the first chunk begins that is kept and was read at this time or later; the end if there is none.
    pub fn since(&self, at: Duration) -> u64 {
        let before = self.chunks.partition_point(|held| held.chunk.at < at);
        self.chunks.get(before).map_or(self.kept().end, |held| held.chunk.offset)
    }

    /// A copy of all chunks that are kept, oldest first.
    pub fn all(&self) -> Vec<Chunk> {
        self.chunks.iter().map(|held| held.chunk.clone()).collect()
    }

    /// The end, if it is sealed.
    pub fn end(&self) -> Option<&LogEnd> {
        self.end.as_ref()
    }

    /// Where the last `lines` lines begin, if that is kept. A line that has no end yet is one.
    ///
    /// # Errors
    /// How many newlines are still to be found before what is kept: at least as many as there are lines to be found, and one
    /// more where the very last byte is one, which begins no line.
    pub fn tail_lines(&self, lines: u64) -> Result<u64, Newlines> {
        let kept = self.kept();
        if lines == 0 {
            return Ok(kept.end);
        }
        let ended = self.chunks.back().map(|last| last.chunk.bytes.ends_with(b"\n"));
        let mut newlines = lines.saturating_add(u64::from(ended.unwrap_or_default()));
        for held in self.chunks.iter().rev() {
            match newlines.checked_sub(held.newlines as u64) {
                Some(more) if more > 0 => newlines = more,
                _ => return Ok(held.chunk.after_newline(newlines).unwrap_or(kept.start)),
            }
        }
        Err(Newlines { before: kept.start, count: newlines, last_byte_seen: ended.is_some() })
    }
}

/// How many bytes of a stream, read at a time, may join a chunk.
fn room(chunk: &Chunk, stream: Stream, at: Duration) -> usize {
    let joins = chunk.stream == stream && at.saturating_sub(chunk.at) < JOIN_WITHIN;
    if joins { CHUNK_MOST.saturating_sub(chunk.bytes.len()) } else { 0 }
}
