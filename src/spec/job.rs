//! A job: the command and all that surrounds it. `JobSpec::command("make").arg("-j2").build()?`.

mod check;
mod stdio;

pub use stdio::{Stdio, StdioSet};

use super::mounts::cell_path;
use super::{Env, Isolation, Limits, LogFile, Overflow, SpecError, Store};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between the soft and the hard stop when the caller names none.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// What a job's log keeps when the caller says nothing: the whole output of most commands.
pub const DEFAULT_LOG_MAX: u64 = 4 << 20;

/// A checked description of one job. Made by [`JobSpec::command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    argv: Vec<OsString>,
    env: Env,
    cwd: Option<PathBuf>,
    limits: Limits,
    isolation: Isolation,
    time: Option<Duration>,
    cpu_time: Option<Duration>,
    idle: Option<Duration>,
    grace: Duration,
    log_max: u64,
    overflow: Overflow,
    output_limit: Option<u64>,
    store: Store,
    log_file: Option<LogFile>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
}

impl JobSpec {
    /// Begins the description of a job that runs `program`, found by the cell's `PATH` unless it has a `/`.
    pub fn command(program: impl Into<OsString>) -> JobSpecBuilder {
        JobSpecBuilder {
            spec: JobSpec {
                argv: vec![program.into()],
                env: Env::default(),
                cwd: None,
                limits: Limits::default(),
                isolation: Isolation::default(),
                time: None,
                cpu_time: None,
                idle: None,
                grace: DEFAULT_GRACE,
                log_max: DEFAULT_LOG_MAX,
                overflow: Overflow::default(),
                output_limit: None,
                store: Store::default(),
                log_file: None,
                name: None,
                labels: BTreeMap::new(),
            },
        }
    }

    /// The program and its arguments; never empty.
    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    /// The environment.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The working directory in the cell, if the caller named one.
    pub fn cwd(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The walls.
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    /// Wall-clock time after which the job is stopped, softly, then hard. Monotonic: clock changes do not matter.
    pub fn time(&self) -> Option<Duration> {
        self.time
    }

    /// Processor time of the whole tree, in user mode and in the kernel, after which the job is stopped, softly, then hard.
    pub fn cpu_time(&self) -> Option<Duration> {
        self.cpu_time
    }

    /// How long no process of the tree may run before the job is stopped, softly, then hard.
    pub fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// Time between the soft stop (SIGTERM) and the hard one (the whole cell is killed).
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Bytes of memory that its log may take.
    pub fn log_max(&self) -> u64 {
        self.log_max
    }

    /// What happens when its log is full.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Bytes of standard output and standard error together after which the job is stopped, softly, then hard.
    pub fn output_limit(&self) -> Option<u64> {
        self.output_limit
    }

    /// Where its log keeps the output.
    pub fn store(&self) -> Store {
        self.store
    }

    /// The plain file that its output is written to as well.
    pub fn log_file(&self) -> Option<&LogFile> {
        self.log_file.as_ref()
    }

    /// The caller's own name for the job.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The caller's labels.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }
}

/// Collects a job's description; [`JobSpecBuilder::build`] checks it as a whole.
#[derive(Debug, Clone)]
pub struct JobSpecBuilder {
    spec: JobSpec,
}

impl JobSpecBuilder {
    /// Adds one argument; any bytes but NUL.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.spec.argv.push(arg.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.spec.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Takes the whole environment.
    pub fn env(mut self, env: Env) -> Self {
        self.spec.env = env;
        self
    }

    /// The working directory in the cell; absolute.
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.spec.cwd = Some(cwd.into());
        self
    }

    /// Takes the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.spec.limits = limits;
        self
    }

    /// Takes the walls.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.spec.isolation = isolation;
        self
    }

    /// Stops the job after this much wall-clock time.
    pub fn time(mut self, time: Duration) -> Self {
        self.spec.time = Some(time);
        self
    }

    /// Stops the job when its whole tree has used this much processor time (`cpu.stat` `usage_usec`), the building of its
    /// cell included. Found at most 10 ms of processor time late, or 1 ms on each of more than 10 processors.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.spec.cpu_time = Some(time);
        self
    }

    /// Stops the job when no process of its tree has run for so long: none used any processor time, without which there is
    /// no output either. Found at most a sixteenth late.
    pub fn idle(mut self, time: Duration) -> Self {
        self.spec.idle = Some(time);
        self
    }

    /// Time between the soft stop and the hard one; zero is both at once.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.spec.grace = grace;
        self
    }

    /// How much of the output a log keeps ([`Stdio::Log`]), in bytes of memory, 64 KiB to 1 GiB; 4 MiB when nothing is said.
    /// Beyond that the oldest output is given up, up to 16 KiB at once, and readers are told of the gap. Each run of bytes
    /// that came together costs about 150 bytes more, so a job that writes single bytes keeps less.
    pub fn log_max(mut self, bytes: u64) -> Self {
        self.spec.log_max = bytes;
        self
    }

    /// What happens when the log is full; the oldest output is given up when nothing is said.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.spec.overflow = overflow;
        self
    }

    /// Stops the job when it has written more than so many bytes to standard output and standard error together; 0 is that
    /// it may write nothing. What it wrote up to the limit is kept and told as any output; what comes beyond is counted, and
    /// goes nowhere. Only what goes into the log ([`Stdio::Log`]) can be counted: with a descriptor of the caller's as one of
    /// the two the start is refused, and what goes to `/dev/null` is no output.
    pub fn output_limit(mut self, bytes: u64) -> Self {
        self.spec.output_limit = Some(bytes);
        self
    }

    /// Where the log keeps the output; in memory when nothing is said. Only what goes into the log ([`Stdio::Log`]).
    pub fn store(mut self, store: Store) -> Self {
        self.spec.store = store;
        self
    }

    /// A plain file that the output is written to as well, both streams in the order in which they were read. Only what goes
    /// into the log ([`Stdio::Log`]). The start is refused when it cannot be opened; the job waits for its disk.
    pub fn log_file(mut self, file: LogFile) -> Self {
        self.spec.log_file = Some(file);
        self
    }

    /// The caller's own name for the job.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.spec.name = Some(name.into());
        self
    }

    /// Adds a label.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.labels.insert(key.into(), value.into());
        self
    }

    /// The finished description.
    ///
    /// # Errors
    /// Names the first field that has no meaning.
    pub fn build(mut self) -> Result<JobSpec, SpecError> {
        check::argv(&self.spec.argv)?;
        check::exec_size(&self.spec)?;
        if let Some(cwd) = &self.spec.cwd {
            self.spec.cwd = Some(cell_path("--cwd", cwd)?);
        }
        check::times(&self.spec)?;
        check::log_max(self.spec.log_max)?;
        check::store(self.spec.store)?;
        check::name(self.spec.name.as_deref())?;
        check::labels(&self.spec.labels)?;
        Ok(self.spec)
    }
}
