//! One server for all doors: the services behind the gate, HTTP/2 within explicit bounds, and an end that waits for no
//! stream.

use super::gate::Gate;
use super::limits::{self, Limits};
use super::listen::local::Local;
use super::listen::remote::Remote;
use super::policy::Policy;
use super::stop::Stop;
use super::wire::Terms;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::transport::{Error, Server};

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
///
/// # Errors
/// When tonic cannot serve.
pub async fn serve(
    doors: Doors,
    routes: Routes,
    policy: Arc<Policy>,
    limits: Arc<Limits>,
    stop: Stop,
) -> Result<(), Error> {
    let (hall, wires) = mpsc::channel(HALL);
    let terms = Terms { limits: Arc::clone(&limits), stop: stop.clone() };
    let mut attended = JoinSet::new();
    if let Some(remote) = doors.remote {
        attended.spawn(remote.attend(terms.clone(), hall.clone()));
    }
    if let Some(local) = doors.local {
        attended.spawn(local.attend(terms.clone(), hall.clone()));
    }
    drop(hall);
    let gate = Gate::new(routes, policy, &limits, stop.clone());
    let ended = async move {
        stop.asked().await;
        // The doors are closed before the last call is answered.
        attended.shutdown().await;
    };
    let wires = ReceiverStream::new(wires).map(Ok::<_, Infallible>);
    server(&limits).serve_with_incoming_shutdown(gate, wires, ended).await
}

/// HTTP/2 within its bounds.
fn server(limits: &Limits) -> Server {
    Server::builder()
        .accept_http1(false)
        .max_concurrent_streams(limits.streams)
        .http2_max_header_list_size(limits::HEADERS_MOST_BYTES)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(limits::KEEPALIVE))
        .http2_keepalive_timeout(Some(limits::KEEPALIVE))
}
