//! Why a job was not started, a verb not done, or the supervisor not opened.

use crate::life::StartFailure;
use crate::os::OsError;
use crate::os::cell::CellError;
use crate::os::cgroup::{ApplyError, ParentError};
use crate::plan::{Plan, Refusal};
use crate::spec::{JobId, SpecError};

/// What can go wrong. Of a job that could not be started nothing is left; a job that a verb could not be done to is as it
/// was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ask has no meaning.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A limit or protection that was asked for cannot be applied on this host.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel did not take a limit, or took another.
    #[error("a limit is not in force: {0}")]
    Limit(#[from] ApplyError),
    /// A call failed.
    #[error("failed to {0}")]
    Os(#[from] OsError),
    /// A step of building the cell failed, or the target could not be executed.
    #[error("{}", .0.message)]
    Start(StartFailure),
    /// The caller is not root, or without the capabilities of root.
    #[error("cells are built by root: run ironcell as root, or with sudo")]
    NotRoot,
    /// The program has no descriptors, threads or memory left for a runtime or for the target's descriptors.
    #[error("failed to get ready: {0}")]
    Runtime(std::io::Error),
    /// A start that was given up because this signal came.
    #[error("given up before the job began: signal {0}")]
    Interrupted(u8),
    /// The supervisor's backend cannot do this: it is refused, never skipped.
    #[error("the backend {backend} cannot {what}: only a cell can; open the supervisor with `Supervisor::open`")]
    Unsupported {
        /// [`super::Backend::name`].
        backend: &'static str,
        /// The verb, and to what.
        what: &'static str,
    },
    /// A mock was asked for what its script does not say.
    #[error("the mock's script says {expected}, and what was started is {argv:?}")]
    Unscripted {
        /// The program that was to be started next, or that there is none.
        expected: String,
        /// What was started.
        argv: Vec<std::ffi::OsString>,
    },
    /// No program of this name is in the store.
    #[error("no program {name} is stored")]
    NotStored {
        /// What was asked for.
        name: String,
    },
    /// The supervisor's runtime has ended.
    #[error("the supervisor's runtime has ended")]
    RuntimeEnded,
    /// The supervisor is being shut down, or was: it starts nothing any more.
    #[error("the supervisor is shutting down and starts no more jobs")]
    ShuttingDown,
    /// As many jobs run as the supervisor was opened for.
    #[error(
        "{most} jobs run already, and this supervisor was opened for no more; wait for one, or raise `Bounds::jobs`"
    )]
    TooManyJobs {
        /// [`super::Bounds::jobs`].
        most: usize,
    },
    /// More cells were to be built ahead than may wait.
    #[error(
        "{asked} more cells cannot be built ahead: a supervisor has {} waiting at most, and {left} more can be asked for",
        super::WARM_MOST
    )]
    TooManyWarm {
        /// So many were asked for.
        asked: usize,
        /// So many can be.
        left: usize,
    },
    /// A job of the same owner that has not ended has this name.
    #[error("--name {name}: the job {id} has this name and has not ended; end it, or take another name")]
    NameTaken {
        /// The name.
        name: String,
        /// Who has it.
        id: JobId,
    },
    /// A request of the same owner and name asked for something else.
    #[error("the request {request} was made before, for the job {id}, and asked for something else; take another name")]
    RequestConflict {
        /// The request's name.
        request: String,
        /// The job that was started for it.
        id: JobId,
    },
    /// The job was started by an earlier call of the same request. Told by no public call: it is answered with that job.
    #[error("the job {0} was started for this request")]
    Requested(JobId),
    /// There is no such job, or it is another owner's.
    #[error("no job {said}")]
    NotFound {
        /// What was asked for.
        said: String,
    },
    /// What was said means several jobs.
    #[error("{said} is several jobs: {}; say more of the id", listed(.candidates))]
    Ambiguous {
        /// What was asked for.
        said: String,
        /// The first jobs that it means: [`Error::CANDIDATES_MOST`] at most.
        candidates: Vec<JobId>,
    },
    /// It has ended, so this cannot be done to it any more.
    #[error("the job {0} has ended")]
    Ended(JobId),
    /// It is being ended, so it is not held still.
    #[error("the job {0} is being ended")]
    Ending(JobId),
    /// It waits for its next run, so there is nothing of it that this could be done to.
    #[error("the job {0} is between two runs: it waits for its next start")]
    BetweenRuns(JobId),
    /// It has not ended, so it cannot be removed.
    #[error("the job {0} has not ended; stop it first")]
    StillRunning(JobId),
}

impl From<ParentError> for Error {
    fn from(error: ParentError) -> Self {
        match error {
            ParentError::Refused(refusal) => Self::Refused(refusal),
            ParentError::Os(error) => Self::Os(error),
        }
    }
}

impl Error {
    /// Jobs that are named where a word means several: enough to choose from.
    pub const CANDIDATES_MOST: usize = 8;

    /// A cell's error, told with the words of its plan.
    pub(super) fn of(error: CellError, plan: &Plan) -> Self {
        match error {
            CellError::Os(error) => Self::Os(error),
            CellError::Limit(error) => Self::Limit(error),
            CellError::Step(failure) => Self::Start(plan.explain(&failure)),
        }
    }

    /// The failed start, where it was one.
    pub fn start_failure(&self) -> Option<&StartFailure> {
        match self {
            Self::Start(failure) => Some(failure),
            _ => None,
        }
    }
}

/// Ids, for people.
fn listed(ids: &[JobId]) -> String {
    ids.iter().map(JobId::short).collect::<Vec<_>>().join(", ")
}
