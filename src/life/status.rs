//! Where a job stands, in one word.

use super::{Cause, Outcome};
use std::fmt;

/// Where a job stands, as its supervisor's list tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Its cell is being built; nothing of it runs.
    Starting,
    /// It runs.
    Running,
    /// Every process of it is frozen.
    Paused,
    /// It is being ended.
    Stopping,
    /// It has ended: its leader returned 0 by itself.
    Completed,
    /// It has ended in any other way that nobody had asked for: another code, a signal, a limit, a time.
    Failed,
    /// It has ended since somebody asked for it, or since nobody held it any more.
    Terminated,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Starting, Self::Running, Self::Paused, Self::Stopping, Self::Completed, Self::Failed, Self::Terminated];

    /// That of a job with this outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome.cause {
            Cause::Stopped { .. } | Cause::OwnerGone => Self::Terminated,
            _ if outcome.success() => Self::Completed,
            _ => Self::Failed,
        }
    }

    /// One of four words: `running` until the end, then `completed`, `failed` or `terminated`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting | Self::Running | Self::Paused | Self::Stopping => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Terminated => "terminated",
        }
    }

    /// Whether it has not ended.
    pub fn is_running(self) -> bool {
        !self.is_final()
    }

    /// Whether it has ended, and will never be anything else.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Terminated)
    }
}

/// Its own word, finer than [`Status::word`].
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Completed | Self::Failed | Self::Terminated => self.word(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Exit, StopKind, Stopper};

    #[test]
    fn what_has_ended_is_completed_failed_or_terminated() {
        let of = |exit, cause| Status::of(&Outcome::of(exit, cause)).word();
        assert_eq!(of(Exit::Code { code: 0 }, Cause::Itself), "completed");
        assert_eq!(of(Exit::Code { code: 1 }, Cause::Itself), "failed");
        assert_eq!(of(Exit::Unknown, Cause::Lost), "failed");
        let asked = Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft };
        assert_eq!(of(Exit::Code { code: 0 }, asked), "terminated");
        assert_eq!(of(Exit::Signal { signal: 9, core: false }, Cause::OwnerGone), "terminated");
    }

    #[test]
    fn whatever_is_not_final_is_said_to_run() {
        for status in Status::ALL {
            assert_eq!(status.is_running(), status.word() == "running", "{status}");
        }
    }
}
