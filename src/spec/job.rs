//! A job: the command and all that surrounds it. `JobSpec::command("make").arg("-j2").build()?`.

mod builder;
pub(super) mod check;
pub use check::CELLS;
mod held;
mod stored;
mod written;

pub use builder::JobSpecBuilder;

use super::{Env, Isolation, Limits, LogFile, OnDrop, Overflow, RestartPolicy, Store, Window};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between the soft and the hard stop when the caller names none.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// What a job's log keeps when the caller says nothing: the whole output of most commands.
pub const DEFAULT_LOG_MAX: u64 = 4 << 20;

/// The shell of [`JobSpec::shell`].
pub(super) const SHELL: &str = "/bin/sh";

/// A checked description of one job. Made by [`JobSpec::command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    argv: Vec<OsString>,
    env: Env,
    cwd: Option<PathBuf>,
    limits: Limits,
    cgroup_parent: Option<PathBuf>,
    isolation: Isolation,
    time: Option<Duration>,
    cpu_time: Option<Duration>,
    idle: Option<Duration>,
    grace: Duration,
    log_max: u64,
    terminal: Option<Window>,
    overflow: Overflow,
    output_limit: Option<u64>,
    store: Store,
    log_file: Option<LogFile>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
    on_drop: OnDrop,
    restart: RestartPolicy,
    nice: Option<u8>,
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
                cgroup_parent: None,
                isolation: Isolation::default(),
                time: None,
                cpu_time: None,
                idle: None,
                grace: DEFAULT_GRACE,
                log_max: DEFAULT_LOG_MAX,
                terminal: None,
                overflow: Overflow::default(),
                output_limit: None,
                store: Store::default(),
                log_file: None,
                name: None,
                labels: BTreeMap::new(),
                on_drop: OnDrop::default(),
                restart: RestartPolicy::default(),
                nice: None,
            },
            shown: None,
        }
    }

    /// Begins the description of a job that hands `script` to `/bin/sh -c`. A script that begins with a hyphen would be taken
    /// for the shell's options.
    pub fn shell(script: impl Into<OsString>) -> JobSpecBuilder {
        Self::command(SHELL).arg("-c").arg(script)
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

    /// The cgroup of another manager's that the cell is made below, from the root of cgroup v2, if the caller named one.
    pub fn cgroup_parent(&self) -> Option<&Path> {
        self.cgroup_parent.as_deref()
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

    /// The size of the terminal that it has to begin with, if it has one.
    pub fn terminal(&self) -> Option<Window> {
        self.terminal
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
