//! The jobs of one owner, or of all: every verb on them, by id.

mod many;

use super::events::EventReader;
use super::house::House;
use super::registry::Asked;
use super::{Counts, Error, Filter, Job, JobInfo, Stopped};
use crate::life::{Outcome, Process, Stats, Stopper};
use crate::os::cgroup::{self, Effective};
use crate::spec::{JobId, JobSpec, Limits, Owner, Signal, SpecError, StdioSet, Target};
use std::sync::Arc;
use std::time::Duration;

/// Whose jobs are meant: an [`Owner`]'s, or [`Everyone`]'s.
pub trait Whose: sealed::Sealed + Clone + Send + Sync + 'static {
    /// The one owner, if it is one.
    fn owner(&self) -> Option<&Owner>;
}

/// All owners, for who administers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Everyone;

impl Whose for Owner {
    fn owner(&self) -> Option<&Owner> {
        Some(self)
    }
}

impl Whose for Everyone {
    fn owner(&self) -> Option<&Owner> {
        None
    }
}

mod sealed {
    /// There are two kinds of these and no more.
    pub trait Sealed {}
    impl Sealed for super::Owner {}
    impl Sealed for super::Everyone {}
}

/// The jobs of an owner, or of all owners. Cheap to clone; holds neither a job nor its supervisor open.
///
/// A job is named by its id; one that is another owner's is not there, and no answer tells the one from the other. The verbs
/// on one job are those of its handle ([`Jobs::get`]), and say there what they do: what is asked here of a job that is still
/// being started waits for the start.
///
/// ```no_run
/// use ironcell::spec::{JobSpec, OnDrop, Owner, StdioSet};
/// use ironcell::supervise::{Filter, Supervisor};
///
/// # async fn example(supervisor: Supervisor) -> Result<(), Box<dyn std::error::Error>> {
/// let jobs = supervisor.jobs_of(Owner::new("alice")?);
/// let spec = JobSpec::command("make").name("build").on_drop(OnDrop::Detach).build()?;
/// jobs.start(spec, StdioSet::default()).await?;
/// for info in jobs.list(&Filter::running()) {
///     println!("{} {} {:?}", info.id, info.status.word(), info.argv);
/// }
/// let build = jobs.find("build")?;
/// println!("{:?}", jobs.stop(build, None).await?.outcome.cause);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Jobs<W = Owner> {
    house: Arc<House>,
    whose: W,
}

impl Jobs<Owner> {
    /// Starts a job. Returns when the target was executed; an error means that nothing is left of it, and that it is not
    /// listed. From the call on it is listed as starting, and has its name for itself.
    ///
    /// A start that is given up goes on to its end: then a job that is to be killed with its last handle is killed at once,
    /// and a detached one runs and is listed.
    ///
    /// # Errors
    /// A refusal that names the field, or the step that failed in one sentence; [`Error::TooManyJobs`],
    /// [`Error::NameTaken`], [`Error::ShuttingDown`].
    pub async fn start(&self, spec: JobSpec, stdio: StdioSet) -> Result<Job, Error> {
        super::start::start(&self.house, &self.whose, spec, stdio, None).await
    }

    /// The same for a request that may come twice: the second time it is answered with the job of the first, as long as that is
    /// listed, also after its end. `request` is the caller's own name for it, unique among the owner's: 1 to 128 bytes.
    ///
    /// # Errors
    /// As [`Jobs::start`]; [`Error::RequestConflict`] when the first one asked for another job.
    pub async fn start_once(&self, request: &str, spec: JobSpec, stdio: StdioSet) -> Result<Job, Error> {
        if request.is_empty() || request.len() > REQUEST_MOST {
            let expected = format!("write 1 to {REQUEST_MOST} bytes");
            return Err(SpecError::new("request_id", request, "not the name of a request", expected).into());
        }
        let asked = Asked::of(request, &spec);
        match super::start::start(&self.house, &self.whose, spec, stdio, Some(asked)).await {
            Err(Error::Requested(id)) => self.begun(id).await,
            other => other,
        }
    }
}

/// Bytes of a request's name: a UUID has 36.
const REQUEST_MOST: usize = 128;

impl<W: Whose> Jobs<W> {
    pub(super) fn new(house: Arc<House>, whose: W) -> Self {
        Self { house, whose }
    }

    /// A handle of a job, also of one that has ended and is listed still.
    ///
    /// # Errors
    /// [`Error::NotFound`]; also of one that is still being started: it has no handle yet.
    pub fn get(&self, id: JobId) -> Result<Job, Error> {
        let job = self.house.registry.job(self.whose.owner(), id)?;
        job.ok_or_else(|| Error::NotFound { said: id.short() })
    }

    /// The job that is meant by its id, its name, or the beginning of its short id, in this order; of several with a name the
    /// one that has not ended.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Ambiguous`] with the jobs that are meant.
    pub fn find(&self, said: &str) -> Result<JobId, Error> {
        self.house.registry.find(self.whose.owner(), said)
    }

    /// The job that a process of the host belongs to, by its cgroup: a mark that no process of a job can lose or forge, whatever
    /// it does to its environment, its session or its parents. Who started what is in the labels of that job.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such process, or it is in no cell of these jobs.
    pub fn of_process(&self, host_pid: u32) -> Result<JobId, Error> {
        let cells = cgroup::above_process(host_pid).unwrap_or_default();
        let found = cells.iter().rev().find_map(|cell| self.find(cell).ok().filter(|id| id.short() == *cell));
        found.ok_or_else(|| Error::NotFound { said: format!("with the process {host_pid}") })
    }

    /// What is told of a job.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn info(&self, id: JobId) -> Result<JobInfo, Error> {
        self.house.registry.info(self.whose.owner(), id)
    }

    /// The jobs that are meant, the oldest first.
    pub fn list(&self, filter: &Filter) -> Vec<JobInfo> {
        self.house.registry.list(self.whose.owner(), filter)
    }

    /// How many jobs stand where.
    pub fn counts(&self) -> Counts {
        self.house.registry.counts(self.whose.owner())
    }

    /// All jobs, and whatever happens to them from this very moment on: nothing is missed in between, and nothing is told by
    /// both.
    pub fn events(&self) -> (Vec<JobInfo>, EventReader) {
        self.house.registry.events(self.whose.owner())
    }

    /// [`Job::stop_and_wait`], by [`Stopper::Caller`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::RuntimeEnded`].
    pub async fn stop(&self, id: JobId, grace: Option<Duration>) -> Result<Stopped, Error> {
        self.begun(id).await?.stop_and_wait(Stopper::Caller, grace).await
    }

    /// [`Job::kill_and_wait`], by [`Stopper::Caller`].
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::RuntimeEnded`].
    pub async fn kill(&self, id: JobId) -> Result<Stopped, Error> {
        self.begun(id).await?.kill_and_wait(Stopper::Caller).await
    }

    /// [`Job::wait`]. While it waits it holds the job, as a handle does.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::RuntimeEnded`].
    pub async fn wait(&self, id: JobId) -> Result<Outcome, Error> {
        self.begun(id).await?.wait().await.ok_or(Error::RuntimeEnded)
    }

    /// [`Job::signal`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::signal`].
    pub async fn signal(&self, id: JobId, signal: Signal, to: Target) -> Result<(), Error> {
        self.begun(id).await?.signal(signal, to).await
    }

    /// [`Job::pause`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::pause`].
    pub async fn pause(&self, id: JobId) -> Result<(), Error> {
        self.begun(id).await?.pause().await
    }

    /// [`Job::resume`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::resume`].
    pub async fn resume(&self, id: JobId) -> Result<(), Error> {
        self.begun(id).await?.resume().await
    }

    /// [`Job::update`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::update`].
    pub async fn update(&self, id: JobId, limits: Limits) -> Result<Vec<Effective>, Error> {
        self.begun(id).await?.update(limits).await
    }

    /// [`Job::stats`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::stats`].
    pub async fn stats(&self, id: JobId) -> Result<Stats, Error> {
        self.begun(id).await?.stats().await
    }

    /// [`Job::processes`].
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Job::processes`].
    pub async fn processes(&self, id: JobId) -> Result<Vec<Process>, Error> {
        self.begun(id).await?.processes().await
    }

    /// Takes a job that has ended out of the list, and with it, when the last handle is gone, its log.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::StillRunning`].
    pub fn remove(&self, id: JobId) -> Result<JobInfo, Error> {
        self.house.registry.remove(self.whose.owner(), id)
    }

    /// Takes all that have ended and are meant out of the list; their ids.
    pub fn purge(&self, filter: &Filter) -> Vec<JobId> {
        self.house.registry.purge(self.whose.owner(), filter)
    }

    /// A handle of a job, once it has been started: what [`Jobs::get`] does, and waits for a start that is under way.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn begun(&self, id: JobId) -> Result<Job, Error> {
        let job = || self.house.registry.job(self.whose.owner(), id);
        if let Some(job) = job()? {
            return Ok(job);
        }
        let (_, mut events) = self.events();
        loop {
            // Whatever has happened: a look tells.
            if let Some(job) = job()? {
                return Ok(job);
            }
            if events.next().await.is_none() {
                return Err(Error::NotFound { said: id.short() });
            }
        }
    }
}
