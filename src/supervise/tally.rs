//! What has happened to all jobs of a supervisor since it was opened, counted where it happens, under the lock of its list: for
//! whoever watches many of them and asks about none.

use super::job::Shared;
use crate::life::{Cause, Exit, Outcome};
use std::collections::BTreeMap;

/// The words of [`Exit`], as reports have them.
const EXITS: [&str; 4] = ["code", "signal", "never_ran", "unknown"];
/// The words of [`Cause`], as reports have them; of one that was not started no end is counted.
const CAUSES: [&str; 11] = [
    "itself",
    "stopped",
    "wall_time",
    "cpu_time",
    "idle",
    "output_limit",
    "memory",
    "pids",
    "seccomp",
    "owner_gone",
    "lost",
];

/// Counts that only grow as long as the supervisor lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Jobs whose target was executed.
    pub started: u64,
    /// Jobs that were entered and could not be started.
    pub not_started: u64,
    /// Jobs that ran when this supervisor was opened, and that it took over.
    pub adopted: u64,
    /// Jobs that have ended, by the words of their cause and their exit; each pair that can be is there.
    pub ended: BTreeMap<(&'static str, &'static str), u64>,
    /// What all jobs have written, those that were taken over from their beginning on.
    pub output: Amounts,
    /// Keepers that were put in the place of one that had died.
    pub keepers_replaced: u64,
}

/// Bytes of output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// That were written and taken.
    pub written: u64,
    /// Of these, given up for newer ones: a reader that asks for them is told a gap.
    pub given_up: u64,
    /// Of these, not taken by a disk; known when the job has ended.
    pub unwritten: u64,
}

impl Default for Tally {
    fn default() -> Self {
        let pairs = CAUSES.into_iter().flat_map(|cause| EXITS.map(|exit| ((cause, exit), 0)));
        Self {
            started: 0,
            not_started: 0,
            adopted: 0,
            ended: pairs.collect(),
            output: Amounts::default(),
            keepers_replaced: 0,
        }
    }
}

impl Tally {
    /// A job has ended so; `None` is one whose driver is gone without a word.
    pub(super) fn end(&mut self, outcome: Option<&Outcome>) {
        let pair = outcome.map_or(("lost", "unknown"), |outcome| (word_of(&outcome.cause), exit_of(outcome.exit)));
        *self.ended.entry(pair).or_default() += 1;
    }
}

impl Amounts {
    /// What one job has written so far.
    pub(super) fn of(shared: &Shared) -> Self {
        let log = shared.log.borrow();
        let (kept, unwritten) = (log.kept(), log.end().map_or(0, |end| end.unwritten));
        drop(log);
        let oldest = shared.spool.as_ref().and_then(|spool| spool.oldest());
        Self { written: kept.end, given_up: oldest.map_or(kept.start, |oldest| oldest.min(kept.start)), unwritten }
    }

    /// Adds another's.
    pub(super) fn add(&mut self, other: Self) {
        self.written += other.written;
        self.given_up += other.given_up;
        self.unwritten += other.unwritten;
    }
}

fn exit_of(exit: Exit) -> &'static str {
    match exit {
        Exit::Code { .. } => "code",
        Exit::Signal { .. } => "signal",
        Exit::NeverRan => "never_ran",
        Exit::Unknown => "unknown",
    }
}

fn word_of(cause: &Cause) -> &'static str {
    match cause {
        Cause::Itself => "itself",
        Cause::Stopped { .. } => "stopped",
        Cause::WallTime { .. } => "wall_time",
        Cause::CpuTime { .. } => "cpu_time",
        Cause::Idle { .. } => "idle",
        Cause::OutputLimit { .. } => "output_limit",
        Cause::Memory { .. } => "memory",
        Cause::Pids => "pids",
        Cause::Seccomp => "seccomp",
        Cause::StartFailed(_) => "start_failed",
        Cause::OwnerGone => "owner_gone",
        Cause::Lost => "lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_reports() {
        for (cause, word) in [(Cause::Itself, "itself"), (Cause::Pids, "pids"), (Cause::OwnerGone, "owner_gone")] {
            assert_eq!(serde_json::to_value(&cause).expect("text")["cause"], word);
            assert!(word_of(&cause) == word && CAUSES.contains(&word));
        }
        for exit in [Exit::Code { code: 1 }, Exit::Signal { signal: 9, core: false }, Exit::NeverRan, Exit::Unknown] {
            assert_eq!(serde_json::to_value(exit).expect("text")["kind"], exit_of(exit));
            assert!(EXITS.contains(&exit_of(exit)));
        }
    }
}
