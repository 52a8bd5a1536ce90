//! A job's description under construction: part by part, and checked as a whole.

use super::{JobSpec, check};
use crate::spec::mounts::cell_path;
use crate::spec::{Env, Isolation, Limits, LogFile, MountSpec, Overflow, SpecError, Store, Window};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Collects a job's description; [`JobSpecBuilder::build`] checks it as a whole.
#[derive(Debug, Clone)]
pub struct JobSpecBuilder {
    pub(super) spec: JobSpec,
    /// What is mounted on top of all else, whatever walls were taken.
    pub(super) shown: Option<MountSpec>,
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

    /// Makes the cell below another manager's cgroup: its path from the root of cgroup v2, as `/proc/PID/cgroup` has it
    /// (`/system.slice/ci.service`). What limits that cgroup limits the job as well. It must be there, hold no cell, and have
    /// the controllers that the job's limits need, or no process of its own, so that they can be enabled: else the start is
    /// refused. Under systemd it should be a unit with `Delegate=yes`. When its last cell is gone, so is all that was made there,
    /// and controllers that were enabled for it are disabled again. Kernel 5.14.
    pub fn cgroup_parent(mut self, cgroup: impl Into<PathBuf>) -> Self {
        self.spec.cgroup_parent = Some(cgroup.into());
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

    /// How much of the output a log keeps ([`Stdio::Log`](crate::spec::Stdio::Log)), in bytes of memory, 64 KiB to 1 GiB; 4 MiB when nothing is said.
    /// Beyond that the oldest output is given up, up to 16 KiB at once, and readers are told of the gap. Each run of bytes
    /// that came together costs about 150 bytes more, so a job that writes single bytes keeps less.
    pub fn log_max(mut self, bytes: u64) -> Self {
        self.spec.log_max = bytes;
        self
    }

    /// Gives the job a terminal of its own, in its own devpts(5): its standard input, output, error and controlling
    /// terminal. What it writes goes to its log, as standard output; what it reads is written by `Job::terminal`. Its
    /// `StdioSet` must say nothing else. Kernel 4.13.
    pub fn terminal(mut self, window: Window) -> Self {
        self.spec.terminal = Some(window);
        self
    }

    /// What happens when the log is full; the oldest output is given up when nothing is said.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.spec.overflow = overflow;
        self
    }

    /// Stops the job when it has written more than so many bytes to standard output and standard error together; 0 is that
    /// it may write nothing. What it wrote up to the limit is kept and told as any output; what comes beyond is counted, and
    /// goes nowhere. Only what goes into the log ([`Stdio::Log`](crate::spec::Stdio::Log)) can be counted: with a descriptor of the caller's as one of
    /// the two the start is refused, and what goes to `/dev/null` is no output.
    pub fn output_limit(mut self, bytes: u64) -> Self {
        self.spec.output_limit = Some(bytes);
        self
    }

    /// Where the log keeps the output; in memory when nothing is said. Only what goes into the log ([`Stdio::Log`](crate::spec::Stdio::Log)).
    pub fn store(mut self, store: Store) -> Self {
        self.spec.store = store;
        self
    }

    /// A plain file that the output is written to as well, both streams in the order in which they were read. Only what goes
    /// into the log ([`Stdio::Log`](crate::spec::Stdio::Log)). The start is refused when it cannot be opened; the job waits for its disk.
    pub fn log_file(mut self, file: LogFile) -> Self {
        self.spec.log_file = Some(file);
        self
    }

    /// The caller's own name for the job. Among an owner's jobs that have not ended, no two have the same.
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
        check::cgroup_parent(self.spec.cgroup_parent.as_deref())?;
        check::times(&self.spec)?;
        check::log_max(self.spec.log_max)?;
        check::store(self.spec.store)?;
        check::name(self.spec.name.as_deref())?;
        check::labels(&self.spec.labels)?;
        check::restart(&mut self.spec)?;
        check::nice(self.spec.nice)?;
        self.spec.isolation.mounts.extend(self.shown);
        Ok(self.spec)
    }
}
