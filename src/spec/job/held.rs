//! The parts of a job's description that its supervisor goes by while it runs.

use super::{JobSpec, JobSpecBuilder};
use crate::spec::{Limits, OnDrop, RestartPolicy};

impl JobSpec {
    /// What becomes of the job when the last handle of it is dropped.
    pub fn on_drop(&self) -> OnDrop {
        self.on_drop
    }

    /// Whether it is started again after its end, and how.
    pub fn restart(&self) -> &RestartPolicy {
        &self.restart
    }

    /// How nice its processes are, setpriority(2); `None` is as nice as whoever starts it.
    pub fn nice(&self) -> Option<u8> {
        self.nice
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

    /// Whether the job is started again after its end, and how: never, when nothing is said. Not for a job with a terminal,
    /// which goes with its first run.
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.spec.restart = policy;
        self
    }

    /// How nice its processes are, 0 to 19 (setpriority(2)): how much they leave to others. Where cells have the cpu
    /// controller that counts among the job's own processes; what it gets beside other jobs is `cpu_weight`. A job cannot be
    /// less nice than whoever starts it.
    pub fn nice(mut self, nice: u8) -> Self {
        self.spec.nice = Some(nice);
        self
    }
}
