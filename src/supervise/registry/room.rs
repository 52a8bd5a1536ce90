//! Who goes out of the list when it is full: jobs that have ended, and feeds that nobody hears.

use super::{Entry, State};
use crate::spec::{JobId, Owner};
use std::collections::BTreeMap;
use std::time::SystemTime;

impl State {
    /// Gives up what has ended and is too old or too much, the first that ended first; and feeds that nobody hears.
    pub(super) fn tidy(&mut self, now: SystemTime) {
        let old = |when: &SystemTime| now.duration_since(*when).unwrap_or_default() > self.bounds.ended_for;
        let over: Vec<JobId> =
            self.entries.values().filter(|entry| entry.info.ended.as_ref().is_some_and(old)).map(Entry::id).collect();
        over.into_iter().for_each(|id| self.remove(id, now));
        while let Some(id) = self.too_many() {
            self.remove(id, now);
        }
        self.owners.retain(|_, feed| feed.is_heard());
    }

    /// The one that goes, if there are more that have ended than may be: the first that ended, of the owner who has most of
    /// them. So nobody can push out another's who has fewer.
    fn too_many(&self) -> Option<JobId> {
        let all = || self.entries.values().filter_map(|entry| Some((entry, entry.info.ended?)));
        // Nearly always: and this is asked with every start and every look.
        if all().count() <= self.bounds.ended {
            return None;
        }
        let mut ended: BTreeMap<&Owner, Vec<(SystemTime, JobId)>> = BTreeMap::new();
        for (entry, when) in all() {
            ended.entry(&entry.info.owner).or_default().push((when, entry.info.id));
        }
        let most = ended.into_values().max_by_key(Vec::len)?;
        most.into_iter().min().map(|(_, id)| id)
    }
}
