//! A spool that another supervisor has begun: of a job that still runs and is gone on with, or of one that has ended.

use super::disk::{Disk, Files, log_file};
use super::spooled::Spooled;
use crate::life::LogEnd;
use crate::life::digest::Sum;
use crate::life::index::stdout_of;
use crate::life::log::{Before, Log};
use crate::life::segments::{Segment, Segments};
use crate::os::spool::{self, JobDir};
use crate::os::{Doing, OsError};
use crate::spec::{JobId, JobSpec, Store};
use crate::supervise::Error;
use std::io;
use std::sync::Arc;
use tokio::sync::watch;

/// Bytes that are read again for their SHA-256: some ten milliseconds' work, and a supervisor that takes over a hundred jobs
/// shall have all of them within a second.
const SUM_MOST: u64 = 4 << 20;
/// Bytes of one such read.
const READ: usize = 1 << 20;

/// Whether the sums of what is there are to be made, or were written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sums {
    Wanted,
    Known,
}

impl Disk {
    /// The files of a job that another supervisor had begun, which is dead, to go on behind what is there: to be given to
    /// `Recording::resume`. Reads a disk: not for a task of a runtime.
    ///
    /// The log goes on with the next offset; what is before is read from the spool. A log file is written on at its end, and
    /// may lack up to 32 KiB that were in the spool and not yet there.
    ///
    /// # Errors
    /// When there is no directory for spools, the job has none there, or a file cannot be read.
    pub fn reopen(&self, spec: &JobSpec, id: JobId) -> Result<Option<Files>, Error> {
        let Some(mut files) = self.none_yet(spec)? else { return Ok(None) };
        files.before = Before::unseen();
        self.find(spec, id, &mut files, Sums::Wanted)?;
        if let Some((_, path)) = log_file(spec, id) {
            // One that cannot be opened any more is no reason for the job to end: what it writes is in its log.
            files.plain = match spool::log_file(&path, false) {
                Ok((file, _)) => Some(file),
                Err(error) => {
                    tracing::error!(%id, %error, "the log file of a job is not written any more");
                    None
                }
            };
        }
        Ok(Some(files))
    }

    /// What is left of the output of a job that has ended, under this or another supervisor: a log that is sealed and keeps
    /// nothing, and the spool that has it all. `end` is what was told of it then; without that, it ends where the spool does,
    /// and `complete` is not claimed. Reads a disk: not for a task of a runtime.
    ///
    /// # Errors
    /// As [`Disk::reopen`].
    pub fn of_ended(
        &self,
        spec: &JobSpec,
        id: JobId,
        end: Option<LogEnd>,
    ) -> Result<(watch::Receiver<Log>, Option<Arc<Spooled>>), Error> {
        let (mut before, mut spool) = (Before::unseen(), None);
        if let Some(mut files) = self.none_yet(spec)? {
            files.before = Before::unseen();
            let sums = if end.is_none() { Sums::Wanted } else { Sums::Known };
            self.find(spec, id, &mut files, sums)?;
            files.begin();
            (before, spool) = (std::mem::take(&mut files.before), files.spool.take());
        }
        let log = match end {
            Some(end) => Log::ended(end),
            None => {
                let mut log = Log::new(0).behind(before);
                log.seal(false);
                log
            }
        };
        Ok((watch::channel(log).1, spool))
    }

    /// The spool of a job, as it is there.
    fn find(&self, spec: &JobSpec, id: JobId, files: &mut Files, sums: Sums) -> Result<(), Error> {
        let Store::Spool { max, keep } = spec.store() else { return Ok(()) };
        let dir = self.spools(max)?.job(&id.as_uuid().to_string());
        let failed = |error| OsError::new(Doing::Read, dir.path(), error);
        // Held first: nobody shall remove what is looked at.
        let spool = Spooled::new(dir.clone(), Segments::new(max), keep, files.orders.clone())?;
        // Whatever becomes of this look, the files stay: a job that cannot be taken over now may be another time.
        spool.leave();
        let found = found(&dir).map_err(failed)?;
        let segments = Segments::reopened(max, found);
        if sums == Sums::Wanted {
            files.before = before(&dir, &segments).map_err(failed)?;
        }
        *spool.segments() = segments;
        files.spool = Some(Arc::new(spool));
        Ok(())
    }
}

/// The segments that have something. Others go: one with the same name may be made.
fn found(dir: &JobDir) -> io::Result<Vec<Segment>> {
    dir.remove_empty()?;
    let mut all: Vec<Segment> = Vec::new();
    for first in dir.segments()? {
        let (bytes, index) = dir.lengths(first)?;
        // An offset is in one of them, whatever somebody has done to the files.
        all.iter_mut().for_each(|before| before.end = before.end.min(first));
        all.push(Segment { first, end: first.saturating_add(bytes), index });
    }
    Ok(all)
}

/// What they have in numbers.
fn before(dir: &JobDir, segments: &Segments) -> io::Result<Before> {
    let (all, end, missing) = (segments.all(), segments.end(), segments.missing());
    // Behind the last head that is whole.
    let mut stdout = 0;
    for segment in all.iter().rev() {
        // One without an index is standard output.
        let Ok(index) = dir.index(segment.first) else {
            stdout += segment.end - segment.first;
            continue;
        };
        stdout += stdout_of(index.all(), segment.first, segment.end);
        if let Some(head) = index.head() {
            stdout += head.stdout;
            break;
        }
    }
    let whole = missing == 0 && all.first().is_none_or(|oldest| oldest.first == 0) && end <= SUM_MOST;
    let sum = if whole { Some(sum(dir, &all)?) } else { None };
    let stdout = stdout.min(end);
    Ok(Before { stdout, stderr: end - stdout, missing, sum })
}

/// The SHA-256 of all that is there.
fn sum(dir: &JobDir, segments: &[Segment]) -> io::Result<Sum> {
    let mut sum = Sum::default();
    for segment in segments {
        let mut at = segment.first;
        while at < segment.end {
            let most = usize::try_from(segment.end - at).unwrap_or(READ).min(READ);
            let bytes = dir.read(segment.first, at - segment.first, most)?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            sum.add(&bytes);
            at += bytes.len() as u64;
        }
    }
    Ok(sum)
}
