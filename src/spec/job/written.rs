//! A job's description written as words again: the members of a file that describes the same job.

use super::{DEFAULT_GRACE, DEFAULT_LOG_MAX, JobSpec};
use crate::spec::file::print::bytes;
use crate::spec::file::{Node, What};
use crate::spec::units::{Size, Span};
use crate::spec::{
    Access, Env, IoMax, IoTarget, Isolation, Keep, Limits, LogFile, MountSpec, OnDrop, Overflow, RestartPolicy, Root,
    SeccompRules, Store,
};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

type Members = Vec<(&'static str, Node)>;

impl JobSpec {
    /// Key and value of all that is not as by default. Every field is named here: one that is added must be written, too.
    pub(in crate::spec) fn members(&self) -> Members {
        let Self {
            argv,
            env,
            cwd,
            limits,
            cgroup_parent,
            isolation,
            time,
            cpu_time,
            idle,
            grace,
            log_max,
            overflow,
            output_limit,
            terminal,
            store,
            log_file,
            on_drop,
            restart,
            nice,
            name,
            labels,
        } = self;
        let mut members = vec![("argv", list(argv.iter().map(|arg| bytes(arg))))];
        limit_members(limits, &mut members);
        members.extend(cgroup_parent.as_deref().map(|path| ("cgroup_parent", bytes(path.as_os_str()))));
        let times = [("time", time), ("cpu_time", cpu_time), ("idle", idle)];
        members.extend(times.into_iter().filter_map(|(key, time)| time.map(|time| (key, text(Span(time))))));
        members.extend((*grace != DEFAULT_GRACE).then(|| ("grace", text(Span(*grace)))));
        wall_members(isolation, &mut members);
        members.extend(cwd.as_deref().map(|cwd| ("cwd", bytes(cwd.as_os_str()))));
        env_members(env, &mut members);
        members.extend(name.as_ref().map(|name| ("name", text(name))));
        let labels = labels.iter().map(|(key, value)| text(format!("{key}={value}")));
        members.extend(some_list("label", labels));
        members.extend(output_limit.map(|bytes| ("output_limit", text(Size(bytes)))));
        members.extend((*overflow != Overflow::default()).then(|| ("overflow", text(overflow.word()))));
        members.extend(terminal.map(|window| ("terminal", text(window))));
        store_members(store, &mut members);
        members.extend(log_file.as_ref().map(|file| match file {
            LogFile::At(path) => ("log_file", bytes(path.as_os_str())),
            LogFile::In(dir) => ("log_dir", bytes(dir.as_os_str())),
        }));
        members.extend((*on_drop != OnDrop::default()).then(|| ("on_drop", text(on_drop.word()))));
        restart_members(restart, &mut members);
        members.extend(nice.map(|nice| ("nice", text(nice))));
        members.extend((*log_max != DEFAULT_LOG_MAX).then(|| ("log_max", text(Size(*log_max)))));
        members
    }
}

/// The spool, where there is one.
fn store_members(store: &Store, members: &mut Members) {
    if let Store::Spool { max, keep } = store {
        members.push(("spool", text(Size(*max))));
        members.extend((*keep == Keep::Always).then(|| ("spool_keep", What::Switch(true).nowhere())));
    }
}

/// The policy, where there is one.
fn restart_members(policy: &RestartPolicy, members: &mut Members) {
    let RestartPolicy { when, count, delay, min_uptime } = policy;
    let default = RestartPolicy::default();
    if *when == default.when {
        return;
    }
    members.push(("restart", text(when.word())));
    members.extend((*count != default.count).then(|| ("restart_count", text(count))));
    members.extend((*delay != default.delay).then(|| ("restart_delay", text(Span(*delay)))));
    members.extend((*min_uptime != default.min_uptime).then(|| ("restart_min_uptime", text(Span(*min_uptime)))));
}

fn text(value: impl ToString) -> Node {
    What::Text(value.to_string()).nowhere()
}

fn list(items: impl Iterator<Item = Node>) -> Node {
    What::List(items.collect()).nowhere()
}

/// A list that is left out when it is empty.
fn some_list(key: &'static str, items: impl Iterator<Item = Node>) -> Option<(&'static str, Node)> {
    let items: Vec<Node> = items.collect();
    (!items.is_empty()).then(|| (key, What::List(items).nowhere()))
}

fn limit_members(limits: &Limits, members: &mut Members) {
    let Limits {
        memory_max,
        memory_high,
        memory_swap_max,
        cpu_max,
        cpu_weight,
        cpuset_cpus,
        io_max,
        io_weight,
        pids_max,
        rlimits,
        cgroup_files,
    } = limits;
    members.extend(memory_max.map(|limit| ("memory", text(limit))));
    members.extend(memory_high.map(|limit| ("memory_high", text(limit))));
    members.extend(memory_swap_max.map(|limit| ("swap", text(limit))));
    members.extend(cpu_max.map(|limit| ("cpus", text(limit))));
    members.extend(cpu_weight.map(|weight| ("cpu_weight", text(weight))));
    members.extend(cpuset_cpus.as_ref().map(|cpus| ("cpuset", text(cpus))));
    members.extend(some_list("io_max", io_max.iter().map(disk)));
    members.extend(io_weight.map(|weight| ("io_weight", text(weight))));
    members.extend(pids_max.map(|limit| ("pids", text(limit))));
    members.extend(some_list("rlimit", rlimits.iter().map(text)));
    let files = cgroup_files.iter().map(|file| text(format!("{}={}", file.file(), file.value())));
    members.extend(some_list("cgroup", files));
}

/// A line of io.max, its path byte for byte.
fn disk(io: &IoMax) -> Node {
    let (line, shown) = (io.to_string(), io.target.to_string());
    match &io.target {
        IoTarget::Number { .. } => text(line),
        IoTarget::Path(path) => {
            let mut typed = path.as_os_str().to_owned();
            typed.push(&line[shown.len()..]);
            bytes(&typed)
        }
    }
}

fn wall_members(walls: &Isolation, members: &mut Members) {
    let Isolation { root, mounts, net, hostname, user, profile, seccomp } = walls;
    let default = Isolation::default();
    if let Root::Dir { path, access } = root {
        members.push(("rootfs", bytes(path.as_os_str())));
        members.extend((*access == Access::ReadWrite).then(|| ("rootfs_rw", What::Switch(true).nowhere())));
    }
    members.extend(some_list("mounts", mounts.iter().map(mount)));
    members.extend((*net != default.net).then(|| ("net", text(net.word()))));
    members.extend((*hostname != default.hostname).then(|| ("hostname", text(hostname.as_str()))));
    members.extend((*user != default.user).then(|| ("user", text(user))));
    members.extend((*profile != default.profile).then(|| ("profile", text(profile.word()))));
    members.extend(seccomp.as_ref().map(|rules| ("seccomp", rule_node(rules))));
}

/// A mount by its flag's name, its paths byte for byte.
fn mount(mount: &MountSpec) -> Node {
    let (word, typed) = match mount {
        MountSpec::Bind { source, target, access } => {
            let word = if *access == Access::ReadWrite { "rw" } else { "ro" };
            let target = (source != target).then(|| escaped(target));
            (word, joined(escaped(source), target))
        }
        MountSpec::Tmpfs { target, size } => {
            ("tmpfs", joined(escaped(target), size.map(|size| format!("size={}", Size(size)).into())))
        }
    };
    What::Table(vec![(word.to_owned(), bytes(&typed))]).nowhere()
}

fn joined(mut first: OsString, second: Option<OsString>) -> OsString {
    if let Some(second) = second {
        first.push(":");
        first.push(second);
    }
    first
}

/// A colon of a path is not one between paths.
fn escaped(path: &Path) -> OsString {
    let escape = |byte: &u8| if b":\\".contains(byte) { vec![b'\\', *byte] } else { vec![*byte] };
    OsString::from_vec(path.as_os_str().as_bytes().iter().flat_map(escape).collect())
}

/// The rules in Docker's format, without the members that say nothing: TOML has no null.
fn rule_node(rules: &SeccompRules) -> Node {
    let json = serde_json::to_string(rules).unwrap_or_default();
    let node = serde_json::from_str(&json).unwrap_or_else(|_| What::Null.nowhere());
    without_null(node)
}

fn without_null(node: Node) -> Node {
    let what = match node.what {
        What::Table(members) => {
            let said = members.into_iter().filter(|(_, member)| member.what != What::Null);
            What::Table(said.map(|(key, member)| (key, without_null(member))).collect())
        }
        What::List(items) => What::List(items.into_iter().map(without_null).collect()),
        other => other,
    };
    what.nowhere()
}

/// What differs from the default; all of it, when the default's own variables do not stand first.
fn env_members(env: &Env, members: &mut Members) {
    let set = |(name, value): (&OsStr, &OsStr)| {
        let mut typed = name.to_owned();
        typed.push("=");
        typed.push(value);
        bytes(&typed)
    };
    let default = Env::default();
    let defaults = default.iter().count();
    let begins = !env.is_inherited()
        && env.iter().count() >= defaults
        && default.iter().zip(env.iter()).all(|((default, _), (name, _))| default == name);
    if begins {
        let changed = default.iter().zip(env.iter()).filter(|(default, own)| default.1 != own.1).map(|(_, own)| own);
        members.extend(some_list("env", changed.chain(env.iter().skip(defaults)).map(set)));
    } else {
        members.push(("env_from", text("none")));
        members.extend(some_list("env", env.iter().map(set)));
    }
}
