//! One stream of a job on its way from its pipe into the spool. Nothing is ever in memory alone, so whoever kills this process
//! takes no byte with it: `os::spool::Segment` says why.
//!
//! A task waits until the pipe has something, has the disk's thread move it, and waits for that: a runtime's thread never
//! waits for a disk. The thread moves pieces until the pipe is empty or it is another's turn; each is in the file first, and
//! then, read again from there, in the log that all readers follow.
//!
//! A terminal is no pipe: what is read of it is in memory before it is written, and a SIGKILL in that instant loses it.

use super::disk::Order;
use super::hands::Took;
use super::writing::Writing;
use crate::life::Stream;
use crate::life::index::Entry;
use crate::life::log::Log;
use crate::os::stdio::Intake;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// Bytes that are moved at once. A job that waits for its reader has no more than that in its log beyond what it may.
pub(super) const PIECE: usize = 32 * 1024;
/// Bytes of one stream that are moved before it is another's turn.
const TURN_BYTES: usize = 1 << 20;

/// What the thread has told, as a number.
const NOTHING: u8 = 0;
const MORE: u8 = 1;
const END: u8 = 2;
const FAILED: u8 = 3;

/// A pipe and where its bytes go.
#[derive(Debug)]
pub(super) struct Lane {
    pub stream: Stream,
    pub intake: Intake,
    /// When the start was asked for.
    asked: Instant,
    /// Told once, when the limit is passed.
    over: Arc<Notify>,
    writing: Arc<Writing>,
    /// Whether a turn was ordered of which the end was not seen.
    ordered: AtomicBool,
    told: AtomicU8,
    tell: Notify,
}

impl Lane {
    pub fn new(stream: Stream, intake: Intake, asked: Instant, over: Arc<Notify>, writing: Arc<Writing>) -> Arc<Self> {
        let (ordered, told, tell) = (AtomicBool::new(false), AtomicU8::new(NOTHING), Notify::new());
        Arc::new(Self { stream, intake, asked, over, writing, ordered, told, tell })
    }

    /// Waits for a turn; false at the end of the pipe. Cancel-safe: the next call waits for the same turn.
    ///
    /// # Errors
    /// When the pipe cannot be read, or the runtime shuts down.
    pub async fn turn(self: &Arc<Self>) -> io::Result<bool> {
        if !self.ordered.load(Ordering::Acquire) {
            if !self.intake.filled().await? {
                return Ok(false);
            }
            self.ordered.store(true, Ordering::Release);
            // The thread ends after the last that could order something.
            let _ = self.writing.orders.send(Order::Move(Arc::clone(self)));
        }
        loop {
            let told = self.told.swap(NOTHING, Ordering::AcqRel);
            if told == NOTHING {
                self.tell.notified().await;
                continue;
            }
            self.ordered.store(false, Ordering::Release);
            return if told == FAILED { Err(io::ErrorKind::Other.into()) } else { Ok(told == MORE) };
        }
    }

    /// By the thread: one turn.
    pub fn carry_out(&self, buffer: &mut [u8; PIECE]) {
        let told = match self.moved(buffer) {
            Ok(true) => MORE,
            Ok(false) => END,
            Err(_) => FAILED,
        };
        self.told.store(told, Ordering::Release);
        self.tell.notify_one();
    }

    /// Moves what there is; false at the end.
    fn moved(&self, buffer: &mut [u8; PIECE]) -> io::Result<bool> {
        // A log without a driver is written by nobody.
        let Some(log) = self.writing.log.upgrade() else { return Ok(false) };
        let mut moved = 0;
        while moved < TURN_BYTES {
            let (offset, left, goes_on) = {
                let log = log.borrow();
                let goes_on = log.end().is_none() && (moved == 0 || !log.is_full());
                (log.kept().end, log.left(), goes_on)
            };
            let at = self.asked.elapsed();
            let bytes = match if goes_on { self.piece(offset, left, at, buffer)? } else { Took::Nothing } {
                Took::Nothing => return Ok(true),
                Took::End => return Ok(false),
                Took::Unseen(bytes) => {
                    log.send_modify(|log| log.skip(self.stream, bytes as u64));
                    bytes
                }
                Took::Bytes(bytes, lost) => {
                    self.writing.lose(lost as u64);
                    append(&log, &self.over, self.stream, at, &buffer[..bytes]);
                    bytes
                }
            };
            moved += bytes;
            // It was all: whether more has come meanwhile is seen by the one who waits for it.
            if bytes < PIECE {
                break;
            }
        }
        Ok(true)
    }

    /// The next bytes, on the disk and in the buffer; those beyond the limit only there, to be counted.
    fn piece(&self, offset: u64, left: u64, at: Duration, buffer: &mut [u8; PIECE]) -> io::Result<Took> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        if most == 0 {
            return match self.intake.take(buffer) {
                Ok(0) => Ok(Took::End),
                Ok(bytes) => Ok(Took::Bytes(bytes, 0)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Took::Nothing),
                Err(error) => Err(error),
            };
        }
        let mut hands = self.writing.hands();
        let took = hands.take(Entry { offset, stream: self.stream, at }, &self.intake, &mut buffer[..most])?;
        Ok(match took {
            Took::Bytes(bytes, lost) => Took::Bytes(bytes, lost.max(hands.write_plain(&buffer[..bytes]))),
            // What cannot be read again is not in the log file either.
            other => other,
        })
    }
}

/// Adds what came to the log, and tells when that was more than may be.
pub(super) fn append(log: &watch::Sender<Log>, over: &Notify, stream: Stream, at: Duration, bytes: &[u8]) {
    let mut passed = false;
    log.send_modify(|log| {
        let before = log.beyond();
        log.append(stream, at, bytes);
        passed = before == 0 && log.beyond() > 0;
    });
    if passed {
        over.notify_one();
    }
}
