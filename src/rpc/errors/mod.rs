//! From what went wrong to what is told on the wire: google.rpc.Status, with a reason out of one table and the details that
//! go with it.

mod heard;
mod table;

pub use heard::{exit_of, reason_of, said};
pub use table::{DOMAIN, Reason, table};

use super::authz::Denied;
use super::policy::Forbidden;
use crate::life::{Refused, StartFailure};
use crate::spec::{JobId, SpecError};
use crate::supervise::Error;
use std::collections::HashMap;
use std::time::Duration;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};

/// When a call that was refused for now may be tried again: a drain or a shutdown takes about so long.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A word for each way in which a start can be refused, as in metadata.
const REFUSED: [(&str, Refused); 3] =
    [("not_found", Refused::NotFound), ("not_executable", Refused::NotExecutable), ("cell", Refused::Cell)];

/// A refusal on its way to the wire.
#[derive(Debug)]
pub struct Told {
    reason: Reason,
    message: String,
    metadata: HashMap<String, String>,
    /// Large, and of no interest on the way.
    details: Box<ErrorDetails>,
}

impl Told {
    /// One with this reason and this sentence for people.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), metadata: HashMap::new(), details: Box::default() }
    }

    /// Adds a fact for machines.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Names the job that it is about, as it was asked for.
    #[must_use]
    fn about(mut self, said: &str) -> Self {
        self.details.set_resource_info("ironcell.dev/Job", said, "", self.message.clone());
        self
    }

    /// The reason.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<Told> for Status {
    fn from(told: Told) -> Self {
        let Told { reason, message, metadata, mut details } = told;
        details.set_error_info(reason.word(), DOMAIN, metadata);
        if reason.code() == tonic::Code::Unavailable {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Self::with_error_details(reason.code(), message, *details)
    }
}

impl From<SpecError> for Told {
    fn from(error: SpecError) -> Self {
        let mut told = Self::new(kind(&error), error.to_string());
        let said = format!("{:?}: {}; {}", error.value, error.problem, error.expected);
        told.details.add_bad_request_violation(error.field, said);
        told
    }
}

/// The reason for a field that has no meaning.
fn kind(error: &SpecError) -> Reason {
    let field = error.field.trim_start_matches('-').replace('-', "_");
    match field.split(['.', '[', ' ']).next().unwrap_or_default() {
        "argv" if error.value.is_empty() => Reason::EmptyCommand,
        "cwd" => Reason::InvalidCwd,
        "env" | "env_from" => Reason::InvalidEnv,
        "mounts" | "ro" | "rw" | "tmpfs" | "rootfs" | "rootfs_rw" => Reason::InvalidMount,
        "signal" => Reason::InvalidSignal,
        "memory" | "memory_high" | "swap" | "cpus" | "cpu_weight" | "cpuset" | "io_max" | "io_weight" | "pids"
        | "rlimit" | "cgroup" | "time" | "cpu_time" | "idle" | "grace" | "output_limit" | "nice" => {
            Reason::InvalidLimit
        }
        _ => Reason::InvalidField,
    }
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let told = |reason| Self::new(reason, message.clone());
        match error {
            Error::Spec(error) => error.into(),
            Error::Refused(refusal) => {
                let mut told = told(Reason::IsolationUnavailable).with("field", &refusal.field);
                told.details.add_precondition_failure_violation("host", refusal.field, refusal.problem);
                told
            }
            Error::Limit(_) => told(Reason::IsolationUnavailable),
            Error::Start(failure) => started(&failure),
            Error::Unsupported { .. } => told(Reason::Unsupported),
            Error::ShuttingDown | Error::RuntimeEnded => told(Reason::ShuttingDown),
            Error::TooManyJobs { most } => {
                let mut told = told(Reason::TooManyJobs);
                told.details.add_quota_failure_violation("jobs", format!("{most} at most"));
                told
            }
            Error::NameTaken { name, id } => told(Reason::NameInUse).with("id", id).about(&name),
            Error::RequestConflict { id, .. } => told(Reason::RequestIdConflict).with("id", id),
            Error::NotFound { said } => told(Reason::JobNotFound).about(&said),
            Error::Ambiguous { candidates, .. } => told(Reason::AmbiguousId).with("matches", listed(&candidates)),
            Error::Ended(_) | Error::Ending(_) | Error::BetweenRuns(_) => told(Reason::JobExited),
            Error::StillRunning(_) => told(Reason::JobNotExited),
            _ => told(Reason::Internal),
        }
    }
}

impl From<Denied> for Told {
    fn from(denied: Denied) -> Self {
        let message = denied.to_string();
        match denied {
            Denied::Role { role, needed, .. } => {
                Self::new(Reason::RoleRequired, message).with("role", role).with("needed", needed)
            }
            Denied::Unknown => Self::new(Reason::Unsupported, message),
        }
    }
}

impl From<Forbidden> for Told {
    fn from(forbidden: Forbidden) -> Self {
        Self::new(Reason::PolicyForbids, forbidden.to_string()).with("field", forbidden.field)
    }
}

fn listed(ids: &[JobId]) -> String {
    ids.iter().map(JobId::short).collect::<Vec<_>>().join(",")
}

/// A start that failed at a step.
fn started(failure: &StartFailure) -> Told {
    let refused = REFUSED.iter().find(|(_, refused)| *refused == failure.refused).map_or("cell", |(word, _)| word);
    Told::new(Reason::ExecFailed, failure.message.clone())
        .with("step", failure.name)
        .with("errno", failure.errno)
        .with("refused", refused)
}

/// What went wrong, for the wire.
pub fn status(error: impl Into<Told>) -> Status {
    error.into().into()
}

#[cfg(test)]
mod tests;
