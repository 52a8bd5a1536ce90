//! PURE: the walls of a job in words, for plan, report and `--verbose`: what is in force, and what the ask has relaxed.

use super::filter::Filter;
use super::host::Host;
use crate::spec::{
    Access, Isolation, JobSpec, LogFile, MemoryLimit, MountSpec, Net, PidsLimit, Profile, Resource, RlimitValue, Root,
};
use init_shim::wire::Landlock;
use std::path::Path;

/// What stands between a job and the kernel. That it stands was seen before the job's first instruction.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Walls {
    /// The profile's word.
    pub profile: &'static str,
    /// Whether the caller's own rules decide about system calls, in place of the profile's.
    pub own_rules: bool,
    /// System calls that can be made at all, with the right arguments.
    pub system_calls: usize,
    /// The version of Landlock that guards files a second time; `None` where the kernel has none that can.
    pub landlock: Option<u32>,
    /// What this host does not let ironcell do of it.
    pub lacking: Vec<Lacking>,
    /// What the ask has relaxed of the default's protection, by flag.
    pub relaxed: Vec<Relaxed>,
}

/// What a host does not let ironcell do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacking {
    /// The second wall around files.
    Landlock,
    /// An `oom_score_adj` that the job cannot lower.
    OomScore,
}

impl Lacking {
    /// What is lacking, and why.
    pub fn words(self) -> &'static str {
        match self {
            Self::Landlock => "no Landlock: not in this kernel, switched off, or older than 5.19",
            Self::OomScore => "the job may lower its oom_score_adj: ironcell has no CAP_SYS_RESOURCE here",
        }
    }
}

/// One thing that protects less than by default, because it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Relaxed {
    /// The flag, as it could be written.
    pub flag: String,
    /// What follows from it.
    pub means: &'static str,
}

/// The walls of this ask.
pub fn of(spec: &JobSpec, host: &Host, filter: &Filter, landlock: Option<&Landlock>) -> Walls {
    let walls = spec.isolation();
    let mut relaxed = Vec::new();
    relaxed.extend(kernel(walls));
    relaxed.extend(files(walls));
    relaxed.extend(spec.env().is_inherited().then(inherited));
    relaxed.extend(limits(spec));
    relaxed.extend(spec.log_file().map(written));
    Walls {
        profile: walls.profile.word(),
        own_rules: walls.seccomp.is_some(),
        system_calls: filter.allowed,
        landlock: host.landlock.filter(|_| landlock.is_some()),
        lacking: lacking(host, landlock),
        relaxed,
    }
}

/// What goes past every wall: the job chooses the bytes.
fn written(file: &LogFile) -> Relaxed {
    let (key, path) = match file {
        LogFile::At(path) => ("log_file", path),
        LogFile::In(dir) => ("log_dir", dir),
    };
    relaxed(format!("{key} {}", path.display()), "what the job writes is written to the host there")
}

fn relaxed(flag: impl Into<String>, means: &'static str) -> Relaxed {
    Relaxed { flag: flag.into(), means }
}

/// What this host does not let ironcell do.
fn lacking(host: &Host, landlock: Option<&Landlock>) -> Vec<Lacking> {
    let rules = landlock.is_none().then_some(Lacking::Landlock);
    let score = (!host.holds_oom_score).then_some(Lacking::OomScore);
    rules.into_iter().chain(score).collect()
}

/// What of the kernel can be reached.
fn kernel(walls: &Isolation) -> impl Iterator<Item = Relaxed> {
    let profile = match walls.profile {
        Profile::Strict | Profile::Default => None,
        Profile::Build => {
            Some(relaxed("--profile build", "the job may trace its own processes, and more calls can be made"))
        }
        Profile::Compat => Some(relaxed(
            "--profile compat",
            "as build, and /proc and /sys show the host's hardware and settings, read-only",
        )),
    };
    let rules =
        walls.seccomp.as_ref().map(|_| relaxed("--seccomp", "the caller's own rules decide which calls can be made"));
    let net =
        (walls.net == Net::Host).then(|| relaxed("--net host", "the host's network can be reached, loopback included"));
    let root =
        (walls.user.uid() == 0).then(|| relaxed("--user 0", "root of the cell's own files; nobody outside of it"));
    [profile, rules, net, root].into_iter().flatten()
}

/// What of the caller can be read.
fn inherited() -> Relaxed {
    relaxed("--env-from caller", "the job sees all variables of its caller, secrets among them")
}

/// What of the host can be written to.
fn files(walls: &Isolation) -> Vec<Relaxed> {
    let shown =
        |flag: &str, path: &Path| relaxed(format!("{flag} {}", path.display()), "the job writes to the host there");
    let root = match &walls.root {
        Root::Dir { path, access: Access::ReadWrite } => Some(shown("--rootfs-rw", path)),
        _ => None,
    };
    let binds = walls.mounts.iter().filter_map(|mount| match mount {
        MountSpec::Bind { source, access: Access::ReadWrite, .. } => Some(shown("--rw", source)),
        _ => None,
    });
    root.into_iter().chain(binds).collect()
}

/// Limits that are there by default and were taken away.
fn limits(spec: &JobSpec) -> impl Iterator<Item = Relaxed> {
    let limits = spec.limits();
    let memory = (limits.memory_max == Some(MemoryLimit::Max)).then(|| relaxed("--memory max", "memory has no limit"));
    let pids = (limits.pids_max == Some(PidsLimit::Max)).then(|| relaxed("--pids max", "processes have no limit"));
    let swap = (limits.memory_swap_max == Some(MemoryLimit::Max)).then(|| relaxed("--swap max", "swap has no limit"));
    const BOUNDS: [&str; 3] = ["memory.max", "memory.swap.max", "pids.max"];
    let files = limits.cgroup_files.iter().filter(|file| BOUNDS.contains(&file.file()) && file.value() == "max");
    let files: Vec<Relaxed> =
        files.map(|file| relaxed(format!("--cgroup {}=max", file.file()), "the bound is taken away")).collect();
    let core = limits.rlimits.iter().rev().find(|limit| limit.resource == Resource::Core);
    let dumps = core.is_some_and(|limit| (limit.soft, limit.hard) != (RlimitValue::Is(1), RlimitValue::Is(1)));
    let core =
        dumps.then(|| relaxed("--rlimit core", "a crash is handed to the host's core_pattern, which may be root's"));
    [memory, pids, swap, core].into_iter().flatten().chain(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, host::example};
    use crate::spec::{Env, Limits, User};

    #[test]
    fn the_defaults_relax_nothing_and_say_what_stands() {
        let spec = JobSpec::command("true").build().expect("a spec");
        let walls = Plan::of(&spec, &example()).expect("a plan").walls;
        assert_eq!((walls.profile, walls.landlock, walls.relaxed.len()), ("default", Some(7), 0));
        assert!(walls.system_calls <= 250 && walls.lacking.is_empty());
        let poor = Host { landlock: Some(1), holds_oom_score: false, ..example() };
        assert_eq!(Plan::of(&spec, &poor).expect("a plan").walls.lacking.len(), 2);
    }

    #[test]
    fn each_relaxation_is_named_by_its_flag() {
        let isolation = Isolation {
            net: Net::Host,
            user: User::new(0, 0).expect("a user"),
            profile: Profile::Build,
            ..Isolation::default()
        };
        let limits = Limits { memory_max: Some(MemoryLimit::Max), pids_max: Some(PidsLimit::Max), ..Limits::default() };
        let env = Env::inherited([("SECRET".into(), "s".into())]).expect("variables");
        let spec = JobSpec::command("true").isolation(isolation).limits(limits).env(env).build().expect("a spec");
        let walls = Plan::of(&spec, &example()).expect("a plan").walls;
        let flags: Vec<&str> = walls.relaxed.iter().map(|one| one.flag.as_str()).collect();
        let asked = ["--profile build", "--net host", "--user 0", "--env-from caller", "--memory max", "--pids max"];
        assert_eq!(flags, asked);
    }
}
