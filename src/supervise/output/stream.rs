//! A job's output as a [`Stream`] of items, and the wait that it shares with the reader of bytes.

use super::reader::{Item, OutputReader};
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A wait for the next item, with the reader that it gives back.
type Wait = Pin<Box<dyn Future<Output = (OutputReader, Option<Item>)> + Send + Sync>>;

/// The items of a job as a [`Stream`]; made by [`OutputReader::into_stream`]. It ends after [`Item::Ended`], and when the
/// supervisor's runtime was shut down.
pub struct OutputStream(Wait);

/// The next wait.
fn wait(mut reader: OutputReader) -> Wait {
    Box::pin(async move {
        let item = reader.next().await;
        (reader, item)
    })
}

impl OutputStream {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self(wait(reader))
    }
}

impl std::fmt::Debug for OutputStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputStream").finish_non_exhaustive()
    }
}

impl Stream for OutputStream {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let (reader, item) = ready!(self.0.as_mut().poll(cx));
        // A wait that is over must not be asked again. A reader that is at its end says so again.
        self.0 = wait(reader);
        Poll::Ready(item)
    }
}
