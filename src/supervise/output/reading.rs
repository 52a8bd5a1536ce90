//! The reading of a job's pipes into its log, each in a turn of its own.

use super::moving::{Lane, append};
use super::sink::Refused;
use super::writing::Writing;
use crate::life::Stream;
use crate::life::log::Log;
use crate::os::stdio::{Intake, PIPE_BYTES};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::Instant;

/// What is read of a pipe, beyond what was in it when the cell was empty, before its end is seen: what was read meanwhile.
const LAST_MORE: usize = PIPE_BYTES;

/// What the reading of a pipe needs.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub log: Arc<watch::Sender<Log>>,
    pub refused: watch::Receiver<Refused>,
    pub over: Arc<Notify>,
    pub writing: Option<Arc<Writing>>,
    /// Whether what is in the pipes is moved, and not read.
    pub moves: bool,
    pub asked: Instant,
    pub last: watch::Receiver<bool>,
    pub widened: Arc<AtomicUsize>,
}

/// How a stream comes into the log.
enum Source {
    Read(Intake, Option<Arc<Writing>>),
    Moved(Arc<Lane>),
}

impl Source {
    fn intake(&self) -> &Intake {
        match self {
            Self::Read(intake, _) => intake,
            Self::Moved(lane) => &lane.intake,
        }
    }
}

/// Reads every pipe to its end, in turns; false when one could not be.
pub(super) async fn read_all(intakes: Vec<(Stream, Intake)>, hands: Reading) -> bool {
    let (mut stdout, mut stderr) = (None, None);
    for (stream, intake) in intakes {
        match stream {
            Stream::Stdout => stdout = Some(intake),
            Stream::Stderr => stderr = Some(intake),
        }
    }
    let (stdout, stderr) = tokio::join!(
        read_one(Stream::Stdout, stdout, hands.clone()),
        read_one(Stream::Stderr, stderr, hands), //
    );
    stdout && stderr
}

/// Reads one pipe to its end, and closes it.
async fn read_one(stream: Stream, intake: Option<Intake>, hands: Reading) -> bool {
    let Some(intake) = intake else { return true };
    let Reading { log, mut refused, over, writing, moves, asked, last: mut left, widened } = hands;
    let source = match writing {
        Some(writing) if moves => {
            Source::Moved(Lane::new(stream, intake, asked.into_std(), Arc::clone(&over), writing))
        }
        writing => Source::Read(intake, writing),
    };
    let mut last = false;
    let mut room = log.subscribe();
    loop {
        let read = async {
            // No error: the log is ours.
            let _ = room.wait_for(|log| !log.is_full()).await;
            match &source {
                Source::Moved(lane) => lane.turn().await,
                Source::Read(intake, writing) => {
                    let take = |bytes: &[u8]| {
                        // The time of a read is taken before it waits for a reader of the log, not after.
                        append(&log, &over, stream, asked.elapsed(), bytes);
                        writing.iter().for_each(Writing::wake);
                    };
                    intake.read(take).await
                }
            }
        };
        tokio::select! {
            biased;
            () = refused_of(&mut refused, stream) => return false,
            () = only_what_is_left(&mut left), if !last => {
                last = true;
                // A chunk costs more than its bytes, but never as much again: it is read in large pieces now.
                let room = source.intake().holds().saturating_mul(2).saturating_add(LAST_MORE);
                widened.fetch_add(room, Ordering::Relaxed);
                log.send_modify(|log| log.widen(room));
            }
            read = read => match read {
                // The other stream's turn, and that of other tasks: a job that never stops writing is always ready.
                Ok(true) => yield_now().await,
                Ok(false) => return true,
                Err(_) => return false,
            },
        }
    }
}

/// Waits until no process of the job is left.
async fn only_what_is_left(left: &mut watch::Receiver<bool>) {
    if left.wait_for(|left| *left).await.is_err() {
        // Nobody ends the recording any more: it goes with its runtime.
        std::future::pending().await
    }
}

/// Waits until the sink has refused a stream; for ever where there is none.
async fn refused_of(refused: &mut watch::Receiver<Refused>, stream: Stream) {
    if refused.wait_for(|refused| refused.has(stream)).await.is_err() {
        std::future::pending().await
    }
}
