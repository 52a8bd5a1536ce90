//! The output of jobs on a disk: one thread a supervisor writes the spools and log files of all its jobs.
//!
//! The thread reads each log as any reader does, and the log gives nothing up before it has been there: so a job waits for
//! a disk that is slower, and nothing is queued but at most one order a job. A write that fails is counted and passed over.

use super::spooled::Spooled;
use crate::life::log::{CHUNK_MOST, Found, Holder, Log};
use crate::life::{Chunk, record};
use crate::os::spool::{self, JobDir, PlainFile, Segment, SpoolDir};
use crate::os::{Doing, OsError};
use crate::plan::Refusal;
use crate::spec::{JobId, JobSpec, LogFile, Store};
use crate::supervise::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// Pieces of one job that are written before it is another's turn.
const TURN: usize = 64;
/// How long a disk may take for the last of a job's output: one that hangs must not hold the end.
const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Order {
    /// There is more of this job.
    Write(Arc<Writing>),
    /// Nobody wants this job's spool any more.
    Remove(JobDir),
}

/// The disk of a supervisor.
#[derive(Debug, Default)]
pub struct Disk {
    dir: Option<SpoolDir>,
    /// To the thread, once a job has needed it. It ends with the last that could order something.
    orders: Mutex<Option<mpsc::Sender<Order>>>,
}

/// Files for the output of one job.
#[derive(Debug)]
pub struct Files {
    orders: mpsc::Sender<Order>,
    /// For readers.
    pub spool: Option<Arc<Spooled>>,
    plain: Option<PlainFile>,
    /// A log file that goes again, when the job does not begin.
    made: Option<PathBuf>,
}

impl Disk {
    /// One that keeps spools in this directory.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    pub fn keeping(dir: &Path) -> Result<Self, OsError> {
        Ok(Self { dir: Some(SpoolDir::open(dir)?), orders: Mutex::default() })
    }

    /// Where the spools are.
    pub(super) fn dir(&self) -> Option<&SpoolDir> {
        self.dir.as_ref()
    }

    /// The files that a job asks for, if any.
    ///
    /// # Errors
    /// When there is no directory for spools, or a file cannot be made.
    pub fn files(&self, spec: &JobSpec, id: JobId) -> Result<Option<Files>, Error> {
        if spec.store() == Store::Memory && spec.log_file().is_none() {
            return Ok(None);
        }
        let orders = self.orders().map_err(|error| OsError::new(Doing::Make, "a thread for the spool", error))?;
        let mut files = Files { orders: orders.clone(), spool: None, plain: None, made: None };
        if let Store::Spool { max, keep } = spec.store() {
            let dir = self.dir.as_ref().ok_or_else(|| no_directory(max))?.make(&id.as_uuid().to_string())?;
            files.spool = Some(Arc::new(Spooled::new(dir, max, keep, orders)?));
        }
        if let Some(log_file) = spec.log_file() {
            let program = || spec.argv().first().map(|program| program.to_string_lossy().into_owned());
            let name = spec.name().map(str::to_owned).or_else(program).unwrap_or_default();
            let path = log_file.path(&name, &id.short());
            let (file, made) = spool::log_file(&path, matches!(log_file, LogFile::In(_)))?;
            // A name of this job's alone: at any other another job may write meanwhile.
            let alone = made && matches!(log_file, LogFile::In(_));
            (files.plain, files.made) = (Some(file), alone.then_some(path));
        }
        Ok(Some(files))
    }

    /// The way to the thread, which is begun with the first.
    fn orders(&self) -> io::Result<mpsc::Sender<Order>> {
        // Nobody can panic with it.
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orders) = &*orders {
            return Ok(orders.clone());
        }
        let (tell, told) = mpsc::channel();
        thread::Builder::new().name("ironcell spool".to_owned()).spawn(move || carry_out(&told))?;
        Ok(orders.insert(tell).clone())
    }
}

fn no_directory(max: u64) -> Refusal {
    Refusal {
        field: "store".to_owned(),
        value: format!("a spool of {max} bytes"),
        problem: "the supervisor was given no directory for spools".to_owned(),
        remedy: "give it one: Supervisor::spool_in".to_owned(),
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            spool::unmake(path);
        }
    }
}

/// The writing of one job.
#[derive(Debug)]
pub struct Writing {
    orders: mpsc::Sender<Order>,
    /// Weak: a log without a driver is written by nobody.
    log: Weak<watch::Sender<Log>>,
    /// Whether it waits for its turn: then it need not be ordered again.
    queued: AtomicBool,
    /// Everything before is on the disk, or lost.
    at: AtomicU64,
    lost: AtomicU64,
    caught_up: Notify,
    /// Of the thread alone.
    hands: Mutex<Hands>,
}

/// What the thread writes to.
#[derive(Debug)]
struct Hands {
    spool: Option<Arc<Spooled>>,
    segment: Option<(u64, Segment)>,
    plain: Option<PlainFile>,
}

impl Writing {
    /// Begins, with a log that is held for it.
    pub fn begin(mut files: Files, log: &Arc<watch::Sender<Log>>) -> Arc<Self> {
        files.made = None;
        files.spool.iter().for_each(|spool| spool.begin());
        let hands = Hands { spool: files.spool.clone(), segment: None, plain: files.plain.take() };
        let (at, lost) = (AtomicU64::new(0), AtomicU64::new(0));
        let (orders, log) = (files.orders.clone(), Arc::downgrade(log));
        let (queued, caught_up) = (AtomicBool::new(false), Notify::new());
        Arc::new(Self { orders, log, queued, at, lost, caught_up, hands: Mutex::new(hands) })
    }

    /// There is more to write.
    pub fn wake(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            // The thread ends after the last that could order something.
            let _ = self.orders.send(Order::Write(Arc::clone(self)));
        }
    }

    /// Waits until all up to `end` is on the disk, for a bounded time; how many bytes are not.
    pub async fn finish(self: &Arc<Self>, end: u64) -> u64 {
        self.wake();
        let written = async {
            while self.at.load(Ordering::Acquire) < end {
                self.caught_up.notified().await;
            }
        };
        // What comes to the disk later is counted as lost all the same: nobody can rely on it.
        let _ = timeout(WRITTEN_WITHIN, written).await;
        self.lost.load(Ordering::Acquire) + end.saturating_sub(self.at.load(Ordering::Acquire))
    }

    /// Writes what there is; false when there is more, and it is others' turn.
    fn write(&self) -> bool {
        let Some(log) = self.log.upgrade() else { return true };
        // The one thread that ever locks it may have panicked with nothing but a file that is a little longer.
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..TURN {
            let at = self.at.load(Ordering::Acquire);
            let found = log.borrow().read(at, CHUNK_MOST);
            let (upto, lost) = match found {
                Found::Chunk(chunk) => {
                    let lost = if hands.write(&chunk) { 0 } else { chunk.bytes.len() as u64 };
                    (chunk.end(), lost)
                }
                Found::Gap { to } => (to, to - at),
                Found::NotYet | Found::End(_) => {
                    self.caught_up.notify_one();
                    return true;
                }
            };
            self.lost.fetch_add(lost, Ordering::AcqRel);
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

impl Hands {
    /// Writes a chunk to both; false when one did not take it.
    fn write(&mut self, chunk: &Chunk) -> bool {
        let spooled = self.spool.clone().is_none_or(|spool| self.record_in(&spool, chunk).is_ok());
        // What was written of a chunk that failed stays: a log file has only bytes, and a hole is told by the count.
        let plain = self.plain.as_mut().is_none_or(|file| file.write(&chunk.bytes).is_ok());
        spooled && plain
    }

    /// Writes it as a record, which counts only when it is whole: what a failure has left is written over.
    fn record_in(&mut self, spool: &Spooled, chunk: &Chunk) -> io::Result<()> {
        let record = record::encode(chunk);
        let size = record.len() as u64;
        let place = spool.place(chunk.offset, size);
        let file = match &self.segment {
            Some((segment, file)) if *segment == place.segment => file,
            _ => &self.segment.insert((place.segment, spool.dir().create(place.segment)?)).1,
        };
        file.write(place.at, &record)?;
        spool.wrote(chunk, size);
        Ok(())
    }
}

/// The thread: each order in turn, until nobody is left who could give one.
fn carry_out(orders: &mpsc::Receiver<Order>) {
    for order in orders {
        match order {
            Order::Write(writing) => {
                // Before the look: what is written after it is ordered again.
                writing.queued.store(false, Ordering::Release);
                if !writing.write() {
                    writing.wake();
                }
            }
            Order::Remove(dir) => {
                if let Err(error) = dir.remove_all() {
                    tracing::warn!(%error, dir = %dir.path().display(), "a spool could not be removed");
                }
            }
        }
    }
}
