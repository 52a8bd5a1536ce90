//! What a supervisor's list tells of a job, and which jobs are meant by "all that ...".

use crate::life::{Cause, Exit, Over, Run, Status};
use crate::spec::{JobId, Owner};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::time::{Duration, SystemTime};

/// A job as it stands in the list, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// The caller's own name for it.
    pub name: Option<String>,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// Whose it is.
    pub owner: Owner,
    /// The process id on the host of the cell's PID 1; `None` while nothing of it runs.
    pub pid: Option<i32>,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for, by the host's clock.
    pub created: SystemTime,
    /// When its target was executed.
    pub started: Option<SystemTime>,
    /// When it had ended, and nothing of it was left.
    pub ended: Option<SystemTime>,
    /// The caller's labels.
    pub labels: BTreeMap<String, String>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Why it ended. `None` of one that has ended means that its driver was lost with its runtime.
    pub cause: Option<Cause>,
    /// The offsets of the output that its log keeps: what came before the first is given up.
    pub output: Range<u64>,
    /// The runs of a job that is started again after its end, the newest 16 of them; empty for others. Each says where in the
    /// log its output begins.
    pub runs: Vec<Run>,
    /// Why such a job was not started once more, when it has ended.
    pub over: Option<Over>,
}

/// Jobs that have all of these; the empty filter is every job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Any of these; none given is any at all.
    pub states: Vec<Status>,
    /// Each of these labels with this value.
    pub labels: BTreeMap<String, String>,
    /// A name that begins so.
    pub name_prefix: Option<String>,
    /// Asked for longer ago than this, by the host's clock.
    pub older_than: Option<Duration>,
}

impl Filter {
    /// Every job that has not ended.
    pub fn running() -> Self {
        let states = Status::ALL.into_iter().filter(|status| status.is_running()).collect();
        Self { states, ..Self::default() }
    }

    /// Every job that has ended.
    pub fn ended() -> Self {
        let states = Status::ALL.into_iter().filter(|status| status.is_final()).collect();
        Self { states, ..Self::default() }
    }

    /// Whether it means this job, as it stands, at this moment.
    pub fn means(&self, info: &JobInfo, now: SystemTime) -> bool {
        let state = self.states.is_empty() || self.states.contains(&info.status);
        let labels = self.labels.iter().all(|(key, value)| info.labels.get(key) == Some(value));
        let begins = |prefix: &String| info.name.as_ref().is_some_and(|name| name.starts_with(prefix.as_str()));
        let name = self.name_prefix.as_ref().is_none_or(begins);
        // A clock that was set back makes nobody old.
        let age = now.duration_since(info.created).unwrap_or_default();
        state && labels && name && self.older_than.is_none_or(|older| age > older)
    }
}

/// How many jobs stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in life::Status")]
pub struct Counts {
    pub starting: usize,
    pub running: usize,
    pub paused: usize,
    pub stopping: usize,
    pub completed: usize,
    pub failed: usize,
    pub terminated: usize,
}

impl Counts {
    /// Counts one more.
    pub(super) fn add(&mut self, status: Status) {
        *match status {
            Status::Starting => &mut self.starting,
            Status::Running => &mut self.running,
            Status::Paused => &mut self.paused,
            Status::Stopping => &mut self.stopping,
            Status::Completed => &mut self.completed,
            Status::Failed => &mut self.failed,
            Status::Terminated => &mut self.terminated,
        } += 1;
    }

    /// Those that have not ended.
    pub fn live(&self) -> usize {
        self.starting + self.running + self.paused + self.stopping
    }

    /// Those that have ended and are still listed.
    pub fn ended(&self) -> usize {
        self.completed + self.failed + self.terminated
    }
}

/// How much a supervisor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Jobs that have not ended, of all owners together; 4096 when nothing is said. One more is refused.
    pub jobs: usize,
    /// Jobs that have ended and stay listed, of all owners together; 100 when nothing is said. One of the owner who has most
    /// of them is given up first, and of his the one that ended first. Each keeps its log, which is up to `log_max` bytes of
    /// memory, and with a spool its files and one descriptor; no cgroup and no process.
    pub ended: usize,
    /// How long a job that has ended stays listed, by the host's clock; an hour when nothing is said. It is given up when
    /// the list is next looked at or written to.
    pub ended_for: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { jobs: 4096, ended: 100, ended_for: Duration::from_secs(3600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: Status) -> JobInfo {
        JobInfo {
            id: JobId::of(0, [0; 10]),
            name: Some("build-7".to_owned()),
            argv: vec!["true".into()],
            owner: Owner::default(),
            pid: None,
            status,
            created: SystemTime::UNIX_EPOCH + Duration::from_secs(100),
            started: None,
            ended: None,
            labels: BTreeMap::from([("tool".to_owned(), "ci".to_owned())]),
            exit: None,
            cause: None,
            output: 0..0,
            runs: Vec::new(),
            over: None,
        }
    }

    #[test]
    fn a_filter_means_what_has_all_of_its_parts() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(160);
        let means = |filter: &Filter| filter.means(&job(Status::Running), now);
        assert!(means(&Filter::default()) && means(&Filter::running()) && !means(&Filter::ended()));
        let labels = |value: &str| BTreeMap::from([("tool".to_owned(), value.to_owned())]);
        assert!(means(&Filter { labels: labels("ci"), ..Filter::default() }));
        assert!(!means(&Filter { labels: labels("me"), ..Filter::default() }));
        assert!(means(&Filter { name_prefix: Some("build-".to_owned()), ..Filter::default() }));
        assert!(!means(&Filter { name_prefix: Some("test-".to_owned()), ..Filter::default() }));
        let older = |secs| Filter { older_than: Some(Duration::from_secs(secs)), ..Filter::default() };
        assert!(means(&older(59)) && !means(&older(60)));
    }

    #[test]
    fn every_status_is_counted_as_live_or_as_ended() {
        let mut counts = Counts::default();
        Status::ALL.into_iter().for_each(|status| counts.add(status));
        assert_eq!((counts.live(), counts.ended()), (4, 3));
    }
}
