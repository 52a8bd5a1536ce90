//! A reader of a job's output: a cursor in its log.

use super::{OutputBlocking, OutputBytes, OutputLines, OutputStream, Snapshot, Spooled};
use crate::life::log::{CHUNK_MOST, Found, Log};
use crate::life::{Chunk, LogEnd, Outcome, Stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFrom {
    /// With the first byte of the job; a gap is told for what is not kept of it.
    Start,
    /// With this offset, as one that was told before ([`OutputReader::offset`]). One that is not yet written is waited for.
    Offset(u64),
    /// With the last lines that are kept, both streams together; a line that has no end yet is one. Then it goes on with
    /// what comes. 0 is only what comes. Of a spool, the last 16 MiB before what memory has are looked at.
    TailLines(u64),
    /// With the last bytes that are kept. Then it goes on with what comes. 0 is only what comes.
    TailBytes(u64),
    /// With the first output that is kept and was read so long after the start was asked for, or later: [`Chunk::at`]. A time
    /// that is still to come is only what comes.
    Since(Duration),
}

/// Why there is no item now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The job has written nothing more yet, or has not ended yet: wait, or ask again.
    #[error("the job has written nothing more yet; wait for it, or ask again")]
    WouldBlock,
    /// The end was told, or the supervisor's runtime was shut down: nothing will come.
    #[error("the job's output was told to its end")]
    Over,
}

/// What a reader is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Output, 1 byte to 16 KiB of it. Of each stream in the order in which it was written; between the two in the order in
    /// which they were read, which can differ by what a pipe holds (256 KiB).
    Chunk(Chunk),
    /// The bytes from the one offset up to, and without, the other are not kept any more: the log was full, and they were the
    /// oldest.
    Gap {
        /// The offset where the reader was.
        from: u64,
        /// The offset where it goes on.
        to: u64,
    },
    /// The last item, told once: the job has ended, nothing is left of it, and all its output was told before.
    Ended(Box<Ended>),
}

/// The end of a job and of its output.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How it ended and why.
    pub outcome: Outcome,
    /// All that it wrote, in numbers.
    pub log: LogEnd,
}

/// Follows the output of a job, from where it was begun to the end. Holds no job: one that nobody else holds is killed all
/// the same, and the reader is told the end. A clone goes on by itself from where this one is.
///
/// ```no_run
/// use ironcell::spec::{JobSpec, Stdio, StdioSet};
/// use ironcell::supervise::{Item, OutputFrom, Supervisor};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::open()?;
/// let stdio = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
/// let job = supervisor.start(JobSpec::command("make").arg("test").build()?, stdio).await?;
/// let mut reader = job.output(OutputFrom::Start);
/// while let Some(item) = reader.next().await {
///     match item {
///         Item::Chunk(chunk) => println!("{:?} at {}: {} bytes", chunk.stream, chunk.offset, chunk.bytes.len()),
///         Item::Gap { from, to } => println!("bytes {from} to {to} are not kept any more"),
///         Item::Ended(ended) => println!("{:?}, sha256 {:?}", ended.outcome.cause, ended.log.sha256),
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct OutputReader {
    log: watch::Receiver<Log>,
    outcome: watch::Receiver<Option<Outcome>>,
    at: u64,
    only: Option<Stream>,
    ended: bool,
    /// Where it was begun, or sent last.
    from: OutputFrom,
    /// Where to go on with what memory has given up.
    spool: Option<Arc<Spooled>>,
}

impl OutputReader {
    pub(in crate::supervise) fn new(
        log: watch::Receiver<Log>,
        outcome: watch::Receiver<Option<Outcome>>,
        from: OutputFrom,
    ) -> Self {
        let mut reader = Self { log, outcome, at: 0, only: None, ended: false, from, spool: None };
        reader.seek(from);
        reader
    }

    /// The same with a spool.
    pub(in crate::supervise) fn spooled(mut self, spool: Option<Arc<Spooled>>) -> Self {
        self.spool = spool;
        self.seek(self.from);
        self
    }

    /// Goes on from elsewhere, as a reader that begins there. An end that was told is told again. What lines or a time of
    /// before memory ask for is looked for in the spool, so that reads a disk: up to 16 MiB of it.
    pub fn seek(&mut self, from: OutputFrom) {
        (self.ended, self.from) = (false, from);
        let spool = self.spool.as_deref();
        self.at = match from {
            OutputFrom::Start => 0,
            OutputFrom::Offset(offset) => offset,
            OutputFrom::TailLines(lines) => {
                // The log is not held while a disk is read.
                let found = self.log.borrow().tail_lines(lines);
                found.unwrap_or_else(|more| spool.map_or(more.before, |spool| spool.tail_lines(more)))
            }
            OutputFrom::TailBytes(bytes) => {
                let (kept, begin) = (self.log.borrow().kept(), self.log.borrow().tail_bytes(bytes));
                let more = spool.filter(|_| kept.end - begin < bytes);
                more.map_or(begin, |spool| spool.begin_of(begin).max(kept.end.saturating_sub(bytes)))
            }
            OutputFrom::Since(at) => {
                let (kept, begin) = (self.log.borrow().kept(), self.log.borrow().since(at));
                // The first in memory is late enough: there may be others before it.
                let before = spool.filter(|_| begin == kept.start).and_then(|spool| spool.since(at));
                before.map_or(begin, |before| before.min(begin))
            }
        };
    }

    /// The same, but told only the chunks of one stream. Offsets, gaps and tails are still those of both together.
    #[must_use]
    pub fn only(mut self, stream: Stream) -> Self {
        self.only = Some(stream);
        self
    }

    /// The lines of both streams, none cut by the other.
    pub fn into_lines(self) -> OutputLines {
        OutputLines::new(self)
    }

    /// The items as a [`Stream`](futures_core::Stream), for code that is written for any.
    pub fn into_stream(self) -> OutputStream {
        OutputStream::new(self)
    }

    /// All that is kept in memory at this moment, of the streams that it is told; it stays where it is. It is a copy, and while it is
    /// made the job's next write waits: for a look now and then, not to follow.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.log.borrow(), self.only)
    }

    /// The bytes alone, as tokio's `AsyncRead` and `AsyncBufRead`; `lines` comes with the latter. With two streams in the
    /// log, lines of the one can be cut by the other: [`OutputReader::only`].
    pub fn into_bytes(self) -> OutputBytes {
        OutputBytes::new(self)
    }

    /// The bytes alone, as the standard library's `Read` and `BufRead`, for a thread that may block.
    pub fn into_blocking(self) -> OutputBlocking {
        OutputBlocking::new(self)
    }

    /// The offset of the next byte that it wants: who begins there again misses nothing and sees nothing twice.
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Waits for the next item. `None` after [`Item::Ended`], and when the supervisor's runtime was shut down.
    ///
    /// Cancel-safe: a wait that is given up has taken nothing.
    pub async fn next(&mut self) -> Option<Item> {
        if self.ended {
            return None;
        }
        match self.found().await {
            (_, Found::End(log)) => {
                let outcome = self.outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
                self.ended = true;
                outcome.map(|outcome| Item::Ended(Box::new(Ended { outcome, log })))
            }
            (from, found) => self.told(from, found),
        }
    }

    /// The next item, if it is there. What memory has given up is read from the disk of a spool.
    ///
    /// # Errors
    /// When it is not, or when there is none.
    pub fn try_next(&mut self) -> Result<Item, NotNow> {
        if self.ended {
            return Err(NotNow::Over);
        }
        // Before the look: a driver that goes afterwards has told everything by then, or tells nothing.
        let gone = self.log.has_changed().is_err() && self.outcome.has_changed().is_err();
        let (from, found) = loop {
            let (from, mut found) = (self.at, self.log.borrow().read(self.at, CHUNK_MOST));
            if let (Found::Gap { to }, Some(spool)) = (&found, &self.spool) {
                found = spool.read(from, *to, CHUNK_MOST);
            }
            if !self.passed_over(&found) {
                break (from, found);
            }
        };
        let item = match found {
            Found::End(log) => {
                let outcome = self.outcome.borrow().clone();
                self.ended = outcome.is_some();
                outcome.map(|outcome| Item::Ended(Box::new(Ended { outcome, log })))
            }
            found => self.told(from, found),
        };
        item.ok_or(if gone { NotNow::Over } else { NotNow::WouldBlock })
    }

    /// What was found as an item, and goes on behind it; none for what is none.
    fn told(&mut self, from: u64, found: Found) -> Option<Item> {
        match found {
            Found::Chunk(chunk) => {
                self.at += chunk.bytes.len() as u64;
                Some(Item::Chunk(chunk))
            }
            Found::Gap { to } => {
                self.at = to;
                Some(Item::Gap { from, to })
            }
            Found::NotYet | Found::End(_) => None,
        }
    }

    /// Goes behind a chunk that is not wanted.
    fn passed_over(&mut self, found: &Found) -> bool {
        match found {
            Found::Chunk(chunk) if self.only.is_some_and(|only| only != chunk.stream) => {
                self.at += chunk.bytes.len() as u64;
                true
            }
            _ => false,
        }
    }

    /// Waits until there is something to tell of the offset where it is, and behind what is not wanted.
    async fn found(&mut self) -> (u64, Found) {
        loop {
            let (from, mut found) = (self.at, Found::NotYet);
            let look = |log: &Log| {
                found = log.read(from, CHUNK_MOST);
                !matches!(found, Found::NotYet)
            };
            // An error is the end of the driver: what is there is told, more will not come.
            let _ = self.log.wait_for(look).await;
            if let (Found::Gap { to }, Some(spool)) = (&found, &self.spool) {
                found = from_disk(spool, from, *to).await;
            }
            if !self.passed_over(&found) {
                return (from, found);
            }
        }
    }
}

/// What memory has given up, from a disk that may be slow: not on a thread that a runtime's tasks run on.
async fn from_disk(spool: &Arc<Spooled>, from: u64, to: u64) -> Found {
    let Ok(runtime) = Handle::try_current() else { return spool.read(from, to, CHUNK_MOST) };
    let spool = Arc::clone(spool);
    // No answer is the end of the runtime.
    runtime.spawn_blocking(move || spool.read(from, to, CHUNK_MOST)).await.unwrap_or(Found::NotYet)
}
