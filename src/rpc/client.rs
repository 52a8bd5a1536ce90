//! The caller's side: a connection to a daemon, and its services over it.

use super::connect::{ConnectError, Target, connect, refusal};
use super::errors;
use super::proto::AttachRequest;
use super::proto::job_service_client::JobServiceClient;
use super::proto::system_service_client::SystemServiceClient;
use crate::life::Refused;
use std::path::Path;
use tokio::sync::mpsc::Receiver;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};

/// The socket of the daemon of this host.
pub const SOCKET: &str = "/run/ironcell/ironcelld.sock";
/// Bytes of an answer that is read at most: a page of jobs with long arguments.
const ANSWER_MOST: usize = 64 << 20;

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

    /// Over a new connection.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn to(target: &Target) -> Result<Self, ConnectError> {
        connect(target).await.map(Self::over)
    }

    /// Over the socket of a daemon of this host.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn local(socket: &Path) -> Result<Self, ConnectError> {
        Self::to(&Target::Unix(socket.to_owned())).await
    }
}

/// A call that was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotDone {
    /// The sentence for people, with the way out.
    pub message: String,
    /// The reason, if it is one of the daemon's own ([`Reason`](super::errors::Reason)).
    pub reason: Option<String>,
    /// What a start that was refused means for the exit code.
    pub refused: Refused,
}

impl From<Status> for NotDone {
    fn from(status: Status) -> Self {
        let message = refusal(&status).unwrap_or_else(|| errors::said(&status));
        Self { message, reason: errors::reason_of(&status), refused: errors::exit_of(&status) }
    }
}

/// What a call answered.
///
/// # Errors
/// Why it did not.
pub fn answer<T>(answered: Result<Response<T>, Status>) -> Result<T, NotDone> {
    Ok(answered?.into_inner())
}

/// The next message of a stream; none at its end.
///
/// # Errors
/// Why it was cut off.
pub async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, NotDone> {
    Ok(stream.message().await?)
}

/// What a client sends to an attachment, out of a channel.
pub fn sending(asks: Receiver<AttachRequest>) -> ReceiverStream<AttachRequest> {
    ReceiverStream::new(asks)
}
