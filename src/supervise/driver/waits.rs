//! What a driver waits for beside the cell itself: moments.

use crate::life::pace::Pace;
use crate::life::state::TimeLimits;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A timer that is not set is as far away as tokio allows for sure.
pub(in crate::supervise) const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);
/// The pause after a look that failed.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The moments that a driver waits for.
pub(super) struct Waits {
    /// When the job began.
    pub started: Instant,
    /// When its wall-clock time is over.
    pub deadline: Option<Instant>,
    /// When the grace since the soft stop is over.
    pub grace: Option<Instant>,
    /// When to look at its processor time.
    pub look: Option<Instant>,
    /// Whether anybody still holds the job, who could ask for something.
    pub owned: bool,
    /// Whether it is being ended.
    pub ending: bool,
}

impl Waits {
    /// Those of a job that begins now.
    pub fn new(started: Instant, limits: &TimeLimits, pace: &Pace) -> Self {
        // The first look at once: also at a job that has run for long under an earlier supervisor.
        let look = pace.looks().then_some(started);
        Self {
            started,
            deadline: limits.wall.map(|time| started + time.min(NEVER)),
            grace: None,
            look,
            owned: true,
            ending: false,
        }
    }
}

/// A moment so long from now; one that no clock can tell is as far away as a timer that is not set.
pub(super) fn from_now(time: Duration) -> Instant {
    Instant::now() + time.min(NEVER)
}

/// Waits for a moment, or for ever.
pub(super) fn at(when: Option<Instant>) -> impl Future<Output = ()> {
    sleep_until(when.unwrap_or_else(|| Instant::now() + NEVER))
}
