//! Words that an outcome has from a fixed list, read again from a file.

use init_shim::step::Step;
use serde::{Deserialize, Deserializer};

/// A word from the list. By this name, since a reference that is spelled out would be taken for one into the text.
pub type Word = &'static str;

/// The names of limits, and the words of reasons, that an outcome can have.
const WORDS: [&str; 12] = [
    "memory.max",
    "pids.max",
    "time",
    "cpu_time",
    "idle",
    "output",
    "stopped",
    "wall_time",
    "output_limit",
    "owner_gone",
    "memory",
    "pids",
];

/// Where a file has a word that this version does not know.
const OTHER: &str = "other";

/// The word.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(WORDS.into_iter().find(|word| *word == text).unwrap_or(OTHER))
}

/// The name of a step of the shim's.
pub(super) fn step<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(Step::ALL.iter().map(|step| step.name()).find(|name| *name == text).unwrap_or(OTHER))
}

#[cfg(test)]
mod tests {
    use crate::life::state::{Clock, Reason};
    use crate::life::{
        Amount, Biggest, Cause, Evidence, Exit, Happening, IoUsage, Leftover, Leftovers, LimitHit, Outcome, Pressure,
        StopKind, Stopper, Throttle, Timeline, Usage,
    };
    use proptest::prelude::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn timeline() -> Timeline {
        let mut line = Timeline::default();
        let reasons = [Clock::Wall, Clock::Cpu, Clock::Idle].map(Reason::TimeOver);
        let reasons =
            reasons.into_iter().chain([Reason::Asked(Stopper::Caller), Reason::OutputOver, Reason::OwnerGone]);
        line.tell(Duration::ZERO, Happening::Created);
        line.tell(SECOND, Happening::Oom { kills: 3 });
        line.tell(SECOND, Happening::Throttled { by: Throttle::CpuMax });
        for reason in reasons {
            line.tell(2 * SECOND, Happening::Stopping { cause: reason.word(), how: StopKind::Hard });
        }
        line
    }

    fn any_cause() -> impl Strategy<Value = Cause> {
        prop::sample::select(vec![
            Cause::Itself,
            Cause::Stopped { by: Stopper::Signal(2), how: StopKind::Soft },
            Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard },
            Cause::WallTime { limit: SECOND / 4, how: StopKind::Soft },
            Cause::CpuTime { limit: SECOND, how: StopKind::Hard },
            Cause::Idle { limit: SECOND, how: StopKind::Hard },
            Cause::OutputLimit { limit: 10, how: StopKind::Soft },
            Cause::Memory { of: crate::life::MemoryOf::Own },
            Cause::Pids,
            Cause::Seccomp,
            Cause::OwnerGone,
            Cause::Lost,
            Cause::StartFailed(crate::life::StartFailure {
                step: 310,
                name: "exec",
                errno: 2,
                message: "failed to execute the program".to_owned(),
                refused: crate::life::Refused::NotFound,
            }),
        ])
    }

    proptest! {
        #[test]
        fn an_outcome_is_read_again_as_it_was_written(
            cause in any_cause(),
            exit in prop::sample::select(vec![
                Exit::Code { code: 3 }, Exit::Signal { signal: 9, core: true }, Exit::NeverRan, Exit::Unknown,
            ]),
            limit in prop::sample::select(vec![
                None,
                Some(("memory.max", Amount::Count(7), None)),
                Some(("time", Amount::Time(SECOND), Some(Amount::Time(3 * SECOND / 2)))),
            ]),
            count: Option<u64>,
        ) {
            let time = count.map(|count| Duration::from_millis(count % (1 << 30)));
            let usage = Usage {
                wall: SECOND,
                cpu_user: time,
                memory_peak: count,
                io: count.map(|read_bytes| IoUsage { read_bytes, ..IoUsage::default() }),
                io_pressure: Some(Pressure { some: SECOND, full: SECOND / 2 }),
                ..Usage::default()
            };
            let evidence = Evidence {
                oom_kills: count,
                limit: limit.map(|(name, value, peak)| LimitHit { name, value, peak }),
                biggest: Some(Biggest { comm: "x".to_owned(), host_pid: 7, rss: count }),
                stderr_tail: Some("\u{fffd}".to_owned()),
                timeline: timeline(),
                ..Evidence::default()
            };
            let named = vec![Leftover { pid: 3, comm: "sh".to_owned(), age: SECOND }];
            let leftovers = Some(Leftovers { count: 1, named });
            let outcome = Outcome { exit, cause, usage, evidence, leftovers, residue: vec!["x".to_owned()] };
            let text = serde_json::to_string(&outcome).expect("written");
            prop_assert_eq!(serde_json::from_str::<Outcome>(&text).expect("read"), outcome);
        }
    }
}
