//! The doors: a TCP port with TLS, and a Unix socket. What comes in through either is a [`Wire`] of somebody known.

pub mod local;
pub mod remote;

use super::peer::Peer;
use super::tls::identity::Unfit;
use super::wire::{Places, Terms, Wire};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::sleep;

/// Where connections go from a door.
pub type Hall = mpsc::Sender<Wire>;

/// How long a door waits after a failure of accept(2) that another try at once would meet again, as a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes one connection after the other, for ever. Nobody waits for what becomes of one.
async fn accept<T>(
    door: &str,
    mut next: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
    mut taken: impl FnMut(T),
) {
    let mut told = false;
    loop {
        match poll_fn(&mut next).await {
            Ok(connection) => {
                told = false;
                taken(connection);
            }
            // It went while it waited in the queue: accept(2), "Error handling".
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !told {
                    tracing::error!(door, %error, "connections cannot be accepted; tried again until they can");
                    told = true;
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, TimedOut};
    [ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, TimedOut].contains(&error.kind())
}

/// How many connections there are at a door, in all and of each key.
#[derive(Debug, Clone)]
struct Room {
    all: Arc<Semaphore>,
    of_each: Arc<Mutex<HashMap<String, usize>>>,
    most_of_each: usize,
}

impl Room {
    fn new(terms: &Terms) -> Self {
        Self {
            all: Arc::new(Semaphore::new(terms.limits.connections)),
            of_each: Arc::default(),
            most_of_each: terms.limits.connections_of_one,
        }
    }

    /// A place for one more.
    fn place(&self, who: &Result<Peer, Unfit>) -> Result<Places, &'static str> {
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| "there are too many connections")?;
        // All who are nobody are one.
        let key = who.as_ref().map(|peer| format!("{} {}", peer.owner, peer.fingerprint)).unwrap_or_default();
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of_each.entry(key.clone()).or_default();
        if *own >= self.most_of_each {
            return Err("its key has too many connections");
        }
        *own += 1;
        Ok((place, Some(Box::new(OneOf { of_each: Arc::clone(&self.of_each), key }))))
    }
}

/// One connection of a key.
struct OneOf {
    of_each: Arc<Mutex<HashMap<String, usize>>>,
    key: String,
}

impl Drop for OneOf {
    fn drop(&mut self) {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = of_each.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                of_each.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::limits::Limits;
    use crate::rpc::stop::Switch;
    use std::cell::RefCell;

    fn room(connections: usize, connections_of_one: usize) -> Room {
        let limits = Arc::new(Limits { connections, connections_of_one, ..Limits::default() });
        Room::new(&Terms { limits, stop: Switch::new().1 })
    }

    #[test]
    fn no_key_takes_all_the_room_and_what_ends_makes_room() {
        let room = room(3, 2);
        let nobody = Err(Unfit::NoRole);
        let mut held = vec![room.place(&nobody).expect("room"), room.place(&nobody).expect("room")];
        assert_eq!(room.place(&Err(Unfit::ManyRoles)).err(), Some("its key has too many connections"));
        assert_eq!(room.all.available_permits(), 1, "who is refused takes no place");
        held.pop();
        held.push(room.place(&nobody).expect("room"));
        let _other = room.all.try_acquire().expect("room for others");
        assert_eq!(room.place(&nobody).err(), Some("there are too many connections"));
        held.clear();
        assert!(room.of_each.lock().expect("whole").is_empty(), "nothing is kept of who is gone");
    }

    #[tokio::test]
    async fn a_lack_of_descriptors_is_waited_out_and_a_connection_that_went_is_not() {
        const EMFILE: i32 = 24;
        let answers = RefCell::new(vec![
            Ok(2),
            Err(io::Error::from_raw_os_error(EMFILE)),
            Err(io::Error::from_raw_os_error(EMFILE)),
            Err(io::ErrorKind::ConnectionAborted.into()),
            Ok(1),
        ]);
        let (taken, begun) = (RefCell::new(Vec::new()), tokio::time::Instant::now());
        let done = tokio::sync::Notify::new();
        let next = |_: &mut Context<'_>| match answers.borrow_mut().pop() {
            Some(answer) => Poll::Ready(answer),
            None => {
                done.notify_one();
                Poll::Pending
            }
        };
        tokio::select! {
            () = accept("test", next, |connection| taken.borrow_mut().push(connection)) => {}
            () = done.notified() => {}
        }
        assert_eq!(*taken.borrow(), [1, 2]);
        assert!(begun.elapsed() >= 2 * ACCEPT_PAUSE, "it does not turn at full speed");
    }
}
