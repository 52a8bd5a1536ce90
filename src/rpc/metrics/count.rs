//! Counts of a fixed number of things, and of times; anybody adds, nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A count for each row of a table.
#[derive(Debug)]
pub struct Counts(Box<[AtomicU64]>);

impl Counts {
    /// So many, each 0.
    pub fn new(rows: usize) -> Self {
        Self((0..rows).map(|_| AtomicU64::new(0)).collect())
    }

    /// More of one; a row that is not there is nobody's.
    pub fn add(&self, row: usize, more: u64) {
        self.0.get(row).into_iter().for_each(|count| _ = count.fetch_add(more, Ordering::Relaxed));
    }

    /// Fewer of one.
    pub fn take(&self, row: usize, fewer: u64) {
        self.0.get(row).into_iter().for_each(|count| _ = count.fetch_sub(fewer, Ordering::Relaxed));
    }

    /// All of them.
    pub fn all(&self) -> Vec<u64> {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

/// The bounds of a call's time, in seconds: from what a look takes to the time that a call has by default.
pub const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// How often something took how long.
#[derive(Debug)]
pub struct Times {
    /// Up to each bound and above the one before; the last is above all.
    counts: Counts,
    /// Together, in microseconds: enough for half a million years.
    sum: AtomicU64,
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: Counts::new(BOUNDS.len() + 1), sum: AtomicU64::new(0) }
    }
}

impl Times {
    /// One more.
    pub fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.counts.add(BOUNDS.partition_point(|bound| *bound < seconds), 1);
        self.sum.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many took up to each bound, and in all; and their sum in seconds.
    pub fn told(&self) -> (Vec<u64>, f64) {
        let mut upto = 0;
        let counts = self.counts.all().into_iter().map(|count| {
            upto += count;
            upto
        });
        (counts.collect(), Duration::from_micros(self.sum.load(Ordering::Relaxed)).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_up_to_the_first_bound_that_it_keeps_and_to_all_above() {
        let times = Times::default();
        for time in [0, 1_000, 1_001, 60_000_000, 60_000_001] {
            times.add(Duration::from_micros(time));
        }
        let (counts, sum) = times.told();
        assert_eq!((counts[0], counts[1], counts[13], counts[14]), (2, 3, 4, 5));
        assert!((sum - 120.002_002).abs() < 1e-9, "{sum}");
    }

    #[test]
    fn a_row_that_is_not_there_is_nobodys() {
        let counts = Counts::new(2);
        counts.add(1, 3);
        counts.add(2, 1);
        counts.take(1, 1);
        assert_eq!(counts.all(), [0, 2]);
    }
}
