//! Who holds the input of which job: one at a time, and whoever takes it over is named to the one who had it.

use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told};
use crate::rpc::proto::{Attachment, Detached, detached};
use crate::spec::JobId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::watch;

/// The seats that are taken.
#[derive(Debug, Default)]
pub struct Desk(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    taken: HashMap<JobId, Taken>,
    /// Of the last seat.
    number: u64,
}

#[derive(Debug)]
struct Taken {
    by: String,
    since: SystemTime,
    number: u64,
    /// Told when somebody else takes it.
    evict: watch::Sender<Option<Detached>>,
}

/// The input of one job, as long as this is held and nobody takes it over.
#[derive(Debug)]
pub struct Seat {
    desk: Arc<Desk>,
    id: JobId,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.desk.seats();
        // It may be somebody else's by now.
        if seats.taken.get(&self.id).is_some_and(|taken| taken.number == self.number) {
            seats.taken.remove(&self.id);
        }
    }
}

impl Desk {
    /// Takes the input of a job; `evict` is told when it is taken over.
    ///
    /// # Errors
    /// When somebody has it, and it is not to be stolen.
    pub fn take(
        self: &Arc<Self>,
        id: JobId,
        by: &str,
        steal: bool,
        evict: watch::Sender<Option<Detached>>,
    ) -> Result<Seat, Told> {
        let mut seats = self.seats();
        if let Some(taken) = seats.taken.get(&id) {
            if !steal {
                return Err(held(&taken.by));
            }
            let reason = detached::Reason::Stolen as i32;
            taken.evict.send_replace(Some(Detached { reason, by: by.to_owned() }));
        }
        seats.number += 1;
        let number = seats.number;
        seats.taken.insert(id, Taken { by: by.to_owned(), since: SystemTime::now(), number, evict });
        drop(seats);
        Ok(Seat { desk: Arc::clone(self), id, number })
    }

    /// Refuses whoever writes beside the one who holds the input.
    pub fn free(&self, id: JobId) -> Result<(), Told> {
        self.seats().taken.get(&id).map_or(Ok(()), |taken| Err(held(&taken.by)))
    }

    /// Who holds the input of a job.
    pub fn holder(&self, id: JobId) -> Option<Attachment> {
        let seats = self.seats();
        let taken = seats.taken.get(&id)?;
        Some(Attachment { by: taken.by.clone(), since: convert::timestamp(taken.since) })
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        // Nobody can panic with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(by: &str) -> Told {
    let said = format!("{by} holds the input of this job; take it over, or attach for reading alone");
    Told::new(Reason::AlreadyAttached, said).with("holder", by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_held_by_one_and_who_loses_it_hears_by_whom() {
        let (desk, id) = (Arc::new(Desk::default()), JobId::of(0, [0; 10]));
        let (evict, evicted) = watch::channel(None);
        let first = desk.take(id, "alice", false, evict).expect("free");
        let refused = desk.take(id, "bob", false, watch::Sender::new(None)).expect_err("held");
        assert!(refused.message().contains("alice") && desk.free(id).is_err());
        let second = desk.take(id, "bob", true, watch::Sender::new(None)).expect("stolen");
        let told = evicted.borrow().clone().expect("told");
        assert_eq!((told.reason, told.by.as_str()), (detached::Reason::Stolen as i32, "bob"));
        drop(first);
        assert_eq!(desk.holder(id).expect("bob's still").by, "bob");
        drop(second);
        assert!(desk.holder(id).is_none() && desk.free(id).is_ok());
    }
}
