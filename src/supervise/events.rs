//! What happens to jobs, told to whoever listens: a bounded ring for each owner, and one for all, with any number of
//! cursors in it.
//!
//! As with the output of a job nothing is queued for a listener, so one that is slow costs nobody anything: it is told how
//! much it has missed, and takes a new list.

use crate::life::{Cause, Exit, Outcome, StopKind, Throttle};
use crate::spec::{JobId, Owner};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// Events that are kept for slow listeners: some hundred jobs from start to end.
const KEPT_MOST: usize = 1024;

/// One thing that happened to one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, by the host's clock.
    pub at: SystemTime,
    /// To which job.
    pub id: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// What.
    pub change: Change,
}

/// What can happen to a job in a list.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// It was asked for, and its cell is being built.
    Created,
    /// Its target was executed.
    Started {
        /// The process id on the host of the cell's PID 1.
        pid: i32,
    },
    /// It could not be started. Nothing is left of it, and it is not listed any more.
    NotStarted {
        /// Why, in a sentence.
        why: String,
    },
    /// Every process of it stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// It has other limits.
    Updated,
    /// A limit held it back for the first time.
    Throttled {
        /// Which one.
        by: Throttle,
    },
    /// The kernel killed for want of memory.
    Oom {
        /// Processes killed so far.
        kills: u64,
    },
    /// ironcell began to end it, or went from soft to hard.
    Stopping {
        /// Why, by the word that the cause will have.
        cause: &'static str,
        /// Softly or hard.
        how: StopKind,
    },
    /// One of its runs has ended, and it waits for the next one: [`RestartPolicy`](crate::spec::RestartPolicy).
    Restarting {
        /// Which run will be the next, the first one being 1.
        next: u32,
        /// The pause before it.
        after: Duration,
        /// How the run that was ended.
        exit: Exit,
        /// Why it ended.
        cause: Cause,
    },
    /// It has ended, and nothing of it is left.
    Ended(Arc<Outcome>),
    /// Its driver is gone without a word: its runtime was shut down. Its cell ends by itself.
    Lost,
    /// It is not listed any more.
    Removed,
}

/// What a listener is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Something happened.
    Event(Event),
    /// So many events are not kept any more: a new list says where the jobs stand.
    Gap {
        /// How many.
        missed: u64,
    },
}

/// The events that are kept, and how many there ever were.
#[derive(Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<Event>,
    next: u64,
    /// No more will come.
    closed: bool,
}

/// Where a ring's events are told.
#[derive(Debug)]
pub(super) struct Feed(watch::Sender<Ring>);

impl Default for Feed {
    /// An empty one.
    fn default() -> Self {
        Self(watch::Sender::new(Ring::default()))
    }
}

impl Feed {
    /// Tells what happened.
    pub fn tell(&self, event: Event) {
        self.0.send_modify(|ring| {
            if ring.kept.len() == KEPT_MOST {
                ring.kept.pop_front();
            }
            ring.kept.push_back(event);
            ring.next += 1;
        });
    }

    /// No more will come.
    pub fn close(&self) {
        self.0.send_modify(|ring| ring.closed = true);
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// A listener to what comes from now on.
    pub fn listen(&self) -> EventReader {
        let ring = self.0.subscribe();
        let at = ring.borrow().next;
        EventReader { ring, at }
    }
}

/// Follows what happens to the jobs of an owner, or to all jobs. Made together with the list to which it is the sequel. A
/// clone goes on by itself from where this one is.
#[derive(Debug, Clone)]
pub struct EventReader {
    ring: watch::Receiver<Ring>,
    at: u64,
}

impl EventReader {
    /// Waits for what happens next. `None` when nothing more will: the supervisor is closed, and its last job has ended.
    ///
    /// Cancel-safe: a wait that is given up has taken nothing.
    pub async fn next(&mut self) -> Option<Heard> {
        let at = self.at;
        // An error is the end of the supervisor: what is there is told, more will not come.
        let _ = self.ring.wait_for(|ring| ring.next > at || ring.closed).await;
        let ring = self.ring.borrow();
        let oldest = ring.next - ring.kept.len() as u64;
        if self.at < oldest {
            let missed = oldest - self.at;
            self.at = oldest;
            return Some(Heard::Gap { missed });
        }
        let event = usize::try_from(self.at - oldest).ok().and_then(|index| ring.kept.get(index))?.clone();
        self.at += 1;
        Some(Heard::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(number: u64) -> Event {
        let change = Change::Oom { kills: number };
        Event { at: SystemTime::UNIX_EPOCH, id: JobId::of(0, [0; 10]), owner: Owner::default(), change }
    }

    /// What a listener hears when so many events come between its looks: kills heard, and missed.
    async fn heard(bursts: &[u64]) -> (Vec<u64>, u64) {
        let feed = Feed::default();
        let mut reader = feed.listen();
        let (mut next, mut kills, mut missed) = (0, Vec::new(), 0);
        for (index, burst) in bursts.iter().enumerate() {
            (0..*burst).for_each(|_| {
                feed.tell(event(next));
                next += 1;
            });
            if index + 1 == bursts.len() {
                feed.close();
            }
            // One look at each burst but the last, which is heard to its end.
            while let Some(heard) = tokio::select! { biased; heard = reader.next() => heard, () = async {} => None } {
                match heard {
                    Heard::Event(Event { change: Change::Oom { kills: number }, .. }) => kills.push(number),
                    Heard::Event(other) => panic!("{other:?}"),
                    Heard::Gap { missed: more } => missed += more,
                }
                if index + 1 < bursts.len() {
                    break;
                }
            }
        }
        (kills, missed)
    }

    proptest! {
        #[test]
        fn every_event_is_heard_once_and_in_order_or_is_counted_as_missed(bursts in prop::collection::vec(0_u64..1500, 1..6)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let (kills, missed) = runtime.block_on(heard(&bursts));
            prop_assert!(kills.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(kills.len() as u64 + missed, bursts.iter().sum::<u64>());
        }
    }

    #[tokio::test]
    async fn a_listener_hears_what_was_told_before_the_end_and_then_the_end() {
        let feed = Feed::default();
        let mut reader = feed.listen();
        feed.tell(event(1));
        drop(feed);
        assert_eq!(reader.next().await, Some(Heard::Event(event(1))));
        assert_eq!(reader.next().await, None);
        assert_eq!(reader.next().await, None);
    }
}
