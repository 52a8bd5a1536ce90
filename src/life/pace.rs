//! When to look next at the processor time that a job has used: seldom while its limits are far, often near them. Pure:
//! the clock and the kernel's count are handed in.
//!
//! The kernel has no event for processor time. A job can use at most the time that passes on each processor, so before
//! `what is left / processors` no limit can be reached, and nobody has to look.

use super::state::Clock;
use std::time::Duration;

/// The shortest pause between looks, on one processor and on many: within it a job on all of them uses 10 ms, on a machine
/// with more than 10 of them 1 ms on each.
const LEAST_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(1));
/// A limit may be found over by this part of it, beside the shortest pause: a job that stops short of its limit must not
/// have somebody look at it all the time.
const LATE_SHARE: u32 = 100;
/// Looks in an idle time: a job is found idle at most a sixteenth of that later than it was.
const IDLE_LOOKS: u32 = 16;
/// The first and the longest pause between looks for a job that `cpu.max` holds back, which is news and no limit.
const THROTTLE_LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The pace of the looks at one job.
#[derive(Debug, Clone)]
pub struct Pace {
    cpu: Option<Duration>,
    idle: Option<Duration>,
    processors: u32,
    /// When the count was seen to be another one than before, and the count: what was used, and what was waited for.
    progress: (Duration, Duration),
    /// The next pause before a look for throttling, while that is of interest.
    throttle: Option<Duration>,
}

/// What a look is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// This time is over.
    Over(Clock),
    /// Look again after this long.
    In(Duration),
    /// There is nothing to look for.
    Never,
}

impl Pace {
    /// For a job that may use so much processor time, be idle so long, on so many processors; `throttled` when it has a
    /// `cpu.max`.
    pub fn new(cpu: Option<Duration>, idle: Option<Duration>, processors: u32, throttled: bool) -> Self {
        let throttle = throttled.then_some(THROTTLE_LOOK.0);
        Self { cpu, idle, processors: processors.max(1), progress: (Duration::ZERO, Duration::ZERO), throttle }
    }

    /// Whether there is anything to look for.
    pub fn looks(&self) -> bool {
        self.cpu.is_some() || self.idle.is_some() || self.throttle.is_some()
    }

    /// A look at `now`, since the job began: it has `used` so much, has `waited` for processors and disks so long, and
    /// `throttled` says whether it was held back. Who waits to run is not idle.
    pub fn look(&mut self, now: Duration, used: Duration, waited: Duration, throttled: bool) -> Look {
        let progress = used.saturating_add(waited);
        if progress != self.progress.1 {
            self.progress = (now, progress);
        }
        let cpu = self.cpu.map(|limit| limit.saturating_sub(used));
        if cpu.is_some_and(|left| left.is_zero()) {
            return Look::Over(Clock::Cpu);
        }
        let idle = self.idle.map(|limit| (limit, limit.saturating_sub(now.saturating_sub(self.progress.0))));
        if idle.is_some_and(|(_, left)| left.is_zero()) {
            return Look::Over(Clock::Idle);
        }
        let share = self.cpu.unwrap_or_default() / LATE_SHARE;
        let least = ((LEAST_PAUSE.0 + share) / self.processors).max(LEAST_PAUSE.1);
        let pauses = [
            cpu.map(|left| (left / self.processors).max(least)),
            idle.map(|(limit, left)| (limit / IDLE_LOOKS).min(left).max(LEAST_PAUSE.1)),
            self.throttle_pause(throttled),
        ];
        pauses.into_iter().flatten().min().map_or(Look::Never, Look::In)
    }

    /// It was held still by its owner until `now`: that is not idleness, and the idle time begins anew.
    pub fn rested(&mut self, now: Duration) {
        self.progress.0 = now;
    }

    /// The next pause for the sake of throttling; none once it was seen.
    fn throttle_pause(&mut self, throttled: bool) -> Option<Duration> {
        let pause = self.throttle.take().filter(|_| !throttled)?;
        self.throttle = Some((pause * 2).min(THROTTLE_LOOK.1));
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A job that uses `rate` processors all the time: when its time is found over, and with how many looks.
    fn play(mut pace: Pace, rate: u32) -> (Clock, Duration, u32) {
        let (mut now, mut looks) = (Duration::ZERO, 0);
        loop {
            looks += 1;
            match pace.look(now, now * rate, Duration::ZERO, false) {
                Look::Over(clock) => return (clock, now, looks),
                Look::In(pause) => now += pause,
                Look::Never => panic!("nobody looks"),
            }
        }
    }

    #[test]
    fn a_job_on_one_processor_is_found_at_its_limit() {
        let (clock, now, looks) = play(Pace::new(Some(SECOND), None, 1, false), 1);
        assert_eq!((clock, now, looks), (Clock::Cpu, SECOND, 2));
    }

    #[test]
    fn a_job_that_does_nothing_is_found_idle_and_one_that_works_is_not() {
        assert_eq!(play(Pace::new(None, Some(SECOND), 2, false), 0), (Clock::Idle, SECOND, 17));
        assert_eq!(play(Pace::new(Some(SECOND * 5), Some(SECOND), 2, false), 1).0, Clock::Cpu);
    }

    #[test]
    fn time_in_which_a_job_was_held_still_is_no_idle_time() {
        let mut pace = Pace::new(None, Some(SECOND), 2, false);
        pace.rested(SECOND * 10);
        let nothing = Duration::ZERO;
        assert!(matches!(pace.look(SECOND * 10, nothing, nothing, false), Look::In(_)));
        assert_eq!(pace.look(SECOND * 11, nothing, nothing, false), Look::Over(Clock::Idle));
    }

    #[test]
    fn a_job_without_such_limits_is_not_looked_at() {
        let mut pace = Pace::new(None, None, 2, false);
        assert!(!pace.looks());
        assert_eq!(pace.look(SECOND, SECOND, Duration::ZERO, true), Look::Never);
    }

    #[test]
    fn throttling_is_looked_for_ever_more_rarely_until_it_is_seen() {
        let mut pace = Pace::new(None, None, 2, true);
        let seconds = |count| Look::In(SECOND * count);
        let looks: Vec<Look> =
            (0..9).map(|_| pace.look(Duration::ZERO, Duration::ZERO, Duration::ZERO, false)).collect();
        assert_eq!(looks, [1, 2, 4, 8, 16, 32, 60, 60, 60].map(seconds));
        assert_eq!(pace.look(SECOND, SECOND, Duration::ZERO, true), Look::Never);
        assert_eq!(pace.look(SECOND, SECOND, Duration::ZERO, false), Look::Never);
    }

    #[test]
    fn who_waits_for_a_processor_or_a_disk_is_not_idle() {
        let mut pace = Pace::new(None, Some(SECOND), 1, false);
        for second in 0..5 {
            let look = pace.look(SECOND * second, SECOND, SECOND / 2 * second, false);
            assert!(matches!(look, Look::In(_)), "{second}: {look:?}");
        }
        assert_eq!(pace.look(SECOND * 5, SECOND, SECOND * 2, false), Look::Over(Clock::Idle));
    }

    proptest! {
        #[test]
        fn processor_time_is_exact_to_a_hundredth_and_10_ms(
            limit in 1u64..100_000, processors in 1u32..10, share in 0.0f64..=1.0,
        ) {
            let rate = ((f64::from(processors) * share) as u32).max(1);
            let limit = Duration::from_millis(limit);
            let (_, now, looks) = play(Pace::new(Some(limit), None, processors, false), rate);
            let used = now * rate;
            let late = limit / LATE_SHARE + Duration::from_millis(11);
            prop_assert!(used >= limit && used <= limit + late, "{used:?} of {limit:?}");
            prop_assert!(looks < 2000, "{looks} looks");
        }

        #[test]
        fn idleness_is_never_found_too_early_and_no_look_is_in_vain(idle in 1u64..100_000, stops in 0u64..100_000) {
            let (idle, stops) = (Duration::from_millis(idle), Duration::from_millis(stops));
            let mut pace = Pace::new(None, Some(idle), 4, false);
            let mut now = Duration::ZERO;
            while let Look::In(pause) = pace.look(now, now.min(stops), Duration::ZERO, false) {
                prop_assert!(!pause.is_zero());
                now += pause;
            }
            let since = now.checked_sub(stops).expect("not while it works");
            prop_assert!(since >= idle && since <= idle + idle / IDLE_LOOKS + LEAST_PAUSE.1, "{since:?} of {idle:?}");
        }
    }
}
