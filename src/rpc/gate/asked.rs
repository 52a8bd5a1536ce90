//! Which job somebody who may not has asked for: the first bytes of his request, for the audit log alone.

use crate::rpc::audit::Subject;
use crate::rpc::authz::Rpc;
use http_body::Body as HttpBody;
use prost::Message;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;
use tonic::body::Body;

/// Bytes of a request that are looked at: an id or a name is at its beginning.
const LOOK_MOST: usize = 4 << 10;
/// How long they are waited for: who may not is answered soon, whatever he sends.
const LOOK_WITHIN: Duration = Duration::from_millis(200);
/// Before each message of gRPC: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// Every request about one job: its id is the first field, as that of the older wire is.
#[derive(Clone, PartialEq, Message)]
struct OfOne {
    #[prost(string, tag = "1")]
    id: String,
}

/// The first frame of an attachment: the same, one deeper.
#[derive(Clone, PartialEq, Message)]
struct Attaching {
    #[prost(message, optional, tag = "1")]
    start: Option<OfOne>,
}

/// A start: the name that the job was to have.
#[derive(Clone, PartialEq, Message)]
struct Starting {
    #[prost(message, optional, tag = "1")]
    spec: Option<Named>,
}

#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "29")]
    name: String,
}

/// Looks, and says it.
pub async fn look(rpc: Rpc, body: Body, subject: &Subject) {
    let mut seen = Vec::new();
    // What has come by then is looked at.
    let _ = timeout(LOOK_WITHIN, first(body, &mut seen)).await;
    if let Some(said) = said(rpc, &seen) {
        subject.asked(&said);
    }
}

/// The first bytes of a body.
async fn first(body: Body, seen: &mut Vec<u8>) {
    let mut body = pin!(body);
    while seen.len() < LOOK_MOST
        && let Some(Ok(frame)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await
    {
        if let Ok(data) = frame.into_data() {
            seen.extend_from_slice(&data[..data.len().min(LOOK_MOST - seen.len())]);
        }
    }
}

/// What is named in these bytes. Of a message that is cut off, what came before the cut counts.
fn said(rpc: Rpc, seen: &[u8]) -> Option<String> {
    let (prefix, message) = seen.split_at_checked(PREFIX)?;
    let length = usize::try_from(u32::from_be_bytes(prefix[1..].try_into().ok()?)).ok()?;
    if prefix[0] != 0 {
        return None;
    }
    let message = &message[..length.min(message.len())];
    let said = match rpc {
        Rpc::StartJob => merged::<Starting>(message).spec?.name,
        Rpc::Attach => merged::<Attaching>(message).start?.id,
        Rpc::StopJob
        | Rpc::SignalJob
        | Rpc::PauseJob
        | Rpc::ResumeJob
        | Rpc::UpdateJob
        | Rpc::DeleteJob
        | Rpc::WriteStdin
        | Rpc::ResizeTerminal
        | Rpc::CompatStop => merged::<OfOne>(message).id,
        _ => return None,
    };
    Some(said)
}

fn merged<T: Message + Default>(bytes: &[u8]) -> T {
    let mut message = T::default();
    // What was read before an error stays.
    let _ = message.merge(bytes);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::proto::{AttachRequest, AttachStart, JobSpec, StartJobRequest, WriteStdinRequest, attach_request};
    use proptest::prelude::*;

    fn framed(message: &impl Message) -> Vec<u8> {
        let bytes = message.encode_to_vec();
        [&[0][..], &u32::try_from(bytes.len()).expect("small").to_be_bytes(), &bytes].concat()
    }

    #[test]
    fn what_is_asked_for_is_found_whatever_follows_it() {
        let write = WriteStdinRequest { id: "web".to_owned(), data: vec![7; 1 << 20], ..Default::default() };
        assert_eq!(said(Rpc::WriteStdin, &framed(&write)[..LOOK_MOST]).as_deref(), Some("web"));
        let spec = JobSpec { argv: vec![b"true".to_vec()], name: "n".to_owned(), ..Default::default() };
        let start = StartJobRequest { spec: Some(spec), request_id: "r".to_owned(), ..Default::default() };
        assert_eq!(said(Rpc::StartJob, &framed(&start)).as_deref(), Some("n"));
        let begin = AttachStart { id: "a".to_owned(), ..Default::default() };
        let attach = AttachRequest { frame: Some(attach_request::Frame::Start(begin)) };
        assert_eq!(said(Rpc::Attach, &framed(&attach)).as_deref(), Some("a"));
        assert_eq!(said(Rpc::Drain, &framed(&attach)), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), rpc in 0..Rpc::ALL.len()) {
            let _ = said(Rpc::ALL[rpc], &bytes);
        }
    }
}
