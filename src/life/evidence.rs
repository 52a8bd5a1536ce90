//! What shows why a job ended: the kernel's counters, the limit that was hit, who was killed, what was still alive.

use super::Timeline;
use super::known::Word;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// What shows a cause. Counters are differences over the job's life: its cgroup is made anew for it, so they begin at 0.
/// `None` is "not known", never 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// `memory.events` `max`: how often memory had to be reclaimed because the limit was met.
    pub memory_max_events: Option<u64>,
    /// `memory.events` `high`: how often the job was slowed down at `memory.high`.
    pub memory_high_events: Option<u64>,
    /// `memory.events` `oom_kill`: processes killed by the kernel.
    pub oom_kills: Option<u64>,
    /// `memory.events` `oom_group_kill`: how often the kernel killed the job as a whole (kernel 5.17).
    pub oom_group_kills: Option<u64>,
    /// `memory.events` `oom`: how often the job's own limit could not be met.
    pub oom_events: Option<u64>,
    /// `memory.events.local` `oom`: the same without what happened below the job's cgroup (kernel 5.3).
    pub local_oom_events: Option<u64>,
    /// `memory.events.local` `oom` of all cgroups above the job, while it ran. `None` also when it is 0 in those that can
    /// be seen, and there are more above them, as in a container.
    pub ancestor_oom_events: Option<u64>,
    /// `pids.events` `max`: forks refused.
    pub pids_max_events: Option<u64>,
    /// `memory.max` in force, bytes; `None` without one.
    pub memory_max: Option<u64>,
    /// `pids.max` in force; `None` without one.
    pub pids_max: Option<u64>,
    /// The limit that ended the job; `None` when it was none.
    pub limit: Option<LimitHit>,
    /// The process that the kernel chose to kill for want of memory, which is the one with the most of it: from the
    /// kernel's log, so `None` where that cannot be read, or where the kernel left it out.
    pub biggest: Option<Biggest>,
    /// The last 4 KiB of standard error as text, where it went through ironcell: when it is a terminal's. Else `None`.
    pub stderr_tail: Option<String>,
    /// Bytes of output that a disk did not take, for the job's spool or log file: it was full, or failed, or was not done in
    /// time. `None` where there was neither.
    pub output_unwritten: Option<u64>,
    /// What happened, with times.
    pub timeline: Timeline,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitHit {
    /// The kernel's name, or that of the time, or `output`.
    #[serde(deserialize_with = "super::known::word")]
    pub name: Word,
    /// The limit itself.
    pub value: Amount,
    /// How far the job came.
    pub peak: Option<Amount>,
}

/// A number in its limit's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Bytes, or processes.
    Count(u64),
    /// A time; seconds in JSON.
    Time(Duration),
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Time(time) => super::usage::seconds(time, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnAmount)
    }
}

/// A whole number is a count, and one with a fraction a time in seconds: as they are written.
struct AnAmount;

impl Visitor<'_> for AnAmount {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E>(self, count: u64) -> Result<Amount, E> {
        Ok(Amount::Count(count))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Amount, E> {
        Duration::try_from_secs_f64(seconds).map(Amount::Time).map_err(E::custom)
    }
}

/// A process that the kernel killed for want of memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Biggest {
    /// Its name, as proc(5) has it in `comm`: 15 bytes at most.
    pub comm: String,
    /// Its process id on the host. It is gone: for the kernel's log, and for people.
    pub host_pid: u32,
    /// Its resident memory when it was killed, bytes.
    pub rss: Option<u64>,
}

/// Processes that were still alive when the leader had ended. They are gone, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftovers {
    /// How many there were; zombies are none.
    pub count: u64,
    /// The first of them: [`Leftovers::NAMED_MOST`] at most.
    pub named: Vec<Leftover>,
}

impl Leftovers {
    /// Processes that are named: enough to know a culprit, few enough to be read before they are killed.
    pub const NAMED_MOST: usize = 32;
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Its process id inside the cell, as the job itself knew it.
    pub pid: u32,
    /// Its name, as proc(5) has it in `comm`: 15 bytes at most.
    pub comm: String,
    /// How long it had been there, to the hundredth of a second; seconds in JSON.
    #[serde(serialize_with = "super::usage::seconds", deserialize_with = "super::usage::of_seconds")]
    pub age: Duration,
}
