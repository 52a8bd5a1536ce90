//! Where the page is read: a port of the loopback interface or a Unix socket for root, HTTP/1.1, and nothing but
//! `GET /metrics`. Whoever is on this host can come to the port, so what one takes is bounded, and nothing is ever asked of him.

use super::text::TYPE;
use crate::rpc::listen::{accept, socket::Socket};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Where it is.
pub const PATH: &str = "/metrics";
/// Connections at once: a few scrapers. One more is closed at once.
const CONNECTIONS: usize = 8;
/// Time for a request to come whole.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);
/// Time for all of a connection; there is one request on each.
const ALL_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a request's line and headers; those of a scraper have some hundred.
const REQUEST_MOST: usize = 8 << 10;

/// Where it is listened.
#[derive(Debug)]
pub enum Window {
    /// A port of the loopback interface.
    Port(TcpListener),
    /// A Unix socket.
    Socket(Socket),
}

/// Makes the page.
pub type Page = Arc<dyn Fn() -> String + Send + Sync>;

impl Window {
    /// Shows the page to whoever asks, for ever.
    pub async fn show(self, page: Page) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        match self {
            Self::Port(port) => {
                accept("metrics", |cx| port.poll_accept(cx), |(stream, _)| answer(stream, &room, &page)).await;
            }
            Self::Socket(socket) => {
                let port = &socket.listener;
                accept("metrics", |cx| port.poll_accept(cx), |(stream, _)| answer(stream, &room, &page)).await;
            }
        }
    }
}

/// Answers one connection, if there is room.
fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, room: &Arc<Semaphore>, page: &Page) {
    let Ok(place) = Arc::clone(room).try_acquire_owned() else { return };
    let page = Arc::clone(page);
    tokio::spawn(async move {
        let service = service_fn(|request| {
            let response = answered(&request, &page);
            async move { Ok::<_, Infallible>(response) }
        });
        let mut server = http1::Builder::new();
        server
            .keep_alive(false)
            .max_buf_size(REQUEST_MOST)
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_WITHIN);
        // What went wrong is the other's to know.
        let _ = timeout(ALL_WITHIN, server.serve_connection(TokioIo::new(stream), service)).await;
        drop(place);
    });
}

fn answered(request: &Request<Incoming>, page: &Page) -> Response<String> {
    let plain = |status, header: (HeaderName, &'static str), text: String| {
        let mut response = Response::new(text);
        *response.status_mut() = status;
        response.headers_mut().insert(header.0, hyper::header::HeaderValue::from_static(header.1));
        response
    };
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, (CONTENT_TYPE, "text/plain"), format!("the page is {PATH}\n"));
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, (ALLOW, "GET, HEAD"), String::new());
    }
    plain(StatusCode::OK, (CONTENT_TYPE, TYPE), page())
}
