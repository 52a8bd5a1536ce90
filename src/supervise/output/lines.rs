//! A job's output line by line, of both streams at once.

use super::reader::{Ended, Item, NotNow, OutputReader};
use super::stream::OutputStream;
use crate::life::Line;
use crate::life::lines::Lines;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What a reader of lines is told.
#[derive(Debug, Clone, PartialEq)]
pub enum LineItem {
    /// A line, when it is complete: between the two streams in the order of their newlines.
    Line(Line),
    /// As [`Item::Gap`]; the lines that it cuts are told before it.
    Gap {
        /// The first offset that is lost.
        from: u64,
        /// The first that is not.
        to: u64,
    },
    /// As [`Item::Ended`]; a last line without a newline is told before it.
    Ended(Box<Ended>),
}

/// Follows the output of a job by lines; made by [`OutputReader::into_lines`]. Lines of the one stream are never cut by the
/// other.
#[derive(Debug)]
pub struct OutputLines {
    reader: OutputReader,
    told: Told,
}

/// Lines in the making, and what comes behind those that are done.
#[derive(Debug, Default)]
struct Told {
    lines: Lines,
    then: Option<LineItem>,
}

impl Told {
    /// What is there to be told.
    fn pop(&mut self) -> Option<LineItem> {
        self.lines.pop().map(LineItem::Line).or_else(|| self.then.take())
    }

    /// Takes what a reader was told.
    fn push(&mut self, item: Item) {
        self.then = match item {
            Item::Chunk(chunk) => return self.lines.push(&chunk),
            Item::Gap { from, to } => Some(LineItem::Gap { from, to }),
            Item::Ended(ended) => Some(LineItem::Ended(ended)),
        };
        self.lines.cut();
    }
}

impl OutputLines {
    pub(super) fn new(reader: OutputReader) -> Self {
        Self { reader, told: Told::default() }
    }

    /// Waits for the next line. `None` after [`LineItem::Ended`], and when the supervisor's runtime was shut down.
    ///
    /// Cancel-safe: a wait that is given up has lost nothing.
    pub async fn next_line(&mut self) -> Option<LineItem> {
        loop {
            if let Some(item) = self.told.pop() {
                return Some(item);
            }
            let item = self.reader.next().await?;
            self.told.push(item);
        }
    }

    /// The next line, if it is there.
    ///
    /// # Errors
    /// As [`OutputReader::try_next`]. A line without its newline is not there yet.
    pub fn try_next_line(&mut self) -> Result<LineItem, NotNow> {
        loop {
            if let Some(item) = self.told.pop() {
                return Ok(item);
            }
            self.told.push(self.reader.try_next()?);
        }
    }

    /// The same as a [`Stream`], for code that is written for any.
    pub fn into_stream(self) -> OutputLineStream {
        OutputLineStream { items: self.reader.into_stream(), told: self.told }
    }
}

/// The lines of a job as a [`Stream`]; made by [`OutputLines::into_stream`]. It ends after [`LineItem::Ended`].
#[derive(Debug)]
pub struct OutputLineStream {
    items: OutputStream,
    told: Told,
}

impl Stream for OutputLineStream {
    type Item = LineItem;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LineItem>> {
        loop {
            if let Some(item) = self.told.pop() {
                return Poll::Ready(Some(item));
            }
            match ready!(Pin::new(&mut self.items).poll_next(cx)) {
                Some(item) => self.told.push(item),
                None => return Poll::Ready(None),
            }
        }
    }
}
