//! The TCP port. Each handshake is a task of its own with a time to be done, so that none holds up another.

use super::{Hall, Room, accept};
use crate::rpc::hush::Hush;
use crate::rpc::tls::ALPN;
use crate::rpc::tls::identity;
use crate::rpc::tls::keys::Keys;
use crate::rpc::wire::{Terms, Wire};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// A port that is listened to.
#[derive(Debug)]
pub struct Remote {
    /// The socket.
    pub listener: TcpListener,
    /// What is shown and trusted there.
    pub keys: Keys,
}

impl Remote {
    /// Lets in whoever may, for ever.
    pub async fn attend(self, terms: Terms, hall: Hall) {
        let (room, hush) = (Room::new(&terms), Arc::new(Hush::default()));
        let mut handshakes = Handshakes { most: terms.limits.handshakes, under_way: VecDeque::new() };
        let Self { listener, keys } = self;
        let taken = |(stream, from): (TcpStream, SocketAddr)| {
            let (keys, terms, hall, room) = (keys.clone(), terms.clone(), hall.clone(), room.clone());
            let hush = Arc::clone(&hush);
            let handshake = tokio::spawn(async move {
                match timeout(terms.limits.handshake, enter(stream, from, &keys, &terms, &room)).await {
                    Ok(Ok(wire)) => _ = hall.send(wire).await,
                    Ok(Err(why)) => hush.told(&from, &why),
                    Err(_) => hush.told(&from, "the handshake took too long"),
                }
            });
            handshakes.add(handshake.abort_handle());
        };
        accept("tcp", |cx| listener.poll_accept(cx), taken).await;
    }
}

/// From a stream to a connection.
async fn enter(stream: TcpStream, from: SocketAddr, keys: &Keys, terms: &Terms, room: &Room) -> Result<Wire, String> {
    // Frames are small and wait for nothing.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let acceptor = TlsAcceptor::from(Arc::clone(&keys.current().config));
    let stream = acceptor.accept(stream).await.map_err(|error| error.to_string())?;
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(ALPN) {
        return Err("it does not offer the protocol h2".to_owned());
    }
    let leaf = session.peer_certificates().and_then(<[_]>::first).ok_or("it shows no certificate")?;
    let who = identity::peer(leaf);
    let places = room.place(&who)?;
    let from = Arc::from(from.to_string());
    Ok(Wire::tls(stream, who, from, keys, terms, places))
}

/// The handshakes under way, the oldest first.
struct Handshakes {
    most: usize,
    under_way: VecDeque<AbortHandle>,
}

impl Handshakes {
    /// One more; of too many the oldest goes.
    fn add(&mut self, handshake: AbortHandle) {
        if self.under_way.len() >= self.most {
            self.under_way.retain(|handshake| !handshake.is_finished());
        }
        if self.under_way.len() >= self.most
            && let Some(oldest) = self.under_way.pop_front()
        {
            oldest.abort();
        }
        self.under_way.push_back(handshake);
    }
}
