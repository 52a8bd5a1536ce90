//! The body of an answer, followed to its end: for the audit log, for the count of calls, and to end it with the daemon.

use super::record::Record;
use super::refusals;
use crate::rpc::stop::Stop;
use crate::rpc::wire::Busy;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::Bytes;
use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};

/// What becomes of an answer.
pub struct Watched {
    inner: Body,
    record: Option<Record>,
    _busy: Busy,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
    ended: bool,
}

impl Watched {
    /// Follows it.
    pub fn new(inner: Body, record: Record, busy: Busy, stop: Stop) -> Self {
        let stop = Box::pin(async move { stop.asked().await });
        Self { inner, record: Some(record), _busy: busy, stop, ended: false }
    }

    /// The call has been answered so. It is told now: who holds the connection may keep the body.
    fn answered(&mut self, code: Option<Code>) {
        if let Some(mut record) = self.record.take() {
            code.into_iter().for_each(|code| record.code(code));
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.answered(Status::from_header_map(trailers).map(|status| status.code()));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(status))) => {
                self.answered(Some(status.code()));
                Poll::Ready(Some(Err(status)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            // What is ready is sent; what would be waited for is not.
            Poll::Pending if self.stop.as_mut().poll(cx).is_ready() => {
                self.ended = true;
                let status = refusals::ends();
                self.answered(Some(status.code()));
                let mut trailers = HeaderMap::new();
                status.add_header(&mut trailers)?;
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
