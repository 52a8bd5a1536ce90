//! The spool of one job as its readers see it.

use super::disk::Order;
use crate::life::Chunk;
use crate::life::Stream;
use crate::life::log::{Found, Newlines};
use crate::life::segments::{Place, Segment, Segments, Spot};
use crate::os::OsError;
use crate::os::spool::{Hold, JobDir};
use crate::spec::Keep;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Bytes that a look for newlines reads at once.
const LOOK: u64 = 64 * 1024;
/// Bytes that a look for the last lines reads at most: a job that never ends a line must not have all of its spool read.
const LOOKS_MOST: u64 = 16 << 20;

/// The files of one job. Removed with the last that holds it, unless they are kept.
#[derive(Debug)]
pub struct Spooled {
    dir: JobDir,
    /// Whether they stay: all are of a job that has begun, and are not another's to remove.
    stays: AtomicBool,
    keep: Keep,
    segments: Mutex<Segments>,
    /// Where the last look ended: who reads on from there need not search.
    looked: Mutex<Option<Span>>,
    orders: mpsc::Sender<Order>,
    /// Tells whoever removes what nobody holds.
    _hold: Hold,
}

/// Bytes of a segment that one entry of its index tells of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    segment: u64,
    stream: Stream,
    at: Duration,
    /// The first offset that was looked for.
    from: u64,
    /// The offset behind the last that is known to be so.
    until: u64,
}

impl Spooled {
    pub(super) fn new(
        dir: JobDir,
        segments: Segments,
        keep: Keep,
        orders: mpsc::Sender<Order>,
    ) -> Result<Self, OsError> {
        let hold = dir.hold()?;
        let (stays, segments) = (AtomicBool::new(false), Mutex::new(segments));
        Ok(Self { dir, stays, keep, segments, looked: Mutex::new(None), orders, _hold: hold })
    }

    /// The job has begun: from now on nothing is removed that is to be kept.
    pub(super) fn begin(&self) {
        self.stays.store(self.keep == Keep::Always, Ordering::Relaxed);
    }

    /// Whether it stays after its job.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Nothing is removed when this is let go of, whatever was said: another supervisor will go on with the job, or tell of
    /// it.
    pub fn leave(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// Where its files are.
    pub(super) fn dir(&self) -> &JobDir {
        &self.dir
    }

    pub(super) fn segments(&self) -> MutexGuard<'_, Segments> {
        // Nobody can panic with it.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of the next bytes; what has no room any more is removed.
    pub(super) fn place(&self, offset: u64) -> Place {
        let place = self.segments().place(offset);
        for first in &place.given_up {
            // One that nothing could be written to was never there.
            let _ = self.dir.remove(*first);
        }
        place
    }

    /// What is at an offset that memory has given up: it has what begins at `to`. Reads a disk.
    pub(super) fn read(&self, offset: u64, to: u64, most: usize) -> Found {
        let gap = |next: u64| Found::Gap { to: next.clamp(offset + 1, to) };
        let spot = self.segments().find(offset);
        match spot {
            Spot::Gap(next) => gap(next),
            Spot::Beyond => gap(to),
            Spot::In(segment) => {
                let mut looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
                let chunk = chunk_at(&self.dir, segment, &mut looked, offset, most);
                *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked;
                // It may be given up now: then it is a gap, as one that cannot be read.
                chunk.map_or_else(|| gap(segment.end), Found::Chunk)
            }
        }
    }

    /// The first offset that is kept; none when nothing is.
    pub fn oldest(&self) -> Option<u64> {
        self.segments().all().first().map(|segment| segment.first)
    }

    /// Where that begins that is kept before an offset without a hole.
    pub(super) fn begin_of(&self, offset: u64) -> u64 {
        self.segments().begin_of(offset)
    }

    /// Where the lines begin that so many newlines stand before; as far as is kept, and is looked at. Reads a disk.
    pub(super) fn tail_lines(&self, Newlines { before, mut count, last_byte_seen }: Newlines) -> u64 {
        let begin = self.begin_of(before).max(before.saturating_sub(LOOKS_MOST));
        let (mut upto, mut first_look) = (before, !last_byte_seen);
        while upto > begin {
            let from = upto.saturating_sub(LOOK).max(begin);
            let Ok(bytes) = self.bytes(from, upto) else { return upto };
            // The newline at the very end begins no line.
            count = count.saturating_add(u64::from(first_look && bytes.ends_with(b"\n")));
            first_look = false;
            for (index, _) in bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
                count -= 1;
                if count == 0 {
                    return from + index as u64 + 1;
                }
            }
            upto = from;
        }
        begin
    }

    /// The bytes between two offsets, all of which are kept.
    fn bytes(&self, from: u64, upto: u64) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while from + (all.len() as u64) < upto {
            let at = from + all.len() as u64;
            let Spot::In(segment) = self.segments().find(at) else { return Err(io::ErrorKind::NotFound.into()) };
            let most = usize::try_from(upto.min(segment.end) - at).unwrap_or(usize::MAX);
            let bytes = self.dir.read(segment.first, at - segment.first, most)?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            all.extend(bytes);
        }
        Ok(all)
    }

    /// The first offset that was read at this time or later; none when all was before. Reads a disk.
    pub(super) fn since(&self, at: Duration) -> Option<u64> {
        let all = self.segments().all();
        // Of a segment the first byte is the oldest.
        let late = |segment: &Segment| {
            let index = self.dir.index(segment.first).ok();
            index.and_then(|index| index.entry(0)).is_some_and(|entry| entry.at >= at)
        };
        let next = all.partition_point(|segment| !late(segment));
        let within = next
            .checked_sub(1)
            .and_then(|index| all.get(index))
            .and_then(|segment| self.dir.index(segment.first).ok().and_then(|index| index.since(at, segment.end)));
        within.or_else(|| all.get(next).map(|segment| segment.first))
    }
}

/// What is at an offset of a segment, one byte at least and no more than `most`; none when that cannot be read.
pub(super) fn chunk_at(
    dir: &JobDir,
    segment: Segment,
    looked: &mut Option<Span>,
    offset: u64,
    most: usize,
) -> Option<Chunk> {
    let known = looked.filter(|span| span.segment == segment.first && (span.from..span.until).contains(&offset));
    let span = match known {
        Some(span) => span,
        None => {
            let (stream, at, until) = match dir.index(segment.first) {
                Ok(index) => index.find(offset),
                Err(error) if error.kind() == io::ErrorKind::NotFound => (Stream::Stdout, Duration::ZERO, None),
                Err(_) => return None,
            };
            let until = until.unwrap_or(u64::MAX).min(segment.end);
            *looked.insert(Span { segment: segment.first, stream, at, from: offset, until })
        }
    };
    let most = usize::try_from(span.until - offset).unwrap_or(usize::MAX).min(most.max(1));
    let bytes = dir.read(segment.first, offset - segment.first, most).ok().filter(|bytes| !bytes.is_empty())?;
    Some(Chunk { offset, stream: span.stream, at: span.at, bytes })
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !*self.stays.get_mut() {
            // By the thread: whoever lets go of it last may be a task.
            let _ = self.orders.send(Order::Remove(self.dir.clone()));
        }
    }
}
