//! The jobs that a caller reaches: his own, or all. What is beyond is not there.

use crate::life::{Outcome, Process, Stats, Stopper};
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told};
use crate::rpc::proto;
use crate::spec::{JobId, Limits, Signal, Target};
use crate::supervise::{Effective, Error, EventReader, Everyone, Filter, Job, JobInfo, Jobs, Stopped};
use std::time::Duration;

/// The one, or the other.
#[derive(Debug, Clone)]
pub enum Reach {
    /// An operator's.
    Own(Jobs),
    /// An admin's and a viewer's.
    All(Jobs<Everyone>),
}

/// The same for both.
macro_rules! each {
    ($self:ident, $jobs:ident => $do:expr) => {
        match $self {
            Reach::Own($jobs) => $do,
            Reach::All($jobs) => $do,
        }
    };
}

impl Reach {
    /// The job that is meant.
    pub fn find(&self, said: &str) -> Result<JobId, Told> {
        if said.is_empty() {
            return Err(Told::new(Reason::InvalidId, "no job is named: write its id or its name"));
        }
        Ok(each!(self, jobs => jobs.find(said))?)
    }

    /// A handle, once the job was started. Not to be kept: it holds a job that is to end with its lease.
    pub async fn begun(&self, id: JobId) -> Result<Job, Error> {
        each!(self, jobs => jobs.begun(id).await)
    }

    pub fn info(&self, id: JobId) -> Result<JobInfo, Error> {
        each!(self, jobs => jobs.info(id))
    }

    /// A job with all that is known of it.
    pub fn detail(&self, id: JobId) -> Result<proto::Job, Error> {
        let info = self.info(id)?;
        let end = each!(self, jobs => jobs.get(id)).ok().and_then(|job| job.try_wait());
        Ok(convert::detail(&info, end.as_ref()))
    }

    /// The jobs that are meant, the oldest first.
    pub fn list(&self, filter: Option<&proto::JobFilter>) -> Result<Vec<JobInfo>, Told> {
        let Some(said) = filter else { return Ok(self.all(&Filter::default())) };
        let mut found = self.all(&convert::filter(said)?);
        found.retain(|info| said.owner.is_empty() || info.owner.as_str() == said.owner);
        Ok(found)
    }

    fn all(&self, filter: &Filter) -> Vec<JobInfo> {
        let mut found = each!(self, jobs => jobs.list(filter));
        found.sort_by_key(|info| (info.created, info.id));
        found
    }

    /// How many run, and how many have ended.
    pub fn counts(&self) -> (usize, usize) {
        let counts = each!(self, jobs => jobs.counts());
        (counts.live(), counts.ended())
    }

    pub fn events(&self) -> (Vec<JobInfo>, EventReader) {
        each!(self, jobs => jobs.events())
    }

    /// Ends a job, and waits for it.
    pub async fn stop(&self, id: JobId, kill: bool, grace: Option<Duration>) -> Result<Stopped, Error> {
        let job = self.begun(id).await?;
        match kill {
            true => job.kill_and_wait(Stopper::Caller).await,
            false => job.stop_and_wait(Stopper::Caller, grace).await,
        }
    }

    /// The end of a job. Holds it not.
    pub async fn wait(&self, id: JobId) -> Result<Outcome, Error> {
        let ended = self.begun(id).await?.ended();
        ended.await.ok_or(Error::RuntimeEnded)
    }

    pub async fn signal(&self, id: JobId, signal: Signal, to: Target) -> Result<(), Error> {
        each!(self, jobs => jobs.signal(id, signal, to).await)
    }

    pub async fn pause(&self, id: JobId) -> Result<(), Error> {
        each!(self, jobs => jobs.pause(id).await)
    }

    pub async fn resume(&self, id: JobId) -> Result<(), Error> {
        each!(self, jobs => jobs.resume(id).await)
    }

    pub async fn update(&self, id: JobId, limits: Limits) -> Result<Vec<Effective>, Error> {
        each!(self, jobs => jobs.update(id, limits).await)
    }

    pub async fn stats(&self, id: JobId) -> Result<Stats, Error> {
        each!(self, jobs => jobs.stats(id).await)
    }

    pub async fn processes(&self, id: JobId) -> Result<Vec<Process>, Error> {
        each!(self, jobs => jobs.processes(id).await)
    }

    pub fn remove(&self, id: JobId) -> Result<JobInfo, Error> {
        each!(self, jobs => jobs.remove(id))
    }
}
