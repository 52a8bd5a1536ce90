//! From the flags of `ironcell run`, and the file of `--spec` below them, to a checked description of the job. Pure: what
//! it needs of the caller is handed in.

use super::{CellArgs, EnvFromArg, NetArg, ProfileArg};
use crate::spec::words::{Caller, Words};
use crate::spec::{JobSpec, Net, Overflow, Profile, Restart, SpecError, Window};
use std::ffi::OsString;

/// Output that ironcell has read and the caller has not: as much as another large pipe would hold.
const IN_FLIGHT_MOST: &str = "256K";

/// The job that the flags describe, with this command unless it is empty and a file has one; `window` is the size of the
/// terminal that the flags give it.
///
/// # Errors
/// Names the first flag or key that has no meaning, its value, and what would be right.
pub fn spec_of(
    args: &CellArgs,
    command: &[OsString],
    window: Option<Window>,
    caller: &Caller,
) -> Result<JobSpec, SpecError> {
    let mut words = words_of(args, command, window, caller)?;
    if ["output_limit", "terminal", "log_file", "log_dir"].iter().any(|key| words.says(key)) {
        // What it writes is read and handed on: the caller is waited for, as he is where the job has his descriptors.
        words.flag("overflow", Some(Overflow::Block.word()));
        words.flag("log_max", Some(IN_FLIGHT_MOST));
    }
    one_run(words.into_spec(caller)?)
}

/// What is run here has one end, which is told: its caller can call again.
fn one_run(spec: JobSpec) -> Result<JobSpec, SpecError> {
    match spec.restart().when {
        Restart::Never => Ok(spec),
        when => {
            let problem = "a run has one end, and returns it";
            let expected = "leave it out, or give the job to a daemon: ironcell start --restart";
            Err(SpecError::new("--restart", when.word(), problem, expected))
        }
    }
}

/// The same as words, whoever is to hold the job.
///
/// # Errors
/// Names a file that cannot be read, or has no meaning.
pub fn words_of(
    args: &CellArgs,
    command: &[OsString],
    window: Option<Window>,
    caller: &Caller,
) -> Result<Words, SpecError> {
    let below = args.spec.as_deref().map(|path| Words::of_file(path, caller)).transpose()?;
    let mut flags = words(args);
    flags.flag_command(command);
    flags.flag("terminal", window.map(|window| window.to_string()));
    Ok(below.unwrap_or_default().with_flags(flags))
}

/// The flags as words.
fn words(args: &CellArgs) -> Words {
    let mut words = Words::default();
    words.flag("memory", args.memory.as_ref());
    words.flag("memory_high", args.memory_high.as_ref());
    words.flag("swap", args.swap.as_ref());
    words.flag("cpus", args.cpus.as_ref());
    words.flag("cpu_weight", args.cpu_weight.as_ref());
    words.flag("cpuset", args.cpuset.as_ref());
    words.flags("io_max", &args.io_max);
    words.flag("io_weight", args.io_weight.as_ref());
    words.flag("pids", args.pids.as_ref());
    words.flags("rlimit", &args.rlimit);
    words.flags("cgroup", &args.cgroup);
    words.flag("cgroup_parent", args.cgroup_parent.as_ref());
    words.flag("time", args.time.as_ref());
    words.flag("cpu_time", args.cpu_time.as_ref());
    words.flag("idle", args.idle.as_ref());
    words.flag("output_limit", args.output_limit.as_ref());
    words.flag("grace", args.grace.as_ref());
    words.flag("nice", args.nice.as_ref());
    words.flag("restart", args.restart.as_ref());
    words.flag("restart_count", args.restart_count.as_ref());
    words.flag("restart_delay", args.restart_delay.as_ref());
    words.flag("restart_min_uptime", args.restart_min_uptime.as_ref());
    words.flag("rootfs", args.rootfs.as_ref());
    words.flag("rootfs_rw", args.rootfs_rw.then_some("true"));
    words.flag_mounts(args.mounts.0.iter().map(|(kind, text)| (*kind, text.as_os_str())));
    words.flag("cwd", args.cwd.as_ref());
    words.flag("net", args.net.map(|net| net_of(net).word()));
    words.flag("profile", args.profile.map(|word| profile(word).word()));
    words.flag_seccomp(args.seccomp.as_deref());
    words.flag("env_from", args.env_from.map(EnvFromArg::word));
    words.flag_env(&args.env_file, &args.env);
    words.flag("hostname", args.hostname.as_ref());
    words.flag("user", args.user.as_ref());
    words.flag("name", args.name.as_ref());
    words.flags("label", &args.label);
    words
}

/// The network of a word.
fn net_of(word: NetArg) -> Net {
    match word {
        NetArg::None => Net::None,
        NetArg::Host => Net::Host,
    }
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
