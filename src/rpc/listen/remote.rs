//! The TCP port. Each handshake is a task of its own with a time to be done, so that none holds up another.

use super::{Door, Hall, Room, Turned, accept};
use crate::rpc::hush::Hush;
use crate::rpc::tls::ALPN;
use crate::rpc::tls::identity;
use crate::rpc::tls::keys::Keys;
use crate::rpc::wire::{Terms, Wire};
use std::borrow::Cow;
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
        let (room, hush) = (Room::new(Door::Remote, &terms), Arc::new(Hush::default()));
        let mut handshakes = Handshakes::default();
        let Self { listener, keys } = self;
        let limits = terms.clone();
        let taken = |(stream, from): (TcpStream, SocketAddr)| {
            let (keys, terms, hall, room) = (keys.clone(), terms.clone(), hall.clone(), room.clone());
            let mut end = End { from, terms: terms.clone(), hush: Arc::clone(&hush), why: Some(PUSHED_OUT) };
            let handshake = tokio::spawn(async move {
                let within = terms.live.now().limits.handshake;
                match timeout(within, enter(stream, from, &keys, &terms, &room)).await {
                    Ok(Ok(wire)) => {
                        end.is(None);
                        let _ = hall.send(wire).await;
                    }
                    Ok(Err((turned, why))) => end.is(Some((turned, Cow::Owned(why)))),
                    Err(_) => end.is(Some((Turned::Slow, Cow::Borrowed(Turned::Slow.said())))),
                }
            });
            handshakes.add(handshake.abort_handle(), limits.live.now().limits.handshakes);
        };
        accept("tcp", |cx| listener.poll_accept(cx), taken).await;
    }
}

/// What becomes of a handshake about which nothing else is said.
const PUSHED_OUT: Why = (Turned::PushedOut, Cow::Borrowed(Turned::PushedOut.said()));

/// Why a handshake failed, for the counts and for people.
type Why = (Turned, Cow<'static, str>);

/// The end of a handshake, told and counted however it came: one that is given up is dropped where it waits.
struct End {
    from: SocketAddr,
    terms: Terms,
    hush: Arc<Hush>,
    why: Option<Why>,
}

impl End {
    /// It has failed for this, or for nothing.
    fn is(&mut self, why: Option<Why>) {
        self.why = why;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some((turned, why)) = self.why.take() {
            self.terms.metrics.turned(Door::Remote, turned);
            self.hush.told(&self.from, &why);
        }
    }
}

/// From a stream to a connection.
async fn enter(
    stream: TcpStream,
    from: SocketAddr,
    keys: &Keys,
    terms: &Terms,
    room: &Room,
) -> Result<Wire, (Turned, String)> {
    // Frames are small and wait for nothing.
    stream.set_nodelay(true).map_err(|error| (Turned::Gone, error.to_string()))?;
    let acceptor = TlsAcceptor::from(Arc::clone(&keys.current().config));
    let stream = acceptor.accept(stream).await.map_err(|error| (Turned::from(&error), error.to_string()))?;
    let session = stream.get_ref().1;
    if session.alpn_protocol() != Some(ALPN) {
        return Err((Turned::Protocol, "it does not offer the protocol h2".to_owned()));
    }
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    let leaf = leaf.ok_or_else(|| (Turned::NoCertificate, Turned::NoCertificate.said().to_owned()))?;
    let who = identity::peer(leaf);
    let places = room.place(&who).map_err(|turned| (turned, turned.said().to_owned()))?;
    let from = Arc::from(from.to_string());
    Ok(Wire::tls(stream, who, from, keys, terms, places))
}

/// The handshakes under way, the oldest first.
#[derive(Default)]
struct Handshakes {
    under_way: VecDeque<AbortHandle>,
}

impl Handshakes {
    /// One more; of too many the oldest go.
    fn add(&mut self, handshake: AbortHandle, most: usize) {
        if self.under_way.len() >= most {
            self.under_way.retain(|handshake| !handshake.is_finished());
        }
        while self.under_way.len() >= most
            && let Some(oldest) = self.under_way.pop_front()
        {
            oldest.abort();
        }
        self.under_way.push_back(handshake);
    }
}
