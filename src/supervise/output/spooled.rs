//! The spool of one job as its readers see it, and one that was kept, read again.

use super::disk::Order;
use crate::life::Chunk;
use crate::life::log::Found;
use crate::life::record::{self, RECORD_MOST};
use crate::life::segments::{LOOK_MOST, Place, Segments, Spot};
use crate::os::spool::{Hold, JobDir};
use crate::os::{Doing, OsError};
use crate::spec::Keep;
use crate::supervise::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

/// The files of one job. Removed with the last that holds it, unless they are kept.
#[derive(Debug)]
pub struct Spooled {
    dir: JobDir,
    keep: Keep,
    /// Whether its job has: nothing is kept of one that was not started.
    begun: AtomicBool,
    segments: Mutex<Segments>,
    orders: mpsc::Sender<Order>,
    /// Tells whoever removes what nobody holds.
    _hold: Hold,
}

impl Spooled {
    pub(super) fn new(dir: JobDir, max: u64, keep: Keep, orders: mpsc::Sender<Order>) -> Result<Self, OsError> {
        let hold = dir.hold()?;
        let (begun, segments) = (AtomicBool::new(false), Mutex::new(Segments::new(max)));
        Ok(Self { dir, keep, begun, segments, orders, _hold: hold })
    }

    /// The job has begun.
    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Where its files are.
    pub(super) fn dir(&self) -> &JobDir {
        &self.dir
    }

    fn segments(&self) -> MutexGuard<'_, Segments> {
        // Nobody can panic with it.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of the next record; what has no room any more is removed.
    pub(super) fn place(&self, offset: u64, size: u64) -> Place {
        let place = self.segments().place(offset, size);
        for first in &place.given_up {
            // One that nothing could be written to was never there.
            let _ = self.dir.remove(*first);
        }
        place
    }

    /// The record lies there.
    pub(super) fn wrote(&self, chunk: &Chunk, size: u64) {
        self.segments().wrote(chunk.offset, chunk.bytes.len() as u64, size);
    }

    /// What is at an offset that memory has given up: it has what begins at `to`. Reads a disk.
    pub(super) fn read(&self, offset: u64, to: u64, most: usize) -> Found {
        let gap = |next: u64| Found::Gap { to: next.clamp(offset + 1, to) };
        match self.segments().find(offset) {
            Spot::Gap(next) => gap(next),
            Spot::Beyond => gap(to),
            // It may be given up now: then it is a gap, as one that cannot be read.
            Spot::In { segment, at, until } => match self.dir.read(segment, at, LOOK_MOST) {
                Ok(bytes) => match record::find(&bytes, offset) {
                    Ok(chunk) => Found::Chunk(chunk.part(offset, most)),
                    Err(next) => gap(next.unwrap_or(until)),
                },
                Err(_) => gap(until),
            },
        }
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if self.keep == Keep::WithJob || !*self.begun.get_mut() {
            // By the thread: whoever lets go of it last may be a task.
            let _ = self.orders.send(Order::Remove(self.dir.clone()));
        }
    }
}

/// A spool that was kept ([`Keep::Always`]), or left by a supervisor that died, read again: its chunks in the order of their
/// offsets. What is damaged is passed over, so a reader sees by the offsets what is missing.
#[derive(Debug)]
pub struct Kept {
    dir: JobDir,
    /// Segments that are still to be read, the next one last.
    rest: Vec<u64>,
    /// The one that is read, and where.
    reading: Option<(u64, u64)>,
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
        Ok(Self { dir, rest, reading: None })
    }

    /// The next chunk of the segment that is read; none at its end, or where it is damaged.
    fn next_of(&mut self, segment: u64, at: u64) -> Option<Chunk> {
        let bytes = self.dir.read(segment, at, RECORD_MOST).ok()?;
        let (chunk, length) = record::decode(&bytes).ok()?;
        self.reading = Some((segment, at + length as u64));
        Some(chunk)
    }
}

impl Iterator for Kept {
    type Item = Chunk;

    /// Reads a disk: not for a task of a runtime.
    fn next(&mut self) -> Option<Chunk> {
        loop {
            let (segment, at) = match self.reading {
                Some(reading) => reading,
                None => (self.rest.pop()?, 0),
            };
            match self.next_of(segment, at) {
                Some(chunk) => return Some(chunk),
                None => self.reading = None,
            }
        }
    }
}
