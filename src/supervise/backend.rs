//! What the jobs of a supervisor run in: a cell, or, for the tests of a program that embeds ironcell, something that needs
//! neither root nor cgroup v2. This is the seam: a start makes a [`Body`], and a job's driver knows nothing else of it.

mod body;
mod mock;
mod plain;

use super::Error;
use crate::os::stdio::Theirs;
use crate::plan::{Refusal, Walls};
use crate::spec::{JobId, JobSpec};
pub(super) use body::{Body, Ended};
pub use mock::{Mock, MockCall, Script};

/// What runs the jobs of a supervisor that makes no cells ([`Supervisor::with_backend`](super::Supervisor::with_backend)).
/// Neither protects anything: for a program's own tests.
#[derive(Debug, Clone)]
pub enum Backend {
    /// Plain processes of this program's own user, in no cell: no wall, no limit, no network of their own; what leaves its
    /// process group outlives the job, and so does everything when the program is killed. Whatever only a cell can do is
    /// refused by name: every limit of [`Limits`](crate::spec::Limits), every part of
    /// [`Isolation`](crate::spec::Isolation) that was asked for, `cpu_time`, `idle`, a terminal, [`Job::pause`](super::Job::pause),
    /// [`Job::update`](super::Job::update), [`Job::processes`](super::Job::processes). What is there is the program with its
    /// arguments, environment and directory, `time`, the grace, the stops, the signals, and all of its input and output.
    ///
    /// [`Job::walls`](super::Job::walls) says `plain` as the profile, and that nothing stands; of its use only the wall-clock
    /// time is known. Needs Linux 5.4.
    Plain,
    /// Nothing runs: jobs play scripts, and what was done to them is noted.
    Mock(Mock),
}

impl Backend {
    /// Its name, as in errors: `plain` or `mock`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plain => plain::NAME,
            Self::Mock(_) => mock::NAME,
        }
    }

    /// What is told of jobs that it runs: what stands around them is nothing.
    pub(super) fn walls(&self) -> (Walls, Vec<String>) {
        (
            plain::walls(self.name()),
            vec![format!("the backend {} is no cell: nothing protects from this job", self.name())],
        )
    }

    /// Whether it can do what is asked, before anything is done.
    ///
    /// # Errors
    /// Names the first field that it cannot enforce.
    pub(super) fn check(&self, spec: &JobSpec) -> Result<(), Refusal> {
        match self {
            Self::Plain => plain::check(spec),
            Self::Mock(_) if spec.terminal().is_some() => Err(plain::refusal(mock::NAME, "--terminal")),
            Self::Mock(_) => Ok(()),
        }
    }

    /// Starts a job.
    ///
    /// # Errors
    /// When it cannot be executed, or as its script says.
    pub(super) fn start(&self, id: JobId, spec: &JobSpec, theirs: Theirs) -> Result<Body, Error> {
        match self {
            Self::Plain => plain::start(spec, theirs).map(Body::Plain),
            Self::Mock(mock) => mock.begin(id, spec, theirs).map(|actor| Body::Mock(Box::new(actor))),
        }
    }
}
