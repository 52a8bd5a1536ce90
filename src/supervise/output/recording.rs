//! The writing side of a job's log: one task that reads both pipes, or has them moved into a spool, and the seal.

use super::disk::Files;
use super::moving::{Lane, append};
use super::sink::{OutputSink, Refused};
use super::writing::Writing;
use crate::life::log::{Before, Holder, Log};
use crate::life::verdict::Written;
use crate::life::{LogEnd, Outcome, Stream};
use crate::os::stdio::{Intake, PIPE_BYTES};
use crate::spec::{JobSpec, Overflow};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, timeout};

/// How long the pipes of a cell that is empty may take to their end. What is in them is read in milliseconds; only a
/// descriptor that the job has passed out of the cell keeps one open longer, and that must not hold the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);
/// What is read of a pipe, beyond what was in it when the cell was empty, before its end is seen: what was read meanwhile.
const LAST_MORE: usize = PIPE_BYTES;

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
    /// Room that was made for what was left then.
    widened: Arc<AtomicUsize>,
}

/// What the reading of a pipe needs.
#[derive(Clone)]
struct Reading {
    log: Arc<watch::Sender<Log>>,
    refused: watch::Receiver<Refused>,
    over: Arc<Notify>,
    writing: Option<Arc<Writing>>,
    /// Whether what is in the pipes is moved, and not read.
    moves: bool,
    asked: Instant,
    last: watch::Receiver<bool>,
    widened: Arc<AtomicUsize>,
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
            widened: Arc::clone(&widened),
        };
        let reading = (!intakes.is_empty()).then(|| tokio::spawn(read_all(intakes, hands)));
        let (limit, refuse) = (spec.output_limit(), waits.then_some(refuse));
        (Self { log, reading, over, limit, writing, refuse, last, widened }, readers)
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

    /// When no process of the job is left: reads what is still in the pipes, and seals the log; tells how much it was. Once.
    pub async fn end(&mut self) -> Written {
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
        let read = self.log.borrow().kept().end;
        let unwritten = match &self.writing {
            None => 0,
            Some(writing) => writing.finish(read).await,
        };
        self.log.send_modify(|log| {
            log.lose(unwritten);
            log.let_go(Holder::Disk);
            log.seal(complete);
            log.narrow(self.widened.load(Ordering::Relaxed));
        });
        let log = self.log.borrow();
        // What was lost before another supervisor took over counts as well.
        let unwritten = self.writing.as_ref().and_then(|_| log.end()).map(|end| end.unwritten);
        Written { bytes: log.kept().end + log.beyond(), limit: self.limit, unwritten }
    }
}

/// How a stream comes into the log.
enum Source {
    Read(Intake, Option<Arc<Writing>>),
    Moved(Arc<Lane>),
}

impl Source {
    fn intake(&self) -> &Intake {
        match self {
            Self::Read(intake, _) => intake,
            Self::Moved(lane) => &lane.intake,
        }
    }
}

/// Reads every pipe to its end, in turns; false when one could not be.
async fn read_all(intakes: Vec<(Stream, Intake)>, hands: Reading) -> bool {
    let (mut stdout, mut stderr) = (None, None);
    for (stream, intake) in intakes {
        match stream {
            Stream::Stdout => stdout = Some(intake),
            Stream::Stderr => stderr = Some(intake),
        }
    }
    let (stdout, stderr) = tokio::join!(
        read_one(Stream::Stdout, stdout, hands.clone()),
        read_one(Stream::Stderr, stderr, hands), //
    );
    stdout && stderr
}

/// Reads one pipe to its end, and closes it.
async fn read_one(stream: Stream, intake: Option<Intake>, hands: Reading) -> bool {
    let Some(intake) = intake else { return true };
    let Reading { log, mut refused, over, writing, moves, asked, last: mut left, widened } = hands;
    let source = match writing {
        Some(writing) if moves => {
            Source::Moved(Lane::new(stream, intake, asked.into_std(), Arc::clone(&over), writing))
        }
        writing => Source::Read(intake, writing),
    };
    let mut last = false;
    let mut room = log.subscribe();
    loop {
        let read = async {
            // No error: the log is ours.
            let _ = room.wait_for(|log| !log.is_full()).await;
            match &source {
                Source::Moved(lane) => lane.turn().await,
                Source::Read(intake, writing) => {
                    let take = |bytes: &[u8]| {
                        // The time of a read is taken before it waits for a reader of the log, not after.
                        append(&log, &over, stream, asked.elapsed(), bytes);
                        writing.iter().for_each(Writing::wake);
                    };
                    intake.read(take).await
                }
            }
        };
        tokio::select! {
            biased;
            () = refused_of(&mut refused, stream) => return false,
            () = only_what_is_left(&mut left), if !last => {
                last = true;
                // A chunk costs more than its bytes, but never as much again: it is read in large pieces now.
                let room = source.intake().holds().saturating_mul(2).saturating_add(LAST_MORE);
                widened.fetch_add(room, Ordering::Relaxed);
                log.send_modify(|log| log.widen(room));
            }
            read = read => match read {
                // The other stream's turn, and that of other tasks: a job that never stops writing is always ready.
                Ok(true) => yield_now().await,
                Ok(false) => return true,
                Err(_) => return false,
            },
        }
    }
}

/// Waits until no process of the job is left.
async fn only_what_is_left(left: &mut watch::Receiver<bool>) {
    if left.wait_for(|left| *left).await.is_err() {
        // Nobody ends the recording any more: it goes with its runtime.
        std::future::pending().await
    }
}

/// Waits until the sink has refused a stream; for ever where there is none.
async fn refused_of(refused: &mut watch::Receiver<Refused>, stream: Stream) {
    if refused.wait_for(|refused| refused.has(stream)).await.is_err() {
        std::future::pending().await
    }
}
