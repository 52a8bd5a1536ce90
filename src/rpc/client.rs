//! The caller's side: a connection to a daemon, and its services over it.

use super::proto::job_service_client::JobServiceClient;
use super::proto::system_service_client::SystemServiceClient;
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

/// The socket of the daemon of this host.
pub const SOCKET: &str = "/run/ironcell/ironcelld.sock";
/// Bytes of an answer that is read at most: a page of jobs with long arguments.
const ANSWER_MOST: usize = 64 << 20;

/// Nobody answers there.
#[derive(Debug, thiserror::Error)]
#[error("no daemon is reachable at {at} ({why}); start it with `systemctl start ironcelld`, or name another with --host")]
pub struct Unreachable {
    /// Where.
    pub at: String,
    /// Why not.
    pub why: String,
}

impl Unreachable {
    /// Of what tonic tells: the last of its reasons is the one that says something.
    pub fn of(at: impl Into<String>, error: &tonic::transport::Error) -> Self {
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(deeper) = source {
            why = deeper.to_string();
            source = deeper.source();
        }
        Self { at: at.into(), why }
    }
}

/// A daemon, and where it is.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its jobs.
    pub jobs: JobServiceClient<Channel>,
    /// Itself.
    pub system: SystemServiceClient<Channel>,
}

impl Client {
    /// Over a connection that is there.
    pub fn over(channel: Channel) -> Self {
        Self {
            jobs: JobServiceClient::new(channel.clone()).max_decoding_message_size(ANSWER_MOST),
            system: SystemServiceClient::new(channel).max_decoding_message_size(ANSWER_MOST),
        }
    }

    /// Over the socket of a daemon of this host.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn local(socket: &Path) -> Result<Self, Unreachable> {
        unix(socket).await.map(Self::over)
    }
}

/// A connection to a socket.
///
/// # Errors
/// When nobody answers there.
pub async fn unix(socket: &Path) -> Result<Channel, Unreachable> {
    let path: PathBuf = socket.to_owned();
    let connect = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    // The name is never looked up: the connector knows where to go.
    let endpoint = Endpoint::from_static("http://ironcelld");
    let connected = endpoint.connect_with_connector(connect).await;
    connected.map_err(|error| Unreachable::of(format!("unix://{}", socket.display()), &error))
}
