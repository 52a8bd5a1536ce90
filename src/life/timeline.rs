//! What happened in a job's life, in order, each with its time since the start was asked for. Bounded: what can happen
//! often is told a fixed number of times, and counted in the evidence all the same.

use super::StopKind;
use super::known::Word;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kills for want of memory that are told one by one: with `memory.oom.group` the first one ends the job.
const OOM_MOST: usize = 16;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Time since the start was asked for, monotonic; seconds in JSON.
    #[serde(serialize_with = "super::usage::seconds", deserialize_with = "super::usage::of_seconds")]
    pub at: Duration,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What can happen to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// Its cgroup was made, with every limit in force. Nothing runs in it yet.
    Created,
    /// Its target was executed.
    Started,
    /// The kernel killed for want of memory. Told when it is noticed: the kernel tells of it at most every 10 ms.
    Oom {
        /// Processes killed so far.
        kills: u64,
    },
    /// A limit held it back for the first time. Of `cpu.max` it is told when somebody looks: after 1 s, and ever more
    /// rarely up to once a minute, or at the end.
    Throttled {
        /// Which one.
        by: Throttle,
    },
    /// ironcell began to end it, or went from soft to hard.
    Stopping {
        /// Why, by the word that the cause will have.
        #[serde(deserialize_with = "super::known::word")]
        cause: Word,
        /// Softly or hard.
        how: StopKind,
    },
    /// The leader ended.
    Ended,
}

/// A limit that slows down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Throttle {
    /// `cpu.max`: a period's time was used up.
    #[serde(rename = "cpu.max")]
    CpuMax,
    /// `memory.high`: memory was reclaimed from it while it waited.
    #[serde(rename = "memory.high")]
    MemoryHigh,
}

/// Everything that happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(Vec<Moment>);

impl Timeline {
    /// Adds what happened; false when that was told before, or often enough.
    pub fn tell(&mut self, at: Duration, what: Happening) -> bool {
        let told = |same: fn(&Happening, &Happening) -> bool| self.0.iter().filter(|m| same(&m.what, &what)).count();
        let new = match what {
            Happening::Oom { .. } => {
                told(|a, b| a == b) == 0 && told(|a, _| matches!(a, Happening::Oom { .. })) < OOM_MOST
            }
            _ => told(|a, b| a == b) == 0,
        };
        if new {
            self.0.push(Moment { at, what });
        }
        new
    }

    /// All of it, the oldest first.
    pub fn moments(&self) -> &[Moment] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_once_is_told_once() {
        let mut line = Timeline::default();
        assert!(line.tell(Duration::ZERO, Happening::Created));
        assert!(!line.tell(Duration::from_secs(1), Happening::Created));
        assert!(line.tell(Duration::from_secs(1), Happening::Throttled { by: Throttle::CpuMax }));
        assert!(line.tell(Duration::from_secs(2), Happening::Throttled { by: Throttle::MemoryHigh }));
        assert!(!line.tell(Duration::from_secs(3), Happening::Throttled { by: Throttle::CpuMax }));
        assert_eq!(line.moments().len(), 3);
    }

    #[test]
    fn a_line_does_not_grow_without_a_bound() {
        let mut line = Timeline::default();
        for kills in 0..1000 {
            line.tell(Duration::ZERO, Happening::Oom { kills });
        }
        assert!(line.tell(Duration::ZERO, Happening::Ended));
        assert_eq!(line.moments().len(), OOM_MOST + 1);
    }
}
