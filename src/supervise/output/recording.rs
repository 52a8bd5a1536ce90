//! The writing side of a job's log: one task a run that reads both pipes, or has them moved into a spool, and the seal.

use super::disk::Files;
use super::reading::{Reading, read_all};
use super::sink::{OutputSink, Refused};
use super::writing::Writing;
use crate::life::log::{Before, Holder, Log};
use crate::life::verdict::Written;
use crate::life::{LogEnd, Outcome, Stream};
use crate::os::stdio::Intake;
use crate::spec::{JobSpec, Overflow};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// How long the pipes of a cell that is empty may take to their end. What is in them is read in milliseconds; only a
/// descriptor that the job has passed out of the cell keeps one open longer, and that must not hold the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// A log that is being written.
#[derive(Debug)]
pub struct Recording {
    log: Arc<watch::Sender<Log>>,
    /// Reads; true when every pipe came to its end. None for a job whose output goes elsewhere.
    reading: Option<JoinHandle<bool>>,
    /// Told once, when the limit is passed.
    over: Arc<Notify>,
    limit: Option<u64>,
    /// To a disk, for a job that asks for that.
    writing: Option<Arc<Writing>>,
    /// For the sink, until that is made.
    refuse: Option<watch::Sender<Refused>>,
    /// Whether no process of the job is left.
    last: watch::Sender<bool>,
    /// What each reading needs, for the next run.
    hands: Reading,
    /// Whether every pipe of every run came to its end.
    complete: bool,
    /// Bytes that the disk of an earlier supervisor had not taken.
    missing: u64,
    /// Those that this one's has not, or not in time.
    unwritten: u64,
}

impl Recording {
    /// Begins to read what a job of this spec writes, and to write it to these files; times in the log are since `asked`.
    pub fn begin(
        spec: &JobSpec,
        intakes: Vec<(Stream, Intake)>,
        files: Option<Files>,
        asked: Instant,
    ) -> (Self, watch::Receiver<Log>) {
        let before = files.as_ref().map(|files| files.before.clone()).unwrap_or_default();
        Self::behind(before, spec, intakes, files, asked)
    }

    /// The same for a job that another supervisor had begun, with the files as [`Disk::reopen`](super::Disk::reopen) has them
    /// and the time when that one was asked: the log goes on behind what is there. Without a spool nothing is, and its offsets
    /// begin anew.
    pub fn resume(
        spec: &JobSpec,
        intakes: Vec<(Stream, Intake)>,
        files: Option<Files>,
        asked: Instant,
    ) -> (Self, watch::Receiver<Log>) {
        let before = files.as_ref().map_or_else(Before::unseen, |files| files.before.clone());
        Self::behind(before, spec, intakes, files, asked)
    }

    fn behind(
        before: Before,
        spec: &JobSpec,
        intakes: Vec<(Stream, Intake)>,
        files: Option<Files>,
        asked: Instant,
    ) -> (Self, watch::Receiver<Log>) {
        // A spec allows no more than a machine can count.
        let log = Log::new(usize::try_from(spec.log_max()).unwrap_or(usize::MAX)).limited(spec.output_limit());
        let log = log.behind(before);
        let waits = spec.overflow() == Overflow::Block;
        let log = if waits { log.held(Holder::Sink) } else { log };
        let spooled = files.as_ref().is_some_and(|files| files.spool.is_some());
        let moves = spooled && intakes.iter().all(|(_, intake)| intake.is_pipe());
        let follows = files.is_some() && !moves;
        let (log, readers) = watch::channel(if follows { log.held(Holder::Disk) } else { log });
        let (refuse, refused) = watch::channel(Refused::default());
        let (log, over) = (Arc::new(log), Arc::new(Notify::new()));
        let missing = log.borrow().unwritten();
        let writing = files.map(|files| Writing::begin(files, &log, follows));
        let ((last, last_seen), widened) = (watch::channel(false), Arc::new(AtomicUsize::new(0)));
        let hands = Reading {
            log: Arc::clone(&log),
            refused,
            over: Arc::clone(&over),
            writing: writing.clone(),
            moves,
            asked,
            last: last_seen,
            widened,
        };
        let (limit, refuse) = (spec.output_limit(), waits.then_some(refuse));
        let (reading, complete) = (None, true);
        let mut recording =
            Self { log, reading, over, limit, writing, refuse, last, hands, complete, missing, unwritten: 0 };
        recording.read(intakes);
        (recording, readers)
    }

    fn read(&mut self, intakes: Vec<(Stream, Intake)>) {
        self.reading = (!intakes.is_empty()).then(|| tokio::spawn(read_all(intakes, self.hands.clone())));
    }

    /// Goes on with the next run of the same job behind what the last one wrote, once that was [read](Recording::drain).
    /// Tells where.
    pub fn go_on(&mut self, intakes: Vec<(Stream, Intake)>) -> u64 {
        self.last.send_replace(false);
        let widened = self.hands.widened.swap(0, Ordering::Relaxed);
        self.log.send_modify(|log| log.narrow(widened));
        self.read(intakes);
        self.at()
    }

    /// Where the next byte comes.
    pub fn at(&self) -> u64 {
        self.log.borrow().kept().end
    }

    /// The sink of a job that waits for one; once.
    pub fn sink(&mut self, outcome: watch::Receiver<Option<Outcome>>) -> Option<OutputSink> {
        self.refuse.take().map(|refuse| OutputSink::new(&self.log, outcome, refuse))
    }

    /// What the end of the log tells, once it is sealed.
    pub fn sealed(&self) -> Option<LogEnd> {
        self.log.borrow().end().cloned()
    }

    /// Waits until more was written than may be; told once. Cancel-safe.
    pub async fn over_limit(&self) {
        self.over.notified().await;
    }

    /// When no process of the job is left: reads what is still in the pipes, and tells how much there was in all.
    pub async fn drain(&mut self) -> Written {
        // No sink holds up the end: what is left is what the pipes hold, and is kept for it.
        self.last.send_replace(true);
        let complete = match self.reading.take() {
            None => true,
            Some(mut reading) => match timeout(DRAIN_WITHIN, &mut reading).await {
                // An error is a panic or the end of the runtime: then the end was not seen.
                Ok(read) => read.unwrap_or(false),
                Err(_) => {
                    // It is cut where it waits, so what it has read is in the log; and it writes no more.
                    reading.abort();
                    reading.await.unwrap_or(false)
                }
            },
        };
        self.complete &= complete;
        let read = self.at();
        if let Some(writing) = &self.writing {
            self.unwritten = writing.finish(read).await;
        }
        // What was lost before another supervisor took over counts as well.
        let unwritten = self.writing.as_ref().map(|_| self.missing + self.unwritten);
        Written { bytes: self.at() + self.log.borrow().beyond(), limit: self.limit, unwritten }
    }

    /// Seals the log, when nothing more will come.
    pub fn seal(&mut self) {
        let widened = self.hands.widened.swap(0, Ordering::Relaxed);
        self.log.send_modify(|log| {
            log.lose(self.unwritten);
            log.let_go(Holder::Disk);
            log.seal(self.complete);
            log.narrow(widened);
        });
    }

    /// Both: the end of a job's one run.
    #[cfg(test)]
    pub async fn end(&mut self) -> Written {
        let written = self.drain().await;
        self.seal();
        written
    }
}
