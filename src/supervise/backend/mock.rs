//! The backend `mock`: jobs that play scripts, and a record of what was done to them.

mod actor;
mod script;

pub(in crate::supervise) use actor::Actor;
pub use script::Script;

use crate::os::stdio::Theirs;
use crate::spec::{JobId, JobSpec, Limits};
use crate::supervise::Error;
use script::Ending;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Its name.
pub(super) const NAME: &str = "mock";
/// The process id of each of its jobs: past any that a kernel gives (PID_MAX_LIMIT is 4194304), so that nobody is hit by
/// who sends a signal there.
pub(super) const PID: i32 = i32::MAX;

/// Plays a script for each job that is started, in the order in which they were given. Clones are the same mock: one goes
/// to the supervisor, the other stays with the test.
///
/// A start for which there is no script, or whose program the script does not mean, fails with
/// [`Error::Unscripted`](crate::supervise::Error::Unscripted). Limits and walls are neither enforced nor refused: what was
/// asked for is in [`MockCall::Started`].
///
/// ```
/// use ironcell::life::Exit;
/// use ironcell::spec::{JobSpec, StdioSet};
/// use ironcell::supervise::{Backend, Bounds, Mock, Script, Supervisor};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mock = Mock::default();
/// mock.expect(Script::default().argv(["make", "test"]).out("1 test failed\n").exit(2));
/// let supervisor = Supervisor::with_backend(Backend::Mock(mock.clone()), Bounds::default());
/// let job = supervisor.start(JobSpec::command("make").arg("test").build()?, StdioSet::default()).await?;
/// assert_eq!(job.wait().await.map(|outcome| outcome.exit), Some(Exit::Code { code: 2 }));
/// assert_eq!(mock.left(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Mock(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    scripts: VecDeque<Script>,
    calls: Vec<(JobId, MockCall)>,
}

/// Something that was done to a job of a mock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MockCall {
    /// It was started, with all that was asked for. Also of a start that then failed as its script says.
    Started(Box<JobSpec>),
    /// It was sent a signal. A soft stop is 15 to the leader.
    Signalled {
        /// The kernel's number.
        signal: u8,
        /// Whether to every process of it, and not to the leader alone.
        all: bool,
    },
    /// It was killed as a whole: by a hard stop, at the end of its grace, or with its supervisor.
    Killed,
    /// It was to stand still. Its script goes on all the same.
    Paused,
    /// It was to go on.
    Resumed,
    /// Its limits were changed.
    Updated(Box<Limits>),
    /// It has ended, and was cleared away.
    Removed,
}

impl Mock {
    /// Adds the script of the next job that has none yet.
    pub fn expect(&self, script: Script) {
        self.inner().scripts.push_back(script);
    }

    /// All that was done, in order.
    pub fn calls(&self) -> Vec<(JobId, MockCall)> {
        self.inner().calls.clone()
    }

    /// How many scripts were not played yet.
    pub fn left(&self) -> usize {
        self.inner().scripts.len()
    }

    /// Begins the next script.
    ///
    /// # Errors
    /// When there is none, it means another program, or it says so.
    pub(super) fn begin(&self, id: JobId, spec: &JobSpec, theirs: Theirs) -> Result<Actor, Error> {
        let script = self.take(spec.argv())?;
        self.note(id, MockCall::Started(Box::new(spec.clone())));
        match script.ending {
            Ending::NotStarted(failure) => Err(Error::Start(failure)),
            _ => Ok(Actor::begin(self.clone(), id, script, theirs)),
        }
    }

    /// The next script, if it means this program.
    fn take(&self, argv: &[OsString]) -> Result<Script, Error> {
        let mut inner = self.inner();
        let unscripted = |expected: String| Error::Unscripted { expected, argv: argv.to_vec() };
        let next = inner.scripts.front().ok_or_else(|| unscripted("no further job".to_owned()))?;
        if let Some(expected) = next.argv.as_ref().filter(|expected| *expected != argv) {
            return Err(unscripted(format!("{expected:?}")));
        }
        inner.scripts.pop_front().ok_or_else(|| unscripted("no further job".to_owned()))
    }

    fn note(&self, id: JobId, call: MockCall) {
        self.inner().calls.push((id, call));
    }

    /// Whatever a thread that panicked has left is whole: every change is one call.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
