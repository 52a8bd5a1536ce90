//! The list of a supervisor's jobs: who is in it, where each stands, and the events that tell of both.
//!
//! One lock, held for a look or a note and never across a wait. A job is entered before its cell is built, so that its name
//! and its place are taken; it stays listed after its end, by then with nothing but its log. The list holds no job alive
//! unless its spec says so: of all others it only knows how to find a handle that somebody holds.

mod entry;
mod look;
mod room;
mod runs;
#[cfg(test)]
mod tests;

use super::events::{Change, Event, Feed};
use super::info::Bounds;
use super::job::Shared;
use super::lasting::Lasting;
use super::request::StopRequest;
use super::tally::Tally;
use super::{Counts, Error, JobInfo};
use crate::life::{Outcome, Status};
use crate::spec::{JobId, JobSpec, Keep, OnDrop, Owner};
use entry::Entry;
pub(super) use entry::{Asked, Hold};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::{mpsc, watch};

/// The list.
#[derive(Debug)]
pub(super) struct Registry {
    state: Mutex<State>,
    /// Jobs that have not ended.
    live: watch::Sender<usize>,
    /// True when the supervisor is gone, and with it every job.
    abandoned: watch::Sender<bool>,
}

/// What the lock is for.
#[derive(Debug, Default)]
struct State {
    bounds: Bounds,
    entries: BTreeMap<JobId, Entry>,
    /// Events of all owners together, and of each by himself: who is flooded misses his own only.
    everyone: Feed,
    owners: HashMap<Owner, Feed>,
    /// No job is started any more.
    closing: bool,
    /// Another supervisor will have them all.
    left: bool,
    /// Where the records of jobs are that outlive their supervisor.
    records: Option<Arc<Lasting>>,
    /// Of the output that of removed jobs alone: what is listed is added when it is asked for.
    tally: Tally,
}

impl Registry {
    /// An empty one.
    pub fn new(bounds: Bounds, records: Option<Arc<Lasting>>) -> Self {
        let state = State { bounds, records, ..State::default() };
        Self { state: Mutex::new(state), live: watch::Sender::new(0), abandoned: watch::Sender::new(false) }
    }

    /// What was noted by a thread that panicked is as true as before: every change is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a job that is to be started.
    ///
    /// # Errors
    /// When nothing is started any more, or no place or the name is not free, or the request was made before.
    pub fn enter(&self, owner: &Owner, spec: &JobSpec, id: JobId, request: Option<&Asked>) -> Result<(), Error> {
        let now = SystemTime::now();
        let mut state = self.state();
        if let Some(request) = request
            && let Some(known) = state.requested(owner, request)?
        {
            return Err(Error::Requested(known));
        }
        if state.closing {
            return Err(Error::ShuttingDown);
        }
        let most = state.bounds.jobs;
        if state.live() >= most {
            return Err(Error::TooManyJobs { most });
        }
        if let Some(name) = spec.name()
            && let Some(taken) = state.live_named(owner, name)
        {
            return Err(Error::NameTaken { name: name.to_owned(), id: taken });
        }
        state.entries.insert(id, Entry { request: request.cloned(), ..Entry::of(owner, spec, id, now) });
        state.tell(id, Change::Created, now);
        state.tidy(now);
        self.live.send_replace(state.live());
        Ok(())
    }

    /// Enters a job that an earlier supervisor had started.
    pub fn restore(&self, info: JobInfo, request: Option<Asked>, shared: Arc<Shared>, hold: Hold) {
        let mut state = self.state();
        state.tally.adopted += u64::from(info.status.is_running());
        state.entries.insert(info.id, Entry { info, shared: Some(shared), hold, request });
        self.live.send_replace(state.live());
    }

    /// A job that was entered runs: how it is reached, and whether the list holds it.
    ///
    /// # Errors
    /// When nothing is started any more: it is to be let go.
    pub fn started(
        &self,
        shared: &Arc<Shared>,
        stops: &mpsc::Sender<StopRequest>,
        on_drop: OnDrop,
    ) -> Result<(), Error> {
        let (now, mut state) = (SystemTime::now(), self.state());
        let (closing, pid) = (state.closing, shared.pid.load(Ordering::Relaxed));
        if let Some(entry) = state.entries.get_mut(&shared.id) {
            entry.info.started = Some(now);
            entry.info.pid = Some(pid);
            entry.info.status = Status::Running;
            entry.shared = Some(Arc::clone(shared));
            entry.hold = match on_drop {
                OnDrop::Detach if !closing => Hold::Strong(stops.clone()),
                OnDrop::Detach | OnDrop::Kill => Hold::Weak(stops.downgrade()),
            };
        }
        state.tally.started += 1;
        state.tell(shared.id, Change::Started { pid }, now);
        if closing { Err(Error::ShuttingDown) } else { Ok(()) }
    }

    /// A job that was entered could not be started.
    pub fn not_started(&self, id: JobId, why: String) {
        let (now, mut state) = (SystemTime::now(), self.state());
        state.tally.not_started += 1;
        state.tell(id, Change::NotStarted { why }, now);
        state.entries.remove(&id);
        self.settle(&mut state, now);
    }

    /// Something happened to a job.
    pub fn happened(&self, id: JobId, change: Change) {
        let mut state = self.state();
        if let Some(entry) = state.entries.get_mut(&id) {
            match &change {
                Change::Stopping { .. } => entry.info.status = Status::Stopping,
                // Being ended is said of a job whether it stands still or not.
                Change::Paused if entry.info.status == Status::Running => entry.info.status = Status::Paused,
                Change::Resumed if entry.info.status == Status::Paused => entry.info.status = Status::Running,
                _ => {}
            }
        }
        state.tell(id, change, SystemTime::now());
    }

    /// A job has ended, and nothing of it is left.
    pub fn ended(&self, id: JobId, outcome: &Outcome) {
        let (exit, cause) = (Some(outcome.exit), Some(outcome.cause.clone()));
        self.end(id, Change::Ended(Arc::new(outcome.clone())), |info| {
            (info.status, info.exit, info.cause) = (Status::of(outcome), exit, cause);
        });
    }

    /// A job's driver is gone. Nothing is done when it has told the end before.
    pub fn lost(&self, id: JobId) {
        if self.state().entries.get(&id).is_some_and(|entry| entry.info.status.is_running()) {
            self.end(id, Change::Lost, |info| info.status = Status::Failed);
        }
    }

    fn end(&self, id: JobId, change: Change, note: impl FnOnce(&mut JobInfo)) {
        let now = SystemTime::now();
        let mut state = self.state();
        if let Some(entry) = state.entries.get_mut(&id) {
            note(&mut entry.info);
            (entry.info.ended, entry.info.pid) = (Some(now), None);
            entry.hold = Hold::None;
        }
        state.tally.end(if let Change::Ended(outcome) = &change { Some(outcome) } else { None });
        state.tell(id, change, now);
        self.settle(&mut state, now);
    }

    /// After a job has left the living: what is too much goes, and who waits for that is told.
    fn settle(&self, state: &mut State, now: SystemTime) {
        state.tidy(now);
        let live = state.live();
        if state.closing && live == 0 {
            state.close_feeds();
        }
        self.live.send_replace(live);
    }

    /// Starts nothing any more, and holds no job alive.
    pub fn close(&self) {
        let mut state = self.state();
        state.closing = true;
        for entry in state.entries.values_mut() {
            // Dropped, and with it the job, unless somebody else holds it.
            entry.hold.loosen();
        }
        self.settle(&mut state, SystemTime::now());
    }

    /// Other bounds from now on. What is there stays, but for those that have ended and are too many now.
    pub fn bound(&self, bounds: Bounds) {
        let mut state = self.state();
        state.bounds = bounds;
        state.tidy(SystemTime::now());
    }

    /// Starts nothing any more, and lets no new job run.
    pub fn refuse(&self) {
        self.state().closing = true;
    }

    /// Nothing that is let go of from now on is any job's end: another supervisor will have them all.
    pub fn leave(&self) {
        let mut state = self.state();
        (state.closing, state.left) = (true, true);
        let all = state.entries.values().filter_map(|entry| entry.shared.as_ref()?.spool.as_ref());
        all.for_each(|spool| spool.leave());
    }

    /// The supervisor is gone: every job ends.
    pub fn abandon(&self) {
        self.close();
        self.abandoned.send_replace(true);
    }

    /// Tells a driver when the supervisor is gone.
    pub fn abandonment(&self) -> watch::Receiver<bool> {
        self.abandoned.subscribe()
    }

    /// Waits until no job is left that has not ended.
    pub async fn all_ended(&self) {
        // The sender is this registry's own.
        let mut live = self.live.subscribe();
        let _ = live.wait_for(|live| *live == 0).await;
    }
}

impl State {
    /// Jobs that have not ended.
    fn live(&self) -> usize {
        self.entries.values().filter(|entry| entry.info.status.is_running()).count()
    }

    /// The job of this owner and name that has not ended.
    fn live_named(&self, owner: &Owner, name: &str) -> Option<JobId> {
        let is =
            |info: &JobInfo| info.status.is_running() && info.owner == *owner && info.name.as_deref() == Some(name);
        self.entries.values().map(|entry| &entry.info).find(|info| is(info)).map(|info| info.id)
    }

    /// The job that was started for this request of this owner's.
    fn requested(&self, owner: &Owner, request: &Asked) -> Result<Option<JobId>, Error> {
        let his = self.entries.values().filter(|entry| entry.info.owner == *owner);
        let same = |entry: &&Entry| entry.request.as_ref().is_some_and(|known| known.request == request.request);
        match his.into_iter().find(same) {
            Some(entry) if entry.request.as_ref() == Some(request) => Ok(Some(entry.info.id)),
            Some(entry) => Err(Error::RequestConflict { request: request.request.clone(), id: entry.info.id }),
            None => Ok(None),
        }
    }

    /// Tells what happened to a listed job.
    fn tell(&mut self, id: JobId, change: Change, at: SystemTime) {
        let Some(owner) = self.entries.get(&id).map(|entry| entry.info.owner.clone()) else { return };
        let event = Event { at, id, owner, change };
        if let Some(feed) = self.owners.get(&event.owner) {
            feed.tell(event.clone());
        }
        self.everyone.tell(event);
    }

    /// Takes a job out of the list.
    fn remove(&mut self, id: JobId, now: SystemTime) {
        self.tell(id, Change::Removed, now);
        let entry = self.entries.remove(&id);
        self.tally.output.add(entry.as_ref().map(Entry::output).unwrap_or_default());
        let spool = entry.as_ref().and_then(|entry| entry.shared.as_ref()?.spool.as_ref());
        let output = spool.map_or(Keep::WithJob, |spool| spool.keep());
        if let Some(records) = &self.records {
            records.remove(id, output);
        }
    }

    /// Nothing more will happen.
    fn close_feeds(&self) {
        self.everyone.close();
        self.owners.values().for_each(Feed::close);
    }
}
