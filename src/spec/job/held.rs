//! The parts of a job's description that its supervisor goes by while it runs.

use super::{JobSpec, JobSpecBuilder};
use crate::spec::{Limits, OnDrop};

impl JobSpec {
    /// What becomes of the job when the last handle of it is dropped.
    pub fn on_drop(&self) -> OnDrop {
        self.on_drop
    }

    /// The same job with these limits.
    pub(crate) fn with_limits(&self, limits: Limits) -> Self {
        Self { limits, ..self.clone() }
    }
}

impl JobSpecBuilder {
    /// What becomes of the job when the last handle of it is dropped: killed, when nothing is said.
    pub fn on_drop(mut self, on_drop: OnDrop) -> Self {
        self.spec.on_drop = on_drop;
        self
    }
}
