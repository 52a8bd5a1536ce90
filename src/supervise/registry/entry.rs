//! One job in the list.

use crate::life::Status;
use crate::life::digest::Sum;
use crate::spec::{JobId, JobSpec, Owner};
use crate::supervise::JobInfo;
use crate::supervise::job::{Job, Shared};
use crate::supervise::request::StopRequest;
use crate::supervise::tally::Amounts;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::mpsc::{Sender, WeakSender};

/// A job that is listed.
#[derive(Debug)]
pub(super) struct Entry {
    /// What is told of it; its window of output is read when it is asked for.
    pub info: JobInfo,
    /// What every handle of it shares; `None` while its cell is being built.
    pub shared: Option<Arc<Shared>>,
    pub hold: Hold,
    /// The request that it was started for, if that had a name.
    pub request: Option<Asked>,
}

/// A request that may come twice: its name, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::supervise) struct Asked {
    /// The caller's name for it.
    pub request: String,
    /// SHA-256 of the description as text.
    digest: String,
}

impl Asked {
    /// A request of this name for this job.
    pub fn of(request: &str, spec: &JobSpec) -> Self {
        let mut sum = Sum::default();
        sum.add(spec.to_json().as_bytes());
        Self { request: request.to_owned(), digest: sum.hex() }
    }
}

/// How the list reaches a job. A job lives as long as anybody has a sender of its stops.
#[derive(Debug)]
pub(in crate::supervise) enum Hold {
    /// Not at all: it does not run yet, or not any more.
    None,
    /// As long as somebody else holds it.
    Weak(WeakSender<StopRequest>),
    /// The list itself holds it.
    Strong(Sender<StopRequest>),
}

impl Hold {
    /// Holds it no more, but still reaches it.
    pub fn loosen(&mut self) {
        if let Self::Strong(sender) = self {
            *self = Self::Weak(sender.downgrade());
        }
    }
}

impl Entry {
    /// Its id.
    pub fn id(&self) -> JobId {
        self.info.id
    }

    /// A job that is being started.
    pub fn of(owner: &Owner, spec: &JobSpec, id: JobId, now: SystemTime) -> Self {
        let info = JobInfo {
            id,
            name: spec.name().map(str::to_owned),
            argv: spec.argv().to_vec(),
            owner: owner.clone(),
            pid: None,
            status: Status::Starting,
            created: now,
            started: None,
            ended: None,
            labels: spec.labels().clone(),
            exit: None,
            cause: None,
            output: 0..0,
            runs: Vec::new(),
            over: None,
        };
        Self { info, shared: None, hold: Hold::None, request: None }
    }

    /// What is told of it now.
    pub fn told(&self) -> JobInfo {
        let output = self.shared.as_ref().map_or(0..0, |shared| shared.log.borrow().kept());
        JobInfo { output, ..self.info.clone() }
    }

    /// What it has written so far.
    pub fn output(&self) -> Amounts {
        self.shared.as_deref().map(Amounts::of).unwrap_or_default()
    }

    /// A handle of it; `None` while its cell is being built.
    pub fn job(&self) -> Option<Job> {
        let stops = match &self.hold {
            Hold::None => None,
            // None when the last handle is gone: then it is on its way out, and this one only looks on.
            Hold::Weak(stops) => stops.upgrade(),
            Hold::Strong(stops) => Some(stops.clone()),
        };
        self.shared.as_ref().map(|shared| Job::new(Arc::clone(shared), stops))
    }
}
