//! Bounded waiting: for a moment between two tries, and for a cgroup to become empty.

use std::time::{Duration, Instant};

/// The first pause between two tries; each further one is twice as long, up to [`PAUSE_MOST`].
const PAUSE_FIRST: Duration = Duration::from_micros(200);
/// Longer pauses save nothing and are felt.
const PAUSE_MOST: Duration = Duration::from_millis(20);

/// Tries until a deadline, with growing pauses in between.
pub(super) struct Tries {
    until: Instant,
    pause: Duration,
}

impl Tries {
    /// Tries for so long.
    pub(super) fn within(time: Duration) -> Self {
        Self { until: Instant::now() + time, pause: PAUSE_FIRST }
    }

    /// Pauses before the next try; false when the time is over.
    pub(super) fn again(&mut self) -> bool {
        let left = self.left();
        if left.is_zero() {
            return false;
        }
        std::thread::sleep(self.pause.min(left));
        self.pause = (self.pause * 2).min(PAUSE_MOST);
        true
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}
