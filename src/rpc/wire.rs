//! One connection, over TLS or a Unix socket: its bytes, who is at its other end, and the watcher that ends it.

use super::live::Live;
use super::metrics::Metrics;
use super::peer::{Connection, Open, Peer};
use super::stop::Stop;
use super::tls::identity::Unfit;
use super::tls::keys::Keys;
use rustls::pki_types::CertificateDer;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

/// What every call of a connection is told of it, before anything is decided.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is, or why it is nobody.
    pub who: Result<Connection, Unfit>,
    /// Where the connection comes from, for logs.
    pub from: Arc<str>,
    /// Its calls.
    pub calls: Arc<Calls>,
}

/// The calls of a connection that are under way, so that one without any is not kept for ever.
#[derive(Debug)]
pub struct Calls(Mutex<(usize, Instant)>);

/// One of them.
#[derive(Debug)]
pub struct Busy(Arc<Calls>);

impl Calls {
    fn new() -> Self {
        Self(Mutex::new((0, Instant::now())))
    }

    /// One begins; it ends with what is returned.
    pub fn begin(self: &Arc<Self>) -> Busy {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 += 1;
        Busy(Arc::clone(self))
    }

    /// How long there has been none.
    fn idle(&self) -> Duration {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            (0, since) => since.elapsed(),
            _ => Duration::ZERO,
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut calls = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *calls = (calls.0 - 1, Instant::now());
    }
}

/// What bounds and watches a connection.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The bounds, and what callers may have.
    pub live: Live,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// The end of the daemon.
    pub stop: Stop,
}

/// What a connection takes of the daemon's, given back with it.
pub type Places = Box<dyn Send>;

/// A connection.
pub struct Wire {
    io: Io,
    caller: Caller,
    /// Ready when it is to end.
    cut: oneshot::Receiver<()>,
    ended: bool,
    _open: Option<Open>,
    _places: Places,
}

/// What carries its bytes.
enum Io {
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Wire {
    /// One over TLS: it ends when its certificate is no longer good.
    pub fn tls(
        io: TlsStream<TcpStream>,
        who: Result<Peer, Unfit>,
        from: Arc<str>,
        keys: &Keys,
        terms: &Terms,
        places: Places,
    ) -> Self {
        let chain = io.get_ref().1.peer_certificates().unwrap_or_default();
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        Self::new(Io::Tls(Box::new(io)), who, from, Some((keys.clone(), chain)), terms, places)
    }

    /// One of the same host.
    pub fn unix(io: UnixStream, peer: Peer, terms: &Terms, places: Places) -> Self {
        let from = Arc::from(peer.name.as_str());
        Self::new(Io::Unix(io), Ok(peer), from, None, terms, places)
    }

    fn new(
        io: Io,
        who: Result<Peer, Unfit>,
        from: Arc<str>,
        certified: Option<(Keys, Vec<CertificateDer<'static>>)>,
        terms: &Terms,
        places: Places,
    ) -> Self {
        let (who, open) = match who.map(Connection::new) {
            Ok((connection, open)) => (Ok(connection), Some(open)),
            Err(unfit) => (Err(unfit), None),
        };
        let caller = Caller { who, from, calls: Arc::new(Calls::new()) };
        let (sender, cut) = oneshot::channel();
        tokio::spawn(watch(sender, caller.clone(), certified, terms.clone()));
        Self { io, caller, cut, ended: false, _open: open, _places: places }
    }

    /// What its calls are told of it.
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// Whether it has been ended. Read and written by one task, so that one waker is enough.
    fn is_cut(&mut self, cx: &mut Context<'_>) -> bool {
        self.ended = self.ended || Pin::new(&mut self.cut).poll(cx).is_ready();
        self.ended
    }
}

/// Ends a connection when its time has come: its certificate is no longer good, nothing is called, or the daemon ends.
async fn watch(
    mut cut: oneshot::Sender<()>,
    caller: Caller,
    certified: Option<(Keys, Vec<CertificateDer<'static>>)>,
    terms: Terms,
) {
    let mut changes = certified.as_ref().map(|(keys, _)| keys.changes());
    let ended = async {
        terms.stop.asked().await;
        sleep(terms.live.now().limits.drain).await;
    };
    tokio::pin!(ended);
    let why = loop {
        let reload = async {
            match &mut changes {
                Some(changes) => _ = changes.changed().await,
                None => pending().await,
            }
        };
        let rules = terms.live.now();
        tokio::select! {
            () = cut.closed() => return,
            () = &mut ended => break "the daemon ends".to_owned(),
            () = sleep(rules.limits.recheck) => {}
            () = reload => {}
        }
        if let Some((keys, chain)) = &certified
            && let Err(error) = keys.current().verify(chain)
        {
            break error.to_string();
        }
        if caller.calls.idle() >= terms.live.now().limits.idle {
            break "it makes no calls".to_owned();
        }
    };
    tracing::info!(from = %caller.from, why, "a connection is ended");
    let _ = cut.send(());
}

/// What whoever reads or writes a connection that was ended is told.
fn aborted<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return aborted();
        }
        match &mut self.io {
            Io::Tls(io) => Pin::new(io).poll_read(cx, buf),
            Io::Unix(io) => Pin::new(io).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.is_cut(cx) {
            return aborted();
        }
        match &mut self.io {
            Io::Tls(io) => Pin::new(io).poll_write(cx, buf),
            Io::Unix(io) => Pin::new(io).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return aborted();
        }
        match &mut self.io {
            Io::Tls(io) => Pin::new(io).poll_flush(cx),
            Io::Unix(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_cut(cx) {
            return aborted();
        }
        match &mut self.io {
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
            Io::Unix(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}
