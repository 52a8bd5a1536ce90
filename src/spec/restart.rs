//! Whether, how often and after which pause a job is started again.

use super::SpecError;
use super::units::Span;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Starts in a row that a job is given when the caller says no number.
pub const DEFAULT_COUNT: u32 = 10;
/// The first pause when the caller says none: s6-supervise's.
pub const DEFAULT_DELAY: Duration = Duration::from_secs(1);
/// The time of a run after which the count begins anew when the caller says none: as systemd's StartLimitIntervalSec.
pub const DEFAULT_MIN_UPTIME: Duration = Duration::from_secs(10);
/// What the pause grows to. A longer one that was asked for does not grow.
pub const DELAY_MOST: Duration = Duration::from_secs(300);

/// More than anybody waits for, so that no number is none.
const COUNTS: RangeInclusive<u32> = 1..=1_000_000;
/// A shorter pause has a host do nothing but build cells (systemd's RestartSec); a longer one is a matter of a calendar.
const TIMES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(86_400);

/// When a job is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Its first end is its last.
    #[default]
    Never,
    /// After every end but one: its leader returned 0 by itself.
    OnFailure,
    /// After every end.
    Always,
}

impl Restart {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Never, Self::OnFailure, Self::Always];

    /// The word in flags and files: systemd's.
    pub fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::OnFailure => "on-failure",
            Self::Always => "always",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// When it is none of the three.
    pub fn read(field: &str, word: &str) -> Result<Self, SpecError> {
        Self::ALL.into_iter().find(|restart| restart.word() == word).ok_or_else(|| {
            SpecError::new(field, word, "not when a job can be started again", "write never, on-failure or always")
        })
    }
}

/// What becomes of a job after its end.
///
/// Starts in a row are those since the last run of `min_uptime`. The first comes after `delay`, each further one after twice
/// the pause before, up to 5 minutes; a run of `min_uptime` begins both, pause and count, anew. Whoever stops the job, or lets
/// go of it, ends this too, also during a pause.
///
/// Times ([`JobSpec::time`](super::JobSpec::time) and its like) are those of each run, and there is none for all together: it
/// is the count that ends what does not work. An output limit is one of all runs together, so to pass it is the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// When.
    pub when: Restart,
    /// Starts in a row at most, the first one of all not among them: 1 to 1000000; 10 when nothing is said.
    pub count: u32,
    /// The first pause: 100 ms to one day; 1 s when nothing is said.
    pub delay: Duration,
    /// How long a run must be to show that it works: 100 ms to one day; 10 s when nothing is said.
    pub min_uptime: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self { when: Restart::Never, count: DEFAULT_COUNT, delay: DEFAULT_DELAY, min_uptime: DEFAULT_MIN_UPTIME }
    }
}

impl RestartPolicy {
    /// The pause before the start that follows so many in a row.
    pub fn pause(&self, in_a_row: u32) -> Duration {
        let most = DELAY_MOST.max(self.delay);
        // 2^15 times the least pause is more than the most.
        self.delay.saturating_mul(1 << in_a_row.min(15)).min(most)
    }

    /// Refuses what has no meaning.
    pub(super) fn check(&self) -> Result<(), SpecError> {
        if !COUNTS.contains(&self.count) {
            let expected = format!("write {} to {}", COUNTS.start(), COUNTS.end());
            let problem = "not a number of starts in a row";
            return Err(SpecError::new("--restart-count", self.count.to_string(), problem, expected));
        }
        for (field, time) in [("--restart-delay", self.delay), ("--restart-min-uptime", self.min_uptime)] {
            if !TIMES.contains(&time) {
                let expected = format!("write {} to {}", Span(*TIMES.start()), Span(*TIMES.end()));
                return Err(SpecError::new(field, Span(time).to_string(), "too short or too long", expected));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_never_shrinks_and_never_grows_beyond_its_bound(millis in 100_u64..86_400_000, row in 0_u32..100_000) {
            let policy = RestartPolicy { delay: Duration::from_millis(millis), ..RestartPolicy::default() };
            let (now, next) = (policy.pause(row), policy.pause(row + 1));
            prop_assert!(policy.delay <= now && now <= next && next <= DELAY_MOST.max(policy.delay));
        }
    }

    #[test]
    fn a_pause_doubles() {
        let policy = RestartPolicy::default();
        let pauses: Vec<u64> = (0..10).map(|row| policy.pause(row).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    }
}
