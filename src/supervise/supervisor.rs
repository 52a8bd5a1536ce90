//! The public verbs.

use super::Error;
use super::driver::{Driver, Seen};
use super::job::{Inner, Job, REQUESTS_MOST};
use super::output::{self, Disk, Purged, Recording};
use crate::life::pace::Pace;
use crate::life::state::TimeLimits;
use crate::life::{Happening, Retain, Timeline};
use crate::os::cell::{Looks, NewCell};
use crate::os::cgroup::{self, Base, DeviceGuard};
use crate::os::keeper::{Keeper, NewKeeper};
use crate::os::{self, probe, stdio};
use crate::plan::host::Controller;
use crate::plan::{Drawing, Plan};
use crate::spec::{CpuMax, JobId, JobSpec, StdioSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A keeper that was forked as the first act of a program. Only for programs; a library executes its keeper.
#[derive(Debug)]
pub struct EarlyKeeper(NewKeeper);

impl EarlyKeeper {
    /// Forks it.
    ///
    /// # Errors
    /// In a process with several threads, without root, or when no process can be made.
    pub fn fork() -> Result<Self, Error> {
        require_root()?;
        NewKeeper::fork().map(Self).map_err(Error::Os)
    }
}

/// Starts jobs and answers for their end. When it is dropped, or dies in any way, its jobs end and leave nothing.
#[derive(Debug)]
pub struct Supervisor {
    // The order matters: the base is let go before the keeper is told to close, so that the keeper can remove it.
    base: Arc<Base>,
    keeper: Arc<Keeper>,
    devices: Arc<DeviceGuard>,
    disk: Arc<Disk>,
}

impl Supervisor {
    /// Opens a supervisor in a program of any kind: its keeper is executed from a sealed copy of the program itself.
    /// Sweeps what dead owners left. Needs a tokio runtime with IO and time.
    ///
    /// # Errors
    /// Says what this host lacks.
    pub fn open() -> Result<Self, Error> {
        require_root()?;
        let supervisor = Self::with(NewKeeper::execute()?)?;
        supervisor.sweep()?;
        Ok(supervisor)
    }

    /// The same with a keeper that was forked before.
    ///
    /// # Errors
    /// As [`Supervisor::open`].
    pub fn with_keeper(keeper: EarlyKeeper) -> Result<Self, Error> {
        Self::with(keeper.0)
    }

    /// Gives it a directory for the spools of its jobs ([`Store::Spool`](crate::spec::Store::Spool)): one that is there and
    /// that nobody else can write to, or a new one, with mode 0700. Each job has one of its own in it, named by its whole id.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    pub fn spool_in(self, dir: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self { disk: Arc::new(Disk::keeping(dir.as_ref())?), ..self })
    }

    /// Removes spools that nobody holds any more and that `retain` does not keep: those that were to stay after their job,
    /// and those of owners that died. Reads and removes files, so not for a thread that a runtime's tasks run on.
    ///
    /// # Errors
    /// When the directory of the spools cannot be listed.
    pub fn purge_spools(&self, retain: &Retain) -> Result<Purged, Error> {
        self.disk.purge(retain)
    }

    fn with(keeper: NewKeeper) -> Result<Self, Error> {
        let devices = Arc::new(DeviceGuard::load()?);
        let base = cgroup::prepare(&[keeper.pid()], |above, name| keeper.announce(above, name))?;
        match keeper.attend() {
            Ok(keeper) => Ok(Self { keeper: Arc::new(keeper), base: Arc::new(base), devices, disk: Arc::default() }),
            Err(error) => {
                // Nothing is left of a supervisor that could not be opened.
                let _ = base.let_go().remove_if_empty();
                Err(error.into())
            }
        }
    }

    /// Draws the plan of an ask on this host, and touches nothing.
    ///
    /// # Errors
    /// As the start would, as far as it can be known without doing anything.
    pub fn draw(spec: &JobSpec) -> Result<Drawing, Error> {
        let hierarchy = cgroup::discover()?.hierarchy()?;
        Ok(Plan::of(spec, &probe::facts(spec, hierarchy)?)?.draw())
    }

    /// The plan of an ask, where this supervisor makes its cells.
    pub(super) fn plan(&self, spec: &JobSpec) -> Result<Plan, Error> {
        Ok(Plan::of(spec, &probe::facts(spec, self.base.hierarchy().clone())?)?)
    }

    /// Whether cells have this controller.
    pub(super) fn controls(&self, controller: Controller) -> bool {
        self.base.hierarchy().controllers.contains(&controller)
    }

    /// Removes the cells of owners that died. Runs beside jobs; what is not dead yet is left for the next time.
    ///
    /// # Errors
    /// When the cells cannot be listed.
    pub fn sweep(&self) -> Result<usize, Error> {
        let swept = cgroup::sweep(&self.base)?;
        for leftover in swept.iter().filter(|leftover| leftover.result.is_err()) {
            tracing::warn!(cell = leftover.name, result = ?leftover.result, "a leftover could not be removed");
        }
        Ok(swept.len())
    }

    /// Starts a job. Returns when the target was executed; an error means that nothing is left of it.
    ///
    /// # Errors
    /// A refusal that names the field, or the step that failed in one sentence.
    pub async fn start(&self, spec: JobSpec, stdio: StdioSet) -> Result<Job, Error> {
        let hands = Hands {
            keeper: Arc::clone(&self.keeper),
            base: Arc::clone(&self.base),
            devices: Arc::clone(&self.devices),
            disk: Arc::clone(&self.disk),
        };
        // In a task of its own: a caller that goes away in the middle must not leave half a cell.
        match tokio::spawn(start(hands, spec, stdio)).await {
            Ok(started) => started,
            // A panic is a bug of ours and goes on in the caller; the other way to lose a task is the runtime's end.
            Err(lost) => match lost.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::RuntimeEnded),
            },
        }
    }

    /// Closes the supervisor: its keeper goes, and the place for cells, if no other supervisor has one there. A job that
    /// still runs keeps both until its end.
    pub fn close(self) {
        let Self { keeper, base, devices: _, disk: _ } = self;
        // The base is let go first: the keeper removes it as soon as nobody holds it.
        let place = Arc::into_inner(base).map(Base::let_go);
        if place.is_some() {
            // Else a start is under way, and the keeper hears of the end when that has ended, too.
            keeper.close();
        }
        drop(keeper);
        // Had the keeper died before, it would still be there. One that is in use is the next one's to remove.
        let _ = place.map(|place| place.remove_if_empty());
    }
}

/// What a start needs of its supervisor.
struct Hands {
    keeper: Arc<Keeper>,
    base: Arc<Base>,
    devices: Arc<DeviceGuard>,
    disk: Arc<Disk>,
}

/// From spec to a running job.
async fn start(hands: Hands, spec: JobSpec, stdio: StdioSet) -> Result<Job, Error> {
    let asked = Instant::now();
    output::enforceable(&spec, &stdio)?;
    let Hands { keeper, base, devices, disk } = hands;
    let id = JobId::of(os::unix_millis(), os::random()?);
    let host = probe::facts(&spec, base.hierarchy().clone())?;
    let plan = Plan::of(&spec, &host)?;
    #[cfg(feature = "seam")]
    let plan = super::seam::left_out(plan);
    let limits = TimeLimits { wall: spec.time(), cpu: spec.cpu_time(), idle: spec.idle() };
    let pace = Pace::new(limits.cpu, limits.idle, probe::processors(&host), held_back(&spec));
    let told = |error| Error::of(error, &plan);
    let files = disk.files(&spec, id)?;
    let mut wired = stdio::wire(stdio)?;
    let (relays, tail) = (std::mem::take(&mut wired.relays), wired.tail.take());
    let intakes = std::mem::take(&mut wired.intakes);
    let name = (id.short(), id.as_uuid().as_u128());
    // Who waits to run matters for idleness alone; reading it has the kernel add up every processor's part.
    let looks = Looks { cpu: pace.looks(), waits: limits.idle.is_some() };
    let cell = NewCell::create(&base, &devices, (&name.0, name.1), &plan, looks).map_err(told)?;
    let mut timeline = Timeline::default();
    timeline.tell(asked.elapsed(), Happening::Created);
    let cell = cell.launch(&keeper, &base, &plan, wired).await.map_err(told)?;
    timeline.tell(asked.elapsed(), Happening::Started);
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let (mut recording, log) = Recording::begin(&spec, intakes, files, asked);
    let (requests, heard) = mpsc::channel(REQUESTS_MOST);
    let (timeline, happened) = watch::channel(timeline);
    let (outcome, told) = watch::channel(None);
    let sink = Mutex::new(recording.sink(told.clone()));
    let inner = Inner {
        id,
        pid: cell.pid(),
        effective: cell.effective().to_vec(),
        digest: plan.digest(),
        walls: plan.walls,
        notes: plan.notes,
        requests,
        timeline: happened,
        outcome: told,
        log,
        spool,
        sink,
    };
    let (requests, grace, seen) = (heard, spec.grace(), Seen::default());
    let driver =
        Driver { cell, keeper, requests, relays, tail, recording, limits, pace, grace, asked, timeline, outcome, seen };
    tokio::spawn(driver.run());
    Ok(Job { inner: Arc::new(inner) })
}

/// Whether `cpu.max` can hold the job back.
fn held_back(spec: &JobSpec) -> bool {
    matches!(spec.limits().cpu_max, Some(CpuMax::Millis(_)))
}

/// Cells need root: the first thing to say to who is not.
fn require_root() -> Result<(), Error> {
    if os::is_root() { Ok(()) } else { Err(Error::NotRoot) }
}
