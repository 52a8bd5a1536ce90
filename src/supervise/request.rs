//! What is asked of a job's driver, which alone touches its cell.

use super::Error;
use crate::life::{Stats, StopKind, Stopper};
use crate::os::cell::Roll;
use crate::os::cgroup::Effective;
use crate::spec::{JobId, Limits, Signal, Target};
use std::time::Duration;
use tokio::sync::oneshot;

/// Requests of each kind that wait to be heard: a stop, a kill, and some more of an impatient owner.
pub(super) const REQUESTS_MOST: usize = 16;

/// The end is asked for. These have a way of their own: no other request is ever before them.
#[derive(Debug)]
pub(super) struct StopRequest {
    pub by: Stopper,
    pub how: StopKind,
    /// In place of the job's own grace.
    pub grace: Option<Duration>,
}

/// Where the answer goes. Whoever asked may be gone.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;

impl Request {
    /// Tells whoever asked that it cannot be done.
    pub fn refuse(self, id: JobId) {
        // Who asked may be gone.
        let because = || Error::BetweenRuns(id);
        match self {
            Self::Signal { answer, .. } | Self::Pause { answer } | Self::Resume { answer } => {
                let _ = answer.send(Err(because()));
            }
            Self::Update { answer, .. } => drop(answer.send(Err(because()))),
            Self::Stats { answer } => drop(answer.send(Err(because()))),
            Self::Processes { answer } => drop(answer.send(Err(because()))),
        }
    }
}

/// Everything else.
#[derive(Debug)]
pub(super) enum Request {
    Signal { signal: Signal, to: Target, answer: Answer<()> },
    Pause { answer: Answer<()> },
    Resume { answer: Answer<()> },
    Update { limits: Box<Limits>, answer: Answer<Vec<Effective>> },
    Stats { answer: Answer<Stats> },
    Processes { answer: Answer<Roll> },
}
