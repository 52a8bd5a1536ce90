//! Why a job was not started, or the supervisor not opened.

use crate::life::StartFailure;
use crate::os::OsError;
use crate::os::cell::CellError;
use crate::os::cgroup::ApplyError;
use crate::plan::{Plan, Refusal};
use crate::spec::SpecError;

/// What can go wrong before a job runs. Nothing is left of it in any case.
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
    /// The supervisor's runtime has ended.
    #[error("the supervisor's runtime has ended")]
    RuntimeEnded,
}

impl Error {
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
