//! A supervisor: opened, asked for the jobs of its owners, and closed.

use super::house::{CellHands, Hands, House};
use super::jobs::{Everyone, Jobs};
use super::output::{Disk, Purged};
use super::start::foreseen;
use super::{Backend, Bounds, Error, Filter, Job, Tally, warm};
use crate::life::{Retain, StopKind, Stopper};
use crate::os;
use crate::os::cgroup::{self, DeviceGuard};
use crate::os::keeper::{Keeper, NewKeeper};
use crate::plan::host::Controller;
use crate::plan::{Drawing, Plan};
use crate::spec::{JobId, JobSpec, Owner, StdioSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long jobs that were killed may take to be gone, at the end of a shutdown: what one driver gives its cell, its output
/// and its cgroup, added up.
const KILLED_WITHIN: Duration = Duration::from_secs(20);

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

/// Starts jobs and answers for their end. When it is dropped, or dies in any way, its jobs end and leave nothing; dropping
/// waits for none of them. The jobs of one that was [opened to last](Supervisor::open_lasting) go on without it.
#[derive(Debug)]
pub struct Supervisor {
    house: Arc<House>,
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if self.house.lasting.is_some() {
            self.house.leave();
        } else if self.house.is_open() {
            self.house.abandon();
        }
    }
}

/// How a shutdown ends the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Softly: SIGTERM, and each job's grace, or this one.
    Soft {
        /// In place of each job's own grace.
        grace: Option<Duration>,
    },
    /// All are killed at once.
    Hard,
}

impl Supervisor {
    /// Opens a supervisor in a program of any kind: its keeper is executed from a sealed copy of the program itself.
    /// Sweeps what dead owners left. Needs a tokio runtime with IO and time.
    ///
    /// # Errors
    /// Says what this host lacks.
    pub fn open() -> Result<Self, Error> {
        Self::open_with(Bounds::default())
    }

    /// The same for so many jobs.
    ///
    /// # Errors
    /// As [`Supervisor::open`].
    pub fn open_with(bounds: Bounds) -> Result<Self, Error> {
        require_root()?;
        let supervisor = Self::with(NewKeeper::execute()?, bounds)?;
        supervisor.sweep()?;
        Ok(supervisor)
    }

    /// The same with a keeper that was forked before.
    ///
    /// # Errors
    /// As [`Supervisor::open`].
    pub fn with_keeper(keeper: EarlyKeeper) -> Result<Self, Error> {
        Self::with(keeper.0, Bounds::default())
    }

    /// Gives it a directory for the spools of its jobs ([`Store::Spool`](crate::spec::Store::Spool)): one that is there and
    /// that nobody else can write to, or a new one, with mode 0700. Each job has one of its own in it, named by its whole id.
    ///
    /// # Errors
    /// When it cannot be made, or others can write to it.
    pub fn spool_in(self, dir: impl AsRef<Path>) -> Result<Self, Error> {
        self.house.spool_in(Disk::keeping(dir.as_ref())?);
        Ok(self)
    }

    /// Removes spools that nobody holds any more and that `retain` does not keep: those that were to stay after their job,
    /// and those of owners that died. Reads and removes files, so not for a thread that a runtime's tasks run on.
    ///
    /// # Errors
    /// When the directory of the spools cannot be listed.
    pub fn purge_spools(&self, retain: &Retain) -> Result<Purged, Error> {
        self.house.disk().purge(retain)
    }

    pub(super) fn house(&self) -> &House {
        &self.house
    }

    /// One with these insides.
    pub(super) fn of(house: Arc<House>) -> Self {
        Self { house }
    }

    fn with(keeper: NewKeeper, bounds: Bounds) -> Result<Self, Error> {
        let devices = Arc::new(DeviceGuard::load()?);
        let base = cgroup::prepare(keeper.pid().as_slice(), |above, name| keeper.announce(above, name))?;
        match keeper.attend() {
            Ok(keeper) => {
                let hands = CellHands { keeper: Arc::<Keeper>::new(keeper), base: Arc::new(base), devices };
                Ok(Self { house: Arc::new(House::new(Hands::Cells(hands), bounds, None)) })
            }
            Err(error) => {
                // Nothing is left of a supervisor that could not be opened.
                let _ = base.let_go().remove_if_empty();
                Err(error.into())
            }
        }
    }

    /// A supervisor whose jobs run in no cell: for a program's own tests, which have neither root nor cgroup v2. Everything
    /// but the cell is the same code: the jobs, their list, their output, their times. In a tokio runtime with IO and time.
    pub fn with_backend(backend: Backend, bounds: Bounds) -> Self {
        Self { house: Arc::new(House::new(Hands::Other(backend), bounds, None)) }
    }

    /// Draws the plan of an ask on this host, and touches nothing.
    ///
    /// # Errors
    /// As the start would, as far as it can be known without doing anything.
    pub fn draw(spec: &JobSpec) -> Result<Drawing, Error> {
        Ok(foreseen(spec, cgroup::discover()?.hierarchy()?)?.draw())
    }

    /// The plan of an ask, where this supervisor makes its cells.
    pub(super) fn plan(&self, spec: &JobSpec) -> Result<Plan, Error> {
        foreseen(spec, self.house.hierarchy()?.clone())
    }

    /// Whether cells have this controller.
    pub(super) fn controls(&self, controller: Controller) -> bool {
        self.house.hierarchy().is_ok_and(|hierarchy| hierarchy.controllers.contains(&controller))
    }

    /// Removes the cells of owners that died. Runs beside jobs; what is not dead yet is left for the next time.
    ///
    /// # Errors
    /// When the cells cannot be listed.
    pub fn sweep(&self) -> Result<usize, Error> {
        self.sweep_named().map(|swept| swept.len())
    }

    /// The same, by the names of the cells.
    ///
    /// # Errors
    /// When the cells cannot be listed.
    pub fn sweep_named(&self) -> Result<Vec<String>, Error> {
        let Hands::Cells(hands) = self.house.hands()? else { return Ok(Vec::new()) };
        let mut swept = cgroup::sweep(&hands.base)?;
        swept.extend(cgroup::sweep_parents()?);
        for leftover in swept.iter().filter(|leftover| leftover.result.is_err()) {
            tracing::warn!(cell = leftover.name, result = ?leftover.result, "a leftover could not be removed");
        }
        Ok(swept.into_iter().map(|leftover| leftover.name).collect())
    }

    /// The names of the cells that [`Supervisor::sweep`] would remove. Touches nothing.
    ///
    /// # Errors
    /// When the cells cannot be listed.
    pub fn leftovers(&self) -> Result<Vec<String>, Error> {
        let Hands::Cells(hands) = self.house.hands()? else { return Ok(Vec::new()) };
        let mut found = cgroup::leftovers(&hands.base)?;
        found.extend(cgroup::leftovers_below()?);
        Ok(found)
    }

    /// The jobs of one owner, with every verb on them. Another owner's jobs are not there.
    pub fn jobs_of(&self, owner: Owner) -> Jobs {
        Jobs::new(Arc::clone(&self.house), owner)
    }

    /// The jobs of all owners, for who administers them: every verb but a start.
    pub fn all_jobs(&self) -> Jobs<Everyone> {
        Jobs::new(Arc::clone(&self.house), Everyone)
    }

    /// What has happened to all jobs since this supervisor was opened, and with its keeper.
    pub fn tally(&self) -> Tally {
        let keepers_replaced = match self.house.hands() {
            Ok(Hands::Cells(hands)) => hands.keeper.replaced(),
            Ok(Hands::Other(_)) | Err(_) => 0,
        };
        Tally { keepers_replaced, ..self.house.registry.tally() }
    }

    /// Holds other numbers of jobs from now on; no job that has not ended is touched.
    pub fn bound(&self, bounds: Bounds) {
        self.house.registry.bound(bounds);
    }

    /// Starts a job of the owner `local` ([`Owner::default`]): for programs that have one owner only.
    ///
    /// # Errors
    /// As [`Jobs::start`].
    pub async fn start(&self, spec: JobSpec, stdio: StdioSet) -> Result<Job, Error> {
        self.jobs_of(Owner::default()).start(spec, stdio).await
    }

    /// Has `cells` cells built ahead for jobs like this one, in place of what was asked for such jobs before, and waits until
    /// they are ready. A job whose walls are the same then only needs its limits and its program: it starts in a fraction of
    /// the time. What it does there may be all its own (program, arguments, environment, working directory, limits, streams,
    /// filter); what the cell shows and hides must be the same: mounts, network, host name, user. A job without a working
    /// directory of its own is shown the program's, which is a mount more. Any other job is started as ever.
    ///
    /// A cell is one job's and ends with it: none is used again. In the place of each that was taken another is built as soon
    /// as starts leave 5 ms for it, on the runtime that this is called on. One that shows a path of the host which is
    /// another by now (its device and inode are compared at the start) is not used. 0 ends those that wait.
    ///
    /// # Errors
    /// As the start of such a job; [`Error::TooManyWarm`] beyond [`WARM_MOST`](super::WARM_MOST) in all;
    /// [`Error::Unsupported`] without cells.
    pub async fn warm(&self, like: &JobSpec, cells: usize) -> Result<(), Error> {
        warm::warm(&self.house, like, cells).await
    }

    /// How many cells that were built ahead wait for a job.
    pub fn warm_cells(&self) -> usize {
        self.house.warmth.ready()
    }

    /// Closes the supervisor: it starts nothing any more, its keeper goes, and the place for cells, if no other supervisor
    /// has one there. A job that somebody holds keeps both until its end; a detached one ends.
    pub fn close(self) {
        self.house.close();
    }

    /// Ends all jobs, then closes. Nothing is started from the first moment on. What has not ended after `within` is killed,
    /// and waited for another 20 s at most; the ids of those that were not gone by then are the answer, and none is the
    /// usual one.
    ///
    /// Given up before its answer, it is as if the supervisor was dropped: all jobs are killed.
    pub async fn shutdown(self, how: Shutdown, within: Duration) -> Vec<JobId> {
        self.end(how, within).await
    }

    /// The same for a supervisor that others hold as well.
    pub async fn end(&self, how: Shutdown, within: Duration) -> Vec<JobId> {
        let (registry, all) = (&self.house.registry, self.all_jobs());
        registry.refuse();
        let (kind, grace) = match how {
            Shutdown::Soft { grace } => (StopKind::Soft, grace),
            Shutdown::Hard => (StopKind::Hard, None),
        };
        let asked = async {
            all.ask_all(&Filter::running(), Stopper::Caller, kind, grace).await;
            registry.all_ended().await;
        };
        if timeout(within, asked).await.is_err() {
            registry.abandon();
            // What is left then is told.
            let _ = timeout(KILLED_WITHIN, registry.all_ended()).await;
        }
        if let Ok(Hands::Cells(hands)) = self.house.hands() {
            self.house.warmth.end(&hands.keeper).await;
        }
        let left = all.list(&Filter::running()).into_iter().map(|info| info.id).collect();
        self.house.close();
        left
    }
}

/// Cells need root: the first thing to say to who is not.
pub(super) fn require_root() -> Result<(), Error> {
    if os::is_root() { Ok(()) } else { Err(Error::NotRoot) }
}
