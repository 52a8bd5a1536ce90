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
        let pause = self.pause();
        std::thread::sleep(pause);
        !pause.is_zero()
    }

    /// The length of the next pause; nothing when the time is over.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause.min(self.left());
        self.pause = (self.pause * 2).min(PAUSE_MOST);
        pause
    }

    /// The time that is left.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut tries = Tries::within(Duration::from_secs(3600));
        let pauses: Vec<Duration> = (0..10).map(|_| tries.pause()).collect();
        assert!(pauses.is_sorted() && pauses[0] == PAUSE_FIRST && pauses[9] == PAUSE_MOST);
        assert!(!Tries::within(Duration::ZERO).again());
    }
}
