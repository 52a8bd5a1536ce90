//! The writing of one job's output to a disk, as far as that is read first: of a terminal, and for a log file alone. The
//! thread then reads the log as any reader does, and the log gives nothing up before it has been there. What goes from a pipe
//! into a spool is moved instead: see [`Lane`](super::moving::Lane).

use super::disk::{Files, Order};
use super::hands::Hands;
use crate::life::Stream;
use crate::life::log::{CHUNK_MOST, Found, Holder, Log};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// Pieces of one job that are written before it is another's turn.
const TURN: usize = 64;
/// How long a disk may take for the last of a job's output: one that hangs must not hold the end.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// The writing of one job.
#[derive(Debug)]
pub(super) struct Writing {
    pub orders: mpsc::Sender<Order>,
    /// Weak: a log without a driver is written by nobody.
    pub log: Weak<watch::Sender<Log>>,
    /// Whether it goes after the log; if not, nothing is in the log that was not written, or lost, before.
    follows: bool,
    /// Whether it waits for its turn: then it need not be ordered again.
    pub queued: AtomicBool,
    /// Everything before is on the disk, or lost.
    at: AtomicU64,
    lost: AtomicU64,
    caught_up: Notify,
    /// Of the thread alone.
    hands: Mutex<Hands>,
}

impl Writing {
    /// Begins with a log; one that is followed is held for it.
    pub fn begin(mut files: Files, log: &Arc<watch::Sender<Log>>, follows: bool) -> Arc<Self> {
        files.begin();
        let stdout = files.before.stdout;
        let hands = Hands { spool: files.spool.clone(), segment: None, plain: files.plain.take(), stdout };
        let (at, lost) = (AtomicU64::new(log.borrow().kept().end), AtomicU64::new(0));
        let (orders, log) = (files.orders.clone(), Arc::downgrade(log));
        let (queued, caught_up) = (AtomicBool::new(false), Notify::new());
        Arc::new(Self { orders, log, follows, queued, at, lost, caught_up, hands: Mutex::new(hands) })
    }

    /// There is more to write.
    pub fn wake(self: &Arc<Self>) {
        if self.follows {
            self.order();
        }
    }

    pub fn order(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            // The thread ends after the last that could order something.
            let _ = self.orders.send(Order::Write(Arc::clone(self)));
        }
    }

    /// Waits until all up to `end` is on the disk and nothing more is on its way, for a bounded time; how many bytes are not.
    pub async fn finish(self: &Arc<Self>, end: u64) -> u64 {
        self.order();
        let behind = || if self.follows { end.saturating_sub(self.at.load(Ordering::Acquire)) } else { 0 };
        let written = async {
            while self.queued.load(Ordering::Acquire) || behind() > 0 {
                self.caught_up.notified().await;
            }
        };
        // What comes to the disk later is counted as lost all the same: nobody can rely on it.
        let _ = timeout(WRITTEN_WITHIN, written).await;
        self.lost.load(Ordering::Acquire) + behind()
    }

    pub fn hands(&self) -> MutexGuard<'_, Hands> {
        // The one thread that ever locks it may have panicked with nothing but a file that is a little longer.
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes were not taken.
    pub fn lose(&self, bytes: u64) {
        self.lost.fetch_add(bytes, Ordering::AcqRel);
    }

    /// Writes what there is; false when there is more, and it is others' turn.
    pub fn write(&self) -> bool {
        let log = if self.follows { self.log.upgrade() } else { None };
        let Some(log) = log else {
            self.caught_up.notify_one();
            return true;
        };
        let mut hands = self.hands();
        for _ in 0..TURN {
            let at = self.at.load(Ordering::Acquire);
            let found = log.borrow().read(at, CHUNK_MOST);
            let (upto, lost) = match found {
                Found::Chunk(chunk) => (chunk.end(), hands.write(&chunk) as u64),
                Found::Gap { to } => {
                    // Of a terminal all is standard output.
                    hands.stdout_is(Stream::Stdout, to - at);
                    (to, to - at)
                }
                Found::NotYet | Found::End(_) => {
                    self.caught_up.notify_one();
                    return true;
                }
            };
            self.lose(lost);
            self.at.store(upto, Ordering::Release);
            log.send_if_modified(|log| {
                let full = log.is_full();
                log.taken(Holder::Disk, upto);
                full && !log.is_full()
            });
        }
        false
    }
}
