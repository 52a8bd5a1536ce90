//! From the flags of `ironcell run` to a checked description of the job. Pure: what it needs of the caller is handed in.

use super::env::environment;
use super::mounts::Kind;
use super::{CellArgs, NetArg, ProfileArg};
use crate::spec::{Access, CgroupFile, Hostname, Isolation, JobSpec, Limits, MountSpec, Net, Root, SpecError, units};
use crate::spec::{IoMax, IoTarget, Overflow, Profile, SeccompRules, Window, absolute};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

/// Output that ironcell has read and the caller has not: as much as another large pipe would hold.
const IN_FLIGHT_MOST: u64 = 256 << 10;

/// What the flags mean depends on who calls.
pub struct Caller<'a> {
    /// The current directory, absolute; empty when there is none.
    pub cwd: &'a Path,
    /// The caller's own environment.
    pub var: &'a dyn Fn(&OsStr) -> Option<OsString>,
    /// Reads an `--env-file` or the rules of `--seccomp`.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// The size of the terminal that the job shall have, if it shall have one.
    pub window: Option<Window>,
}

/// The job that the flags describe, with this command.
///
/// # Errors
/// Names the first flag that has no meaning, its value, and what would be right.
pub fn spec_of(args: &CellArgs, command: &[OsString], caller: &Caller) -> Result<JobSpec, SpecError> {
    let (program, rest) = command.split_first().map_or((OsString::new(), &[][..]), |(p, r)| (p.clone(), r));
    let mut job = JobSpec::command(program)
        .args(rest.iter().cloned())
        .limits(limits(args, caller.cwd)?)
        .isolation(isolation(args, caller)?)
        .env(environment(&args.env, &args.env_file, caller)?);
    if let Some(cwd) = &args.cwd {
        job = job.cwd(absolute("--cwd", caller.cwd, cwd)?);
    }
    if let Some(time) = &args.time {
        job = job.time(units::duration("--time", time)?);
    }
    if let Some(time) = &args.cpu_time {
        job = job.cpu_time(units::duration("--cpu-time", time)?);
    }
    if let Some(time) = &args.idle {
        job = job.idle(units::duration("--idle", time)?);
    }
    if let Some(grace) = &args.grace {
        job = job.grace(units::duration("--grace", grace)?);
    }
    if let Some(size) = &args.output_limit {
        // The caller is waited for, as he is where the job has his descriptors.
        job = job.output_limit(units::size("--output-limit", size)?).overflow(Overflow::Block).log_max(IN_FLIGHT_MOST);
    }
    if let Some(window) = caller.window {
        // As a terminal, which waits for whoever looks at it.
        job = job.terminal(window).overflow(Overflow::Block).log_max(IN_FLIGHT_MOST);
    }
    if let Some(name) = &args.name {
        job = job.name(name);
    }
    for label in &args.label {
        let (key, value) = pair("--label", label, "write KEY=VALUE")?;
        job = job.label(key, value);
    }
    job.build()
}

/// The limits, each by its own reader.
fn limits(args: &CellArgs, cwd: &Path) -> Result<Limits, SpecError> {
    let mut limits = Limits {
        memory_max: read("--memory", args.memory.as_deref(), units::memory_limit)?,
        memory_high: read("--memory-high", args.memory_high.as_deref(), units::memory_limit)?,
        memory_swap_max: read("--swap", args.swap.as_deref(), units::swap_limit)?,
        cpu_max: read("--cpus", args.cpus.as_deref(), units::cpu_max)?,
        cpu_weight: read("--cpu-weight", args.cpu_weight.as_deref(), units::weight)?,
        cpuset_cpus: read("--cpuset", args.cpuset.as_deref(), units::cpuset)?,
        io_weight: read("--io-weight", args.io_weight.as_deref(), units::weight)?,
        pids_max: read("--pids", args.pids.as_deref(), units::pids_limit)?,
        ..Limits::default()
    };
    for text in &args.io_max {
        limits.io_max.push(on_disk(units::io_max("--io-max", text)?, cwd)?);
    }
    for text in &args.rlimit {
        let limit = units::rlimit("--rlimit", text)?;
        // The last one counts, as with any flag that is given twice.
        limits.rlimits.retain(|known| known.resource != limit.resource);
        limits.rlimits.push(limit);
    }
    for text in &args.cgroup {
        let (file, value) = pair("--cgroup", text, "write FILE=VALUE, as memory.low=64M")?;
        limits.cgroup_files.push(CgroupFile::new(file, value)?);
    }
    Ok(limits)
}

/// A flag's value read, if the flag was given.
fn read<T>(
    field: &str,
    text: Option<&str>,
    reader: impl Fn(&str, &str) -> Result<T, SpecError>,
) -> Result<Option<T>, SpecError> {
    text.map(|text| reader(field, text)).transpose()
}

/// A relative path of a disk begins at the caller's directory.
fn on_disk(io: IoMax, cwd: &Path) -> Result<IoMax, SpecError> {
    match io.target {
        IoTarget::Path(path) => Ok(IoMax { target: IoTarget::Path(absolute("--io-max", cwd, &path)?), ..io }),
        IoTarget::Number { .. } => Ok(io),
    }
}

/// The walls.
fn isolation(args: &CellArgs, caller: &Caller) -> Result<Isolation, SpecError> {
    let cwd = caller.cwd;
    let mut walls = Isolation::default();
    if let Some(dir) = &args.rootfs {
        let access = if args.rootfs_rw { Access::ReadWrite } else { Access::ReadOnly };
        walls.root = Root::Dir { path: absolute("--rootfs", cwd, dir)?, access };
    }
    for (kind, text) in &args.mounts.0 {
        walls.mounts.push(mount(*kind, text, cwd)?);
    }
    walls.net = match args.net {
        None | Some(NetArg::None) => Net::None,
        Some(NetArg::Host) => Net::Host,
    };
    if let Some(name) = &args.hostname {
        walls.hostname = Hostname::new(name)?;
    }
    if let Some(user) = &args.user {
        walls.user = units::user("--user", user)?;
    }
    walls.profile = args.profile.map_or_else(Profile::default, profile);
    walls.seccomp = args.seccomp.as_deref().map(|file| rules(file, caller)).transpose()?;
    Ok(walls)
}

/// The profile of a word.
fn profile(word: ProfileArg) -> Profile {
    match word {
        ProfileArg::Strict => Profile::Strict,
        ProfileArg::Default => Profile::Default,
        ProfileArg::Build => Profile::Build,
        ProfileArg::Compat => Profile::Compat,
    }
}

/// The rules in a file of Docker's format.
fn rules(file: &Path, caller: &Caller) -> Result<SeccompRules, SpecError> {
    let refuse = |problem: String| {
        let expected = "name a file with a seccomp profile as Docker and Podman read it";
        SpecError::new("--seccomp", file.as_os_str().as_encoded_bytes(), problem, expected)
    };
    let text = (caller.read)(file).map_err(|error| refuse(format!("it cannot be read ({error})")))?;
    let rules: SeccompRules = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
    rules.checked("--seccomp")
}

/// One mount.
fn mount(kind: Kind, text: &OsStr, cwd: &Path) -> Result<MountSpec, SpecError> {
    match kind {
        Kind::ReadOnly => units::bind("--ro", text, Access::ReadOnly, cwd),
        Kind::ReadWrite => units::bind("--rw", text, Access::ReadWrite, cwd),
        Kind::Tmpfs => units::tmpfs("--tmpfs", text),
    }
}

/// `KEY=VALUE` at the first `=`.
fn pair<'a>(field: &str, text: &'a str, expected: &str) -> Result<(&'a str, &'a str), SpecError> {
    text.split_once('=').ok_or_else(|| SpecError::new(field, text, "there is no =", expected))
}
