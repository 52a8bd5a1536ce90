//! The writing side of a job's log: one task that reads both pipes, and the seal.

use crate::life::Stream;
use crate::life::log::Log;
use crate::os::stdio::Intake;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, timeout};

/// How long the pipes of a cell that is empty may take to their end. What is in them is read in milliseconds; only a
/// descriptor that the job has passed out of the cell keeps one open longer, and that must not hold the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(2);

/// A log that is being written.
#[derive(Debug)]
pub struct Recording {
    log: Arc<watch::Sender<Log>>,
    /// Reads; true when every pipe came to its end. None for a job whose output goes elsewhere.
    reading: Option<JoinHandle<bool>>,
}

impl Recording {
    /// Begins to read. `cap` is what the log may cost, in bytes; times in it are since `asked`.
    pub fn begin(cap: u64, intakes: Vec<(Stream, Intake)>, asked: Instant) -> (Self, watch::Receiver<Log>) {
        // A spec allows no more than a machine can count.
        let (log, readers) = watch::channel(Log::new(usize::try_from(cap).unwrap_or(usize::MAX)));
        let log = Arc::new(log);
        let reading = (!intakes.is_empty()).then(|| tokio::spawn(read_all(intakes, Arc::clone(&log), asked)));
        (Self { log, reading }, readers)
    }

    /// When no process of the job is left: reads what is still in the pipes, and seals the log. Once.
    pub async fn end(&mut self) {
        let complete = match self.reading.take() {
            None => true,
            Some(mut reading) => match timeout(DRAIN_WITHIN, &mut reading).await {
                // An error is a panic or the end of the runtime: then the end was not seen.
                Ok(read) => read.unwrap_or(false),
                Err(_) => {
                    // It is cut where it waits, so what it has read is in the log; and it writes no more.
                    reading.abort();
                    reading.await.unwrap_or(false)
                }
            },
        };
        self.log.send_modify(|log| log.seal(complete));
    }
}

/// Reads every pipe to its end, in turns; false when one could not be.
async fn read_all(intakes: Vec<(Stream, Intake)>, log: Arc<watch::Sender<Log>>, asked: Instant) -> bool {
    let of = |wanted: Stream| intakes.iter().find(move |(stream, _)| *stream == wanted);
    let (stdout, stderr) = tokio::join!(
        read_one(of(Stream::Stdout), &log, asked), //
        read_one(of(Stream::Stderr), &log, asked),
    );
    stdout && stderr
}

/// Reads one pipe to its end.
async fn read_one(intake: Option<&(Stream, Intake)>, log: &watch::Sender<Log>, asked: Instant) -> bool {
    let Some((stream, intake)) = intake else { return true };
    loop {
        // The time of a read is taken before it waits for a reader of the log, not after.
        let take = |bytes: &[u8]| {
            let at = asked.elapsed();
            log.send_modify(|log| log.append(*stream, at, bytes));
        };
        match intake.read(take).await {
            // The other stream's turn, and that of other tasks: a job that never stops writing is always ready.
            Ok(true) => yield_now().await,
            Ok(false) => return true,
            Err(_) => return false,
        }
    }
}
