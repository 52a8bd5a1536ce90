//! A job's output as plain bytes, for code that reads from any [`AsyncBufRead`] or [`BufRead`].

use super::stream::OutputStream;
use super::{Item, OutputReader};
use futures_core::Stream;
use std::io::{self, BufRead, Read};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::{self, Thread};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// Bytes that a reader of bytes cannot be given. It is told once, as an [`io::Error`]; who reads on goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "bytes {from} to {to} of the job's output are not kept any more; give it a spool or a larger log_max, or read sooner"
)]
pub struct Lost {
    /// The first offset that is lost.
    pub from: u64,
    /// The first that is not.
    pub to: u64,
}

/// The bytes of a job as [`AsyncRead`] and [`AsyncBufRead`], to its end; made by [`OutputReader::into_bytes`]. A gap is the
/// error [`Lost`], a runtime that was shut down before the end is [`io::ErrorKind::UnexpectedEof`].
pub struct OutputBytes {
    items: OutputStream,
    left: Left,
}

/// The same as [`Read`] and [`BufRead`], for threads without a runtime; made by [`OutputReader::into_blocking`]. It blocks
/// its thread: not for one that a runtime's tasks run on.
#[derive(Debug)]
pub struct OutputBlocking {
    reader: OutputReader,
    left: Left,
}

/// Bytes that were taken and not yet given.
#[derive(Debug, Default)]
struct Left {
    bytes: Vec<u8>,
    given: usize,
    over: bool,
}

impl Left {
    /// Whether the next item is needed.
    fn is_empty(&self) -> bool {
        self.given == self.bytes.len() && !self.over
    }

    /// Takes the next item.
    fn take(&mut self, item: Option<Item>) -> io::Result<()> {
        match item {
            Some(Item::Chunk(chunk)) => (self.bytes, self.given) = (chunk.bytes, 0),
            Some(Item::Gap { from, to }) => return Err(io::Error::other(Lost { from, to })),
            Some(Item::Ended(_)) => self.over = true,
            None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the supervisor's runtime has ended")),
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.given..]
    }

    fn consume(&mut self, count: usize) {
        self.given = (self.given + count).min(self.bytes.len());
    }
}

impl OutputBytes {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { items: OutputStream::new(reader), left: Left::default() }
    }
}

impl std::fmt::Debug for OutputBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutputBytes").field("over", &self.left.over).finish_non_exhaustive()
    }
}

impl AsyncBufRead for OutputBytes {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.left.is_empty() {
            let item = ready!(Pin::new(&mut this.items).poll_next(cx));
            this.left.take(item)?;
        }
        Poll::Ready(Ok(this.left.rest()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        self.get_mut().left.consume(count);
    }
}

impl AsyncRead for OutputBytes {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = bytes.len().min(into.remaining());
        into.put_slice(&bytes[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl OutputBlocking {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { reader, left: Left::default() }
    }
}

impl BufRead for OutputBlocking {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.left.is_empty() {
            self.left.take(parked(self.reader.next()))?;
        }
        Ok(self.left.rest())
    }

    fn consume(&mut self, count: usize) {
        self.left.consume(count);
    }
}

impl Read for OutputBlocking {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which sleeps meanwhile. Enough for a wait for a log: that needs no runtime of its own.
pub(super) fn parked<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        // A wake between the poll and the park is kept: the park then returns at once.
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}
