//! What strangers can make the daemon say, said a few times a second at most.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines a second: enough to see what happens, not enough to fill a journal.
const LINES: u32 = 10;
/// The second.
const WHILE: Duration = Duration::from_secs(1);

/// Counts lines.
#[derive(Debug, Default)]
pub struct Hush(Mutex<Option<(Instant, u32)>>);

impl Hush {
    /// Tells that somebody was not let in. A handshake that failed because of its certificate says so: else nobody could
    /// mend it.
    pub fn told(&self, from: &dyn Display, why: &str) {
        match self.next(Instant::now()) {
            Some(0) => tracing::info!(%from, why, "a connection is refused"),
            Some(unsaid) => tracing::info!(%from, why, unsaid, "a connection is refused, and others were"),
            None => {}
        }
    }

    /// Whether a line may be said now; how many were not since the last one that was.
    fn next(&self, now: Instant) -> Option<u32> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            Some((since, count)) if now.duration_since(*since) < WHILE => {
                *count += 1;
                (*count <= LINES).then_some(0)
            }
            state => {
                let unsaid = state.map_or(0, |(_, count)| count.saturating_sub(LINES));
                *state = Some((now, 1));
                Some(unsaid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_lines_a_few_are_said_and_the_others_counted() {
        let (hush, now) = (Hush::default(), Instant::now());
        let said = (0..100).filter(|_| hush.next(now).is_some()).count();
        assert_eq!(said, LINES as usize);
        assert_eq!(hush.next(now + WHILE), Some(90));
        assert_eq!(hush.next(now + WHILE), Some(0));
    }
}
