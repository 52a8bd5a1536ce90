//! Which finished logs are kept: by age, size and number. Pure: the clock and the disk are handed in.

use std::time::Duration;

/// How much is kept of finished logs. What is not said has no bound; the newest are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retain {
    /// How long after the last byte.
    pub age: Option<Duration>,
    /// Bytes of all together.
    pub bytes: Option<u64>,
    /// How many.
    pub count: Option<usize>,
}

/// A finished log, as far as that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// How long ago it was written last.
    pub age: Duration,
    /// Its size on the disk.
    pub bytes: u64,
}

impl Retain {
    /// The places in `finished` of those that go, the newest of them first: from the first that breaks a bound on, all that
    /// are older.
    pub fn victims(&self, finished: &[Finished]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..finished.len()).collect();
        order.sort_by_key(|index| finished[*index].age);
        let mut bytes: u64 = 0;
        let stays = |(kept, index): (usize, &usize)| {
            let Finished { age, bytes: own } = finished[*index];
            bytes = bytes.saturating_add(own);
            let over = [
                self.age.is_some_and(|most| age > most),
                self.bytes.is_some_and(|most| bytes > most),
                self.count.is_some_and(|most| kept >= most),
            ];
            !over.contains(&true)
        };
        let kept = order.iter().enumerate().map(stays).take_while(|stays| *stays).count();
        order.split_off(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_retain() -> impl Strategy<Value = Retain> {
        let age = prop::option::of((0..100_u64).prop_map(Duration::from_secs));
        (age, prop::option::of(0..1000_u64), prop::option::of(0..20_usize)).prop_map(|(age, bytes, count)| Retain {
            age,
            bytes,
            count,
        })
    }

    proptest! {
        #[test]
        fn the_newest_are_kept_within_every_bound_and_no_more_would_be(
            logs in prop::collection::vec((0..100_u64, 0..200_u64), 0..30), retain in any_retain(),
        ) {
            let of = |(age, bytes): (u64, u64)| Finished { age: Duration::from_secs(age), bytes };
            let logs: Vec<Finished> = logs.into_iter().map(of).collect();
            let victims = retain.victims(&logs);
            let holds = |kept: &[Finished]| {
                kept.iter().all(|log| retain.age.is_none_or(|most| log.age <= most))
                    && retain.bytes.is_none_or(|most| kept.iter().map(|log| log.bytes).sum::<u64>() <= most)
                    && retain.count.is_none_or(|most| kept.len() <= most)
            };
            let (gone, mut kept): (Vec<_>, Vec<_>) = (0..logs.len()).partition(|index| victims.contains(index));
            let of = |places: &[usize]| places.iter().map(|index| logs[*index]).collect::<Vec<_>>();
            prop_assert_eq!(gone.len(), victims.len(), "one goes twice");
            prop_assert!(holds(&of(&kept)), "a bound is broken");
            let oldest = kept.iter().map(|index| logs[*index].age).max().unwrap_or_default();
            prop_assert!(gone.iter().all(|index| logs[*index].age >= oldest), "a newer one goes");
            if let Some(first) = victims.first() {
                kept.push(*first);
                prop_assert!(!holds(&of(&kept)), "one goes without need");
            }
        }
    }

    #[test]
    fn without_a_bound_all_stay() {
        let log = Finished { age: Duration::MAX, bytes: u64::MAX };
        assert_eq!(Retain::default().victims(&[log, log]), [0; 0]);
        assert_eq!(Retain { bytes: Some(5), ..Retain::default() }.victims(&[log, log]), [0, 1]);
    }
}
