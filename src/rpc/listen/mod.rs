//! The doors: a TCP port with TLS, and a Unix socket. What comes in through either is a [`Wire`] of somebody known.

pub mod local;
pub mod remote;
pub mod socket;
mod turned;

pub use turned::{Door, Turned};

use super::metrics::Opened;
use super::peer::Peer;
use super::tls::identity::Unfit;
use super::wire::{Places, Terms, Wire};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Where connections go from a door.
pub type Hall = mpsc::Sender<Wire>;

/// How long a door waits after a failure of accept(2) that another try at once would meet again, as a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Takes one connection after the other, for ever. Nobody waits for what becomes of one.
pub(super) async fn accept<T>(
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
    door: Door,
    terms: Terms,
    taken: Arc<Mutex<Taken>>,
}

/// The places that are taken.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of_each: HashMap<String, usize>,
}

impl Room {
    fn new(door: Door, terms: &Terms) -> Self {
        Self { door, terms: terms.clone(), taken: Arc::default() }
    }

    /// A place for one more.
    fn place(&self, who: &Result<Peer, Unfit>) -> Result<Places, Turned> {
        let limits = &self.terms.live.now().limits;
        // All who are nobody are one.
        let key = who.as_ref().map(|peer| format!("{} {}", peer.owner, peer.fingerprint)).unwrap_or_default();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= limits.connections {
            return Err(Turned::TooMany);
        }
        if taken.of_each.get(&key).is_some_and(|own| *own >= limits.connections_of_one) {
            return Err(Turned::TooManyOfKey);
        }
        taken.all += 1;
        *taken.of_each.entry(key.clone()).or_default() += 1;
        let opened = self.terms.metrics.opened(self.door);
        Ok(Box::new(OneOf { taken: Arc::clone(&self.taken), key, _opened: opened }))
    }
}

/// One connection of a key.
struct OneOf {
    taken: Arc<Mutex<Taken>>,
    key: String,
    _opened: Opened,
}

impl Drop for OneOf {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.of_each.get_mut(&self.key) {
            *own -= 1;
            if *own == 0 {
                taken.of_each.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::limits::Limits;
    use crate::rpc::live::{Live, Rules};
    use crate::rpc::peer::Role;
    use crate::rpc::stop::Switch;
    use crate::spec::Owner;
    use std::cell::RefCell;

    fn room(connections: usize, connections_of_one: usize) -> Room {
        let live = Live::from(Limits { connections, connections_of_one, ..Limits::default() });
        Room::new(Door::Remote, &Terms { live, metrics: Arc::default(), stop: Switch::new().1 })
    }

    #[test]
    fn no_key_takes_all_the_room_and_what_ends_makes_room() {
        let room = room(3, 2);
        let (nobody, other) = (Err(Unfit::NoRole), Ok(peer("bob")));
        let mut held = vec![room.place(&nobody).expect("room"), room.place(&nobody).expect("room")];
        assert_eq!(room.place(&Err(Unfit::ManyRoles)).err(), Some(Turned::TooManyOfKey));
        held.pop();
        held.push(room.place(&nobody).expect("room"));
        let _other = room.place(&other).expect("room for others: who is refused takes no place");
        assert_eq!(room.place(&nobody).err(), Some(Turned::TooMany));
        held.clear();
        assert_eq!(room.taken.lock().expect("whole").of_each.len(), 1, "nothing is kept of who is gone");
    }

    #[test]
    fn other_bounds_hold_from_then_on_and_send_nobody_away() {
        let room = room(1, 1);
        let _held = room.place(&Ok(peer("bob"))).expect("room");
        assert!(room.place(&Ok(peer("alice"))).is_err());
        let limits = |connections| Rules { limits: Limits { connections, ..Limits::default() }, ..Rules::default() };
        room.terms.live.set(limits(2));
        let _more = room.place(&Ok(peer("alice"))).expect("there is more room");
        room.terms.live.set(limits(1));
        assert_eq!(room.place(&Ok(peer("carol"))).err(), Some(Turned::TooMany));
        assert_eq!(room.taken.lock().expect("whole").all, 2);
    }

    fn peer(name: &str) -> Peer {
        let owner = Owner::new(name).expect("a word");
        Peer { owner, name: name.to_owned(), role: Role::Operator, fingerprint: "ab".to_owned() }
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
