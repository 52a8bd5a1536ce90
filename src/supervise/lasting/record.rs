//! What is written down of one job, and when.

use super::runs::Runs;
use super::{Lasting, name_of};
use crate::life::state::Reason;
use crate::life::{LogEnd, Outcome, StopKind};
use crate::os::cgroup::Effective;
use crate::os::state::monotonic_nanos;
use crate::spec::file::MOST_BYTES;
use crate::spec::{JobId, JobSpec, Keep, Owner, SpecError};
use crate::supervise::Error;
use crate::supervise::registry::Asked;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Of this file's format. One of another version is not read: its jobs end as lost.
const VERSION: u32 = 1;

/// A job's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The boot that it runs in.
    pub boot: String,
    pub id: JobId,
    owner: String,
    /// The request that it was started for.
    pub request: Option<Asked>,
    /// Nanoseconds since 1970.
    created: u64,
    /// When the start was asked for, by the clock that nobody sets.
    asked: u64,
    /// The description, in JSON.
    spec: String,
    /// Since its target was executed.
    pub begun: Option<Begun>,
    /// Since ironcell is ending it.
    pub stopping: Option<Stopping>,
    /// Since its end.
    pub ended: Option<Finished>,
    /// Of a job that can have several runs.
    pub runs: Option<Runs>,
}

/// A job that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Nanoseconds since 1970.
    at: u64,
    /// The same by the clock that nobody sets.
    since: u64,
    pub effective: Vec<Effective>,
    pub above_before: Option<u64>,
}

/// A job that is being ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    pub why: Reason,
    pub how: StopKind,
    /// When its grace is over, by the clock that nobody sets.
    until: u64,
}

/// A job that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Nanoseconds since 1970.
    at: u64,
    pub outcome: Outcome,
    /// The end of what it wrote.
    pub log: Option<LogEnd>,
}

impl Record {
    /// One that was written.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if record.version == VERSION { Ok(record) } else { Err(format!("it is of version {}", record.version)) }
    }

    /// The description.
    pub fn spec(&self) -> Result<JobSpec, SpecError> {
        JobSpec::from_json(&self.spec)
    }

    /// Whose it is.
    pub fn owner(&self) -> Result<Owner, SpecError> {
        Owner::new(&self.owner)
    }

    /// When it was asked for, by the host's clock.
    pub fn created(&self) -> SystemTime {
        unix(self.created)
    }

    /// The same by the clock of deadlines.
    pub fn asked(&self) -> Instant {
        instant(self.asked)
    }
}

impl Begun {
    /// Of a job that runs and of which that was not written down yet.
    pub fn now() -> Self {
        Self { at: unix_nanos(), since: monotonic_nanos(), effective: Vec::new(), above_before: None }
    }

    /// When its target was executed, by the host's clock, and by that of deadlines.
    pub fn when(&self) -> (SystemTime, Instant) {
        (unix(self.at), instant(self.since))
    }
}

impl Stopping {
    /// When its grace is over.
    pub fn until(&self) -> Instant {
        let now = monotonic_nanos();
        match self.until.checked_sub(now) {
            Some(left) => Instant::now() + Duration::from_nanos(left).min(super::super::driver::NEVER),
            None => Instant::now(),
        }
    }
}

impl Finished {
    /// When it had ended, by the host's clock.
    pub fn when(&self) -> SystemTime {
        unix(self.at)
    }
}

/// The record of a job, and where it is written.
#[derive(Debug)]
pub struct Recorded {
    lasting: Arc<Lasting>,
    record: Record,
}

impl Recorded {
    /// Writes down that a job is to be started: before anything is done for it.
    ///
    /// # Errors
    /// When it cannot be written, or is too large to be read again.
    pub fn intend(
        lasting: &Arc<Lasting>,
        id: JobId,
        owner: &Owner,
        spec: &JobSpec,
        request: Option<&Asked>,
    ) -> Result<Self, Error> {
        let text = spec.to_json();
        if text.len() > MOST_BYTES {
            let problem = format!("it has {} bytes as text", text.len());
            let expected = format!("a job that outlives its supervisor has {MOST_BYTES} at most: give it files");
            return Err(SpecError::new("the description", "", problem, expected).into());
        }
        let record = Record {
            version: VERSION,
            boot: lasting.boot.clone(),
            id,
            owner: owner.as_str().to_owned(),
            request: request.cloned(),
            created: unix_nanos(),
            asked: monotonic_nanos(),
            spec: text,
            begun: None,
            stopping: None,
            ended: None,
            runs: None,
        };
        let recorded = Self { lasting: Arc::clone(lasting), record };
        recorded.write()?;
        Ok(recorded)
    }

    /// One that was written by an earlier supervisor.
    pub fn again(lasting: &Arc<Lasting>, record: Record) -> Self {
        Self { lasting: Arc::clone(lasting), record }
    }

    /// Writes down that it runs: before whoever asked is told.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begun(&mut self, effective: Vec<Effective>, above_before: Option<u64>) -> Result<(), Error> {
        self.record.begun = Some(Begun { at: unix_nanos(), since: monotonic_nanos(), effective, above_before });
        self.record.runs.iter_mut().for_each(Runs::begun);
        self.write()
    }

    /// Writes down that it is being ended: before anybody is asked to. What cannot be written is told: should this process
    /// die before the end, why the job ends is not known to the next.
    pub fn stopping(&mut self, why: &Reason, how: StopKind, grace: Duration) {
        let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        let until = monotonic_nanos().saturating_add(grace);
        // From soft to hard its grace does not begin anew.
        let until = self.record.stopping.as_ref().map_or(until, |before| before.until.min(until));
        self.record.stopping = Some(Stopping { why: why.clone(), how, until });
        self.note();
    }

    /// Writes down its limits as they are now.
    pub fn updated(&mut self, spec: &JobSpec, effective: &[Effective]) {
        self.record.spec = spec.to_json();
        if let Some(begun) = &mut self.record.begun {
            begun.effective = effective.to_vec();
        }
        self.note();
    }

    /// Writes down how it ended: before what it is known from is removed.
    pub fn ended(&mut self, outcome: &Outcome, log: Option<LogEnd>) {
        self.record.ended = Some(Finished { at: unix_nanos(), outcome: outcome.clone(), log });
        self.note();
    }

    /// The job was not started: there is nothing to write down.
    pub fn not_begun(self) {
        self.lasting.remove(self.record.id, Keep::WithJob);
    }

    /// The record itself.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Changes what is to be written the next time.
    pub fn change(&mut self, change: impl FnOnce(&mut Record)) {
        change(&mut self.record);
    }

    /// Changes it, and writes it down.
    pub fn note_with(&mut self, change: impl FnOnce(&mut Record)) {
        self.change(change);
        self.note();
    }

    fn note(&self) {
        if let Err(error) = self.write() {
            tracing::error!(%error, id = %self.record.id, "what happened to a job could not be written down");
        }
    }

    fn write(&self) -> Result<(), Error> {
        // Strings and numbers only: it cannot fail.
        let text = serde_json::to_vec(&self.record).unwrap_or_default();
        Ok(self.lasting.state.write(&name_of(self.record.id), &text)?)
    }
}

fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn unix(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// A moment of the past; one before this clock can tell is as old as it can tell.
fn instant(nanos: u64) -> Instant {
    let (now, ago) = (Instant::now(), Duration::from_nanos(monotonic_nanos().saturating_sub(nanos)));
    now.checked_sub(ago).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Cause, Exit, Stopper};

    #[test]
    fn a_record_is_read_again_as_it_was_written_at_every_stage() {
        let base = tempfile::tempdir().expect("a directory");
        let lasting = Arc::new(Lasting::open(&base.path().join("state")).expect("opened"));
        let id = JobId::of(7, [3; 10]);
        let spec = JobSpec::command("make").arg("all").name("build").build().expect("a spec");
        let owner = Owner::new("alice").expect("a word");
        let asked = Asked::of("r-1", &spec);
        let read = || lasting.records().expect("listed").pop();
        let mut recorded = Recorded::intend(&lasting, id, &owner, &spec, Some(&asked)).expect("written");
        assert_eq!(read().as_ref(), Some(recorded.record()));
        recorded.begun(Vec::new(), Some(3)).expect("written");
        recorded.stopping(&Reason::Asked(Stopper::Caller), StopKind::Soft, Duration::from_secs(10));
        let until = recorded.record().stopping.as_ref().map(Stopping::until).expect("it is being ended");
        recorded.stopping(&Reason::Asked(Stopper::Caller), StopKind::Hard, Duration::from_secs(60));
        let later = recorded.record().stopping.as_ref().map(Stopping::until).expect("it is being ended");
        assert!(later < until + Duration::from_secs(1), "its grace began anew");
        recorded.ended(&Outcome::of(Exit::Code { code: 3 }, Cause::Itself), None);
        let record = read().expect("it is there");
        assert_eq!(&record, recorded.record());
        assert_eq!((record.spec().expect("a spec"), record.owner().expect("a word")), (spec, owner));
        assert_eq!(record.request, Some(asked));
        recorded.not_begun();
        assert_eq!(read(), None);
        assert_eq!(std::fs::read_dir(base.path().join("state/jobs")).expect("listed").count(), 0);
    }

    #[test]
    fn what_is_no_record_is_told_and_removed() {
        let base = tempfile::tempdir().expect("a directory");
        let lasting = Lasting::open(&base.path().join("state")).expect("opened");
        for bytes in [&b""[..], b"{}", b"\xff\xfe", br#"{"version":2}"#] {
            lasting.state.write("x", bytes).expect("written");
            assert!(lasting.records().expect("listed").is_empty());
            assert!(lasting.state.records().expect("listed").is_empty());
        }
    }
}
