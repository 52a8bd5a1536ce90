//! The Unix socket, for root of the same host: every caller's user id is asked of the kernel (SO_PEERCRED, unix(7)).

use super::socket::Socket;
pub use super::socket::SocketError;
use super::{Door, Hall, Room, Turned, accept};
use crate::rpc::hush::Hush;
use crate::rpc::peer::{Peer, Role};
use crate::rpc::tls::identity::LOCAL;
use crate::rpc::wire::{Terms, Wire};
use crate::spec::Owner;
use std::path::Path;
use tokio::net::UnixStream;

/// A socket that is listened to.
#[derive(Debug)]
pub struct Local {
    socket: Socket,
    /// Whose calls are taken: root's, and those of the daemon's own user, which is root but in tests.
    users: [u32; 2],
}

impl Local {
    /// Makes the socket. A file of a daemon that is gone is replaced; anything else that is there is left alone. In a tokio
    /// runtime.
    ///
    /// # Errors
    /// What is in the way.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let socket = Socket::bind(path)?;
        let users = [0, socket.own];
        Ok(Self { socket, users })
    }

    /// Lets in whoever may, for ever.
    pub async fn attend(self, terms: Terms, hall: Hall) {
        let (room, hush) = (Room::new(Door::Local, &terms), Hush::default());
        let taken = |stream: UnixStream| match enter(stream, &self.users, &terms, &room) {
            // A hall that is full is waited for by nobody here: there are thousands of places in the kernel's queue.
            Ok(wire) => {
                let hall = hall.clone();
                tokio::spawn(async move { hall.send(wire).await });
            }
            Err((turned, why)) => {
                terms.metrics.turned(Door::Local, turned);
                hush.told(&"the unix socket", &why);
            }
        };
        accept("unix", |cx| self.socket.listener.poll_accept(cx).map_ok(|(stream, _)| stream), taken).await;
    }
}

fn enter(stream: UnixStream, users: &[u32], terms: &Terms, room: &Room) -> Result<Wire, (Turned, String)> {
    let uid = stream.peer_cred().map_err(|error| (Turned::Gone, error.to_string()))?.uid();
    if !users.contains(&uid) {
        return Err((Turned::NotRoot, format!("user {uid} is not root")));
    }
    let name = format!("{LOCAL}{uid}");
    let owner = Owner::new(&name).map_err(|error| (Turned::NotRoot, error.to_string()))?;
    let who = Ok(Peer { owner, name, role: Role::Admin, fingerprint: String::new() });
    let places = room.place(&who).map_err(|turned| (turned, turned.said().to_owned()))?;
    let Ok(peer) = who else { return Err((Turned::NotRoot, "nobody".to_owned())) };
    Ok(Wire::unix(stream, peer, terms, places))
}
