//! A job: the command and all that surrounds it. `JobSpec::command("make").arg("-j2").build()?`.

use super::mounts::cell_path;
use super::{Env, Isolation, Limits, SpecError};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// MAX_ARG_STRLEN of execve(2): 32 pages, with the closing NUL.
pub const ARG_MOST_BYTES: usize = 128 * 1024 - 1;
/// Arguments and environment together: a quarter of the usual 8 MiB stack, as execve(2) allows.
pub const ARGS_MOST_BYTES: usize = 2 * 1024 * 1024;
/// Time between the soft and the hard stop when the caller names none.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// A name or a label's key or value.
const LABEL_MOST_BYTES: usize = 128;

/// Where one of the target's first three descriptors comes from.
#[derive(Debug, Default)]
pub enum Stdio {
    /// `/dev/null`.
    #[default]
    Null,
    /// A descriptor of the caller's, handed to the target as it is, byte for byte.
    Fd(OwnedFd),
}

/// The target's first three descriptors.
#[derive(Debug, Default)]
pub struct StdioSet {
    /// Descriptor 0.
    pub stdin: Stdio,
    /// Descriptor 1.
    pub stdout: Stdio,
    /// Descriptor 2.
    pub stderr: Stdio,
}

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
        check_argv(&self.spec.argv)?;
        check_exec_size(&self.spec)?;
        if let Some(cwd) = &self.spec.cwd {
            self.spec.cwd = Some(cell_path("--cwd", cwd)?);
        }
        for (field, time) in
            [("--time", self.spec.time), ("--cpu-time", self.spec.cpu_time), ("--idle", self.spec.idle)]
        {
            if time.is_some_and(|time| time.is_zero()) {
                let expected = "write a duration, as 30s, or leave it out";
                return Err(SpecError::new(field, "0", "a job needs time to run", expected));
            }
        }
        check_name(self.spec.name.as_deref())?;
        check_labels(&self.spec.labels)?;
        Ok(self.spec)
    }
}

/// A program, and no NUL or overlong string that execve(2) would refuse or cut.
fn check_argv(argv: &[OsString]) -> Result<(), SpecError> {
    if argv.first().is_none_or(|program| program.is_empty()) {
        return Err(SpecError::new("argv[0]", "", "there is no program", "name a program after --"));
    }
    for (index, arg) in argv.iter().enumerate() {
        let bytes = arg.as_bytes();
        if bytes.contains(&0) {
            return Err(SpecError::new(
                format!("argv[{index}]"),
                bytes,
                "it has a NUL byte",
                "an argument ends at the first NUL",
            ));
        }
        if bytes.len() > ARG_MOST_BYTES {
            let problem = format!("it has {} bytes, the kernel takes {ARG_MOST_BYTES} an argument", bytes.len());
            return Err(SpecError::new(
                format!("argv[{index}]"),
                bytes,
                problem,
                "pass long input by a file or standard input",
            ));
        }
    }
    Ok(())
}

/// What execve(2) counts: every string with its NUL and its pointer.
fn check_exec_size(spec: &JobSpec) -> Result<(), SpecError> {
    let cost = |s: &OsStr| s.as_bytes().len() + 1 + size_of::<usize>();
    for (name, value) in spec.env.iter() {
        if name.len() + value.len() + 1 > ARG_MOST_BYTES {
            let field = format!("--env {}", name.to_string_lossy());
            return Err(SpecError::new(
                field,
                value.as_bytes(),
                "longer than the kernel takes",
                "pass long input by a file",
            ));
        }
    }
    let args: usize = spec.argv.iter().map(|arg| cost(arg)).sum();
    let env: usize = spec.env.iter().map(|(name, value)| cost(name) + 1 + value.len()).sum();
    if args + env > ARGS_MOST_BYTES {
        let problem = format!("arguments and environment have {} bytes, at most {ARGS_MOST_BYTES} fit", args + env);
        return Err(SpecError::new(
            "argv",
            format!("{} arguments", spec.argv.len()),
            problem,
            "pass long input by a file",
        ));
    }
    Ok(())
}

/// One line of ordinary characters, so that a name is safe in any listing.
fn check_name(name: Option<&str>) -> Result<(), SpecError> {
    let Some(name) = name else { return Ok(()) };
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/@".contains(&b);
    if name.is_empty() || name.len() > LABEL_MOST_BYTES || !name.bytes().all(allowed) {
        let expected = format!("write 1 to {LABEL_MOST_BYTES} letters, digits or any of -_.:/@");
        return Err(SpecError::new("--name", name, "not a name", expected));
    }
    Ok(())
}

/// Keys as names; values any one line.
fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), SpecError> {
    for (key, value) in labels {
        check_name(Some(key)).map_err(|error| SpecError { field: format!("--label {key}"), ..error })?;
        if value.len() > LABEL_MOST_BYTES || value.chars().any(char::is_control) {
            let expected = format!("write one line of at most {LABEL_MOST_BYTES} bytes");
            return Err(SpecError::new(format!("--label {key}"), value, "not a label's value", expected));
        }
    }
    Ok(())
}
