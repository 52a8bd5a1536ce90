//! Looks into the list, each for one owner or for all: another owner's job is not there.

use super::{Counts, Entry, Error, JobInfo, Registry, State};
use crate::spec::{JobId, Owner};
use crate::supervise::events::EventReader;
use crate::supervise::{Filter, Job, Tally};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// Whose jobs are looked at: one owner's, or everybody's.
pub(in crate::supervise) type Whose<'a> = Option<&'a Owner>;

impl Registry {
    /// A handle of a job; `None` is one whose cell is being built.
    ///
    /// # Errors
    /// When it is not there, or not his.
    pub fn job(&self, whose: Whose<'_>, id: JobId) -> Result<Option<Job>, Error> {
        Ok(self.state().entry(whose, id)?.job())
    }

    /// What is told of a job.
    ///
    /// # Errors
    /// When it is not there, or not his.
    pub fn info(&self, whose: Whose<'_>, id: JobId) -> Result<JobInfo, Error> {
        Ok(self.state().entry(whose, id)?.told())
    }

    /// The job that is meant: by its whole id, short or long; else by its name, where one that has not ended goes before
    /// those that have; else by the beginning of its short id.
    ///
    /// # Errors
    /// When no job is meant, or several.
    pub fn find(&self, whose: Whose<'_>, said: &str) -> Result<JobId, Error> {
        let state = self.state();
        let his = || state.his(whose);
        let by_id = |entry: &&Entry| entry.info.id.short() == said || entry.info.id.as_uuid().to_string() == said;
        if let Some(entry) = his().find(by_id) {
            return Ok(entry.info.id);
        }
        let named = || his().filter(|entry| entry.info.name.as_deref() == Some(said));
        let live: Vec<JobId> =
            named().filter(|entry| entry.info.status.is_running()).map(|entry| entry.info.id).collect();
        let any: Vec<JobId> = named().map(|entry| entry.info.id).collect();
        let begins = his().filter(|entry| !said.is_empty() && entry.info.id.short().starts_with(said));
        let begins: Vec<JobId> = begins.map(|entry| entry.info.id).collect();
        // Over all owners a name is no one's to choose: it must not take the place of the beginning of another's id.
        let meant = match whose {
            Some(_) => [live, any, begins].into_iter().find(|meant| !meant.is_empty()),
            None => {
                let all: BTreeSet<JobId> =
                    [if live.is_empty() { any } else { live }, begins].concat().into_iter().collect();
                (!all.is_empty()).then(|| all.into_iter().collect())
            }
        };
        match meant {
            None => Err(Error::NotFound { said: said.to_owned() }),
            Some(meant) if meant.len() == 1 => Ok(meant[0]),
            Some(mut candidates) => {
                candidates.truncate(Error::CANDIDATES_MOST);
                Err(Error::Ambiguous { said: said.to_owned(), candidates })
            }
        }
    }

    /// The jobs that a filter means, the oldest first.
    pub fn list(&self, whose: Whose<'_>, filter: &Filter) -> Vec<JobInfo> {
        let now = SystemTime::now();
        let mut state = self.state();
        state.tidy(now);
        state.his(whose).filter(|entry| filter.means(&entry.info, now)).map(Entry::told).collect()
    }

    /// How many stand where.
    pub fn counts(&self, whose: Whose<'_>) -> Counts {
        let mut state = self.state();
        state.tidy(SystemTime::now());
        let mut counts = Counts::default();
        state.his(whose).for_each(|entry| counts.add(entry.info.status));
        counts
    }

    /// What has happened to all jobs that were ever listed.
    pub fn tally(&self) -> Tally {
        let state = self.state();
        let mut tally = state.tally.clone();
        state.entries.values().for_each(|entry| tally.output.add(entry.output()));
        tally
    }

    /// Takes a job that has ended out of the list; what was told of it.
    ///
    /// # Errors
    /// When it is not there, or not his, or has not ended.
    pub fn remove(&self, whose: Whose<'_>, id: JobId) -> Result<JobInfo, Error> {
        let mut state = self.state();
        let info = state.entry(whose, id)?.told();
        if info.status.is_running() {
            return Err(Error::StillRunning(id));
        }
        state.remove(id, SystemTime::now());
        Ok(info)
    }

    /// Takes those out of the list that have ended and are meant; their ids.
    pub fn purge(&self, whose: Whose<'_>, filter: &Filter) -> Vec<JobId> {
        let now = SystemTime::now();
        let mut state = self.state();
        let gone = |entry: &&Entry| entry.info.status.is_final() && filter.means(&entry.info, now);
        let ids: Vec<JobId> = state.his(whose).filter(gone).map(|entry| entry.info.id).collect();
        ids.iter().for_each(|id| state.remove(*id, now));
        ids
    }

    /// All jobs, and a listener to what happens from this very moment on.
    pub fn events(&self, whose: Whose<'_>) -> (Vec<JobInfo>, EventReader) {
        let mut state = self.state();
        let reader = match whose {
            None => state.everyone.listen(),
            Some(owner) => state.owners.entry(owner.clone()).or_default().listen(),
        };
        if state.closing && state.live() == 0 {
            state.close_feeds();
        }
        (state.his(whose).map(Entry::told).collect(), reader)
    }
}

impl State {
    /// The jobs of one owner, or of all; the oldest first.
    fn his(&self, whose: Whose<'_>) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(move |entry| whose.is_none_or(|owner| entry.info.owner == *owner))
    }

    /// One of them.
    fn entry(&self, whose: Whose<'_>, id: JobId) -> Result<&Entry, Error> {
        let entry = self.entries.get(&id).filter(|entry| whose.is_none_or(|owner| entry.info.owner == *owner));
        entry.ok_or_else(|| Error::NotFound { said: id.short() })
    }
}
