//! The one reader that a job waits for.

use super::bytes::parked;
use super::reader::{Item, OutputFrom, OutputReader};
use crate::life::log::{Holder, Log};
use crate::life::{Outcome, Stream};
use std::sync::{Arc, Weak};
use tokio::sync::watch;

/// The streams that a sink wants no more of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refused {
    stdout: bool,
    stderr: bool,
}

impl Refused {
    /// Whether it is this one.
    pub fn has(self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

/// Takes the output of a job that waits for it ([`Overflow::Block`](crate::spec::Overflow::Block)): from the first byte to
/// the end, without a gap. When the log is full of what it has not taken, the job waits in its write; its limits, its stops
/// and its end do not. A log then takes up to `log_max`, and at most 256 KiB more that were on their way; at the job's end
/// what its pipes still held.
///
/// When it is dropped, nobody is waited for any more and the oldest output is given up, for other readers.
#[derive(Debug)]
pub struct OutputSink {
    reader: OutputReader,
    /// Weak: a log without a driver has ended, and that must be seen.
    log: Weak<watch::Sender<Log>>,
    refuse: watch::Sender<Refused>,
}

impl OutputSink {
    pub(super) fn new(
        log: &Arc<watch::Sender<Log>>,
        outcome: watch::Receiver<Option<Outcome>>,
        refuse: watch::Sender<Refused>,
    ) -> Self {
        let reader = OutputReader::new(log.subscribe(), outcome, OutputFrom::Start);
        Self { reader, log: Arc::downgrade(log), refuse }
    }

    /// Waits for the next item, as [`OutputReader::next`]; never a gap. With that the item is taken: the job goes on.
    ///
    /// Cancel-safe: a wait that is given up has taken nothing.
    pub async fn next(&mut self) -> Option<Item> {
        let item = self.reader.next().await;
        let upto = self.reader.offset();
        self.change(|log| log.taken(Holder::Sink, upto));
        item
    }

    /// The same for a thread without a runtime, which sleeps meanwhile. Not for one that a runtime's tasks run on.
    pub fn next_blocking(&mut self) -> Option<Item> {
        parked(self.next())
    }

    /// Wants no more of a stream: its pipe is closed, so the job's next write into it gets SIGPIPE, or EPIPE where the job
    /// ignores that, as from any reader that has left. What was read before is still told.
    pub fn refuse(&self, stream: Stream) {
        self.refuse.send_modify(|refused| match stream {
            Stream::Stdout => refused.stdout = true,
            Stream::Stderr => refused.stderr = true,
        });
    }

    /// Changes what is held; who waits for room is woken when there is some.
    fn change(&self, change: impl FnOnce(&mut Log)) {
        let Some(log) = self.log.upgrade() else { return };
        log.send_if_modified(|log| {
            let full = log.is_full();
            change(log);
            full && !log.is_full()
        });
    }
}

impl Drop for OutputSink {
    fn drop(&mut self) {
        self.change(|log| log.let_go(Holder::Sink));
    }
}
