//! The output of jobs on a disk: one thread a supervisor moves and writes the spools and log files of all its jobs, in turns.
//!
//! A job waits for a disk that is slower, and nothing is queued but at most one order a stream. A write that fails is counted
//! and passed over.

use super::moving::{Lane, PIECE};
use super::spooled::Spooled;
use super::writing::Writing;
use crate::life::log::Before;
use crate::life::segments::Segments;
use crate::os::spool::{self, JobDir, PlainFile, SpoolDir};
use crate::os::state::StateDir;
use crate::os::{Doing, OsError};
use crate::plan::Refusal;
use crate::spec::{JobId, JobSpec, LogFile, Store};
use crate::supervise::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Order {
    /// There is more of this job in its log.
    Write(Arc<Writing>),
    /// There is more of this stream in its pipe.
    Move(Arc<Lane>),
    /// Nobody wants this job's spool any more.
    Remove(JobDir),
}

/// The disk of a supervisor.
#[derive(Debug, Default)]
pub struct Disk {
    dir: Option<SpoolDir>,
    /// To the thread, once a job has needed it. It ends with the last that could order something.
    orders: Mutex<Option<mpsc::Sender<Order>>>,
    /// Where records of jobs go when their spools have gone. Not held: whoever closes it lets go of its lock.
    records: Weak<StateDir>,
}

/// Files for the output of one job.
#[derive(Debug)]
pub struct Files {
    pub(super) orders: mpsc::Sender<Order>,
    /// For readers.
    pub spool: Option<Arc<Spooled>>,
    pub(super) plain: Option<PlainFile>,
    /// What is there already: the output of before its supervisor died.
    pub(super) before: Before,
    /// A log file that goes again, when the job does not begin.
    made: Option<PathBuf>,
}

impl Disk {
    /// One that keeps spools in this directory.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    pub fn keeping(dir: &Path) -> Result<Self, OsError> {
        Ok(Self { dir: Some(SpoolDir::open(dir)?), ..Self::default() })
    }

    /// The same, where records are kept of jobs that were removed, until their spools have gone.
    pub fn finishing(self, records: &Arc<StateDir>) -> Self {
        Self { records: Arc::downgrade(records), ..self }
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
        let Some(mut files) = self.none_yet(spec)? else { return Ok(None) };
        if let Store::Spool { max, keep } = spec.store() {
            let dir = self.spools(max)?.make(&id.as_uuid().to_string())?;
            files.spool = Some(Arc::new(Spooled::new(dir, Segments::new(max), keep, files.orders.clone())?));
        }
        if let Some((log_file, path)) = log_file(spec, id) {
            let (file, made) = spool::log_file(&path, matches!(log_file, LogFile::In(_)))?;
            // A name of this job's alone: at any other another job may write meanwhile.
            let alone = made && matches!(log_file, LogFile::In(_));
            (files.plain, files.made) = (Some(file), alone.then_some(path));
        }
        Ok(Some(files))
    }

    /// No files, for a job that asks for some.
    pub(super) fn none_yet(&self, spec: &JobSpec) -> Result<Option<Files>, Error> {
        if spec.store() == Store::Memory && spec.log_file().is_none() {
            return Ok(None);
        }
        let orders = self.orders().map_err(|error| OsError::new(Doing::Make, "a thread for the spool", error))?;
        Ok(Some(Files { orders, spool: None, plain: None, before: Before::default(), made: None }))
    }

    /// Where a spool of so many bytes is to be.
    pub(super) fn spools(&self, max: u64) -> Result<&SpoolDir, Refusal> {
        self.dir.as_ref().ok_or_else(|| no_directory(max))
    }

    /// The way to the thread, which is begun with the first.
    fn orders(&self) -> io::Result<mpsc::Sender<Order>> {
        // Nobody can panic with it.
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orders) = &*orders {
            return Ok(orders.clone());
        }
        let (tell, told) = mpsc::channel();
        let records = Weak::clone(&self.records);
        thread::Builder::new().name("ironcell spool".to_owned()).spawn(move || carry_out(&told, &records))?;
        Ok(orders.insert(tell).clone())
    }
}

/// The log file that a job asks for, and its path.
pub(super) fn log_file(spec: &JobSpec, id: JobId) -> Option<(&LogFile, PathBuf)> {
    let program = || spec.argv().first().map(|program| program.to_string_lossy().into_owned());
    let name = || spec.name().map(str::to_owned).or_else(program).unwrap_or_default();
    spec.log_file().map(|file| (file, file.path(&name(), &id.short())))
}

fn no_directory(max: u64) -> Refusal {
    Refusal {
        field: "store".to_owned(),
        value: format!("a spool of {max} bytes"),
        problem: "the supervisor was given no directory for spools".to_owned(),
        remedy: "give it one: Supervisor::spool_in".to_owned(),
    }
}

impl Files {
    /// The job has begun: what was made for it stays.
    pub(super) fn begin(&mut self) {
        self.made = None;
        self.spool.iter().for_each(|spool| spool.begin());
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Some(path) = &self.made {
            spool::unmake(path);
        }
    }
}

/// The thread: each order in turn, until nobody is left who could give one.
fn carry_out(orders: &mpsc::Receiver<Order>, records: &Weak<StateDir>) {
    // What is moved is read again into this, one piece after the other.
    let mut buffer = Box::new([0; PIECE]);
    for order in orders {
        match order {
            Order::Move(lane) => lane.carry_out(&mut buffer),
            Order::Write(writing) => {
                // Before the look: what is written after it is ordered again.
                writing.queued.store(false, Ordering::Release);
                if !writing.write() {
                    writing.order();
                }
            }
            Order::Remove(dir) => {
                if let Err(error) = dir.remove_all() {
                    tracing::warn!(%error, dir = %dir.path().display(), "a spool could not be removed");
                }
                // Its job's record may have waited for that.
                let name = dir.path().file_name().and_then(|name| name.to_str());
                records.upgrade().zip(name).map(|(records, name)| records.gone(name));
            }
        }
    }
}
