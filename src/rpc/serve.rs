//! One server for all doors: the services behind the gate, HTTP/2 within explicit bounds, and an end that waits for no
//! stream.
//!
//! hyper serves, and not tonic's own server over it: that one cannot bound what a stream that nobody reads holds of answers
//! (hyper's default is 400 KiB a stream), and has the same bounds for every connection until the daemon's end.

use super::gate::Gate;
use super::limits::{self, Limits};
use super::listen::local::Local;
use super::listen::remote::Remote;
use super::wire::{Terms, Wire};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::pin::pin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::Request;
use tonic::service::Routes;

/// Connections between a door and the server, which takes them at once.
const HALL: usize = 64;

/// Where callers come in.
#[derive(Debug, Default)]
pub struct Doors {
    /// By TLS.
    pub remote: Option<Remote>,
    /// From the same host.
    pub local: Option<Local>,
}

/// Serves until it is stopped. Then no connection and no call is taken any more, what waits is answered UNAVAILABLE, and what
/// works has [`Limits::drain`] to be done.
///
/// The services bound their own messages: [`limits::REQUEST_MOST_BYTES`] is what they take, tonic's own default.
pub async fn serve(doors: Doors, routes: Routes, terms: Terms) {
    let (hall, mut wires) = mpsc::channel(HALL);
    let mut attended = JoinSet::new();
    if let Some(remote) = doors.remote {
        attended.spawn(remote.attend(terms.clone(), hall.clone()));
    }
    if let Some(local) = doors.local {
        attended.spawn(local.attend(terms.clone(), hall.clone()));
    }
    drop(hall);
    let gate = Gate::new(routes, terms.clone());
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = terms.stop.asked() => break,
            Some(wire) = wires.recv() => {
                open.spawn(served(wire, gate.clone(), terms.clone()));
            }
            Some(_) = open.join_next() => {}
            else => break,
        }
    }
    // The doors are closed before the last call is answered.
    attended.shutdown().await;
    drop(wires);
    while open.join_next().await.is_some() {}
}

/// One connection, to its end.
async fn served(wire: Wire, gate: Gate, terms: Terms) {
    let caller = wire.caller();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        gate.clone().call(request.map(Body::new))
    });
    let mut connection = pin!(server(&terms.live.now().limits).serve_connection(TokioIo::new(wire), service));
    tokio::select! {
        // What went wrong with a connection is the other's to know.
        _ = connection.as_mut() => return,
        () = terms.stop.asked() => connection.as_mut().graceful_shutdown(),
    }
    // As above.
    let _ = connection.await;
}

/// HTTP/2 within its bounds.
fn server(limits: &Limits) -> Builder<TokioExecutor> {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits::HEADERS_MOST_BYTES)
        .max_send_buf_size(limits::ANSWER_BUFFER_BYTES)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(Some(limits::KEEPALIVE))
        .keep_alive_timeout(limits::KEEPALIVE);
    server
}
