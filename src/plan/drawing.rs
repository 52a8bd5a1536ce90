//! PURE: a plan as people read it: `ironcell run --dry-run`.

use super::{Origin, Plan};
use crate::spec::Resource;
use init_shim::step::Step;
use init_shim::wire::{IdMapping, RootFs, Source, What};
use std::fmt;

/// A plan drawn: sections with a title and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// In the order in which things will be done.
    pub sections: Vec<Section>,
    /// The plan's digest.
    pub digest: String,
}

/// One part of a drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<String>,
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(f, "{}", section.title)?;
            for line in &section.lines {
                writeln!(f, "  {line}")?;
            }
        }
        writeln!(f, "digest\n  sha256:{}", self.digest)
    }
}

impl Plan {
    /// The plan as people read it.
    pub fn draw(&self) -> Drawing {
        let section = |title, lines| Section { title, lines };
        let all = [
            section("command", self.command()),
            section("cgroup (written and read back before any process exists)", self.cgroup()),
            section("root", self.root()),
            section("mounts", self.mounts()),
            section("credentials", self.credentials()),
            section("walls", self.walls()),
            section("rlimits", self.limits()),
            section("steps", self.steps()),
            section("notes", self.notes.clone()),
        ];
        let sections = all.into_iter().filter(|section| !section.lines.is_empty()).collect();
        Drawing { sections, digest: self.digest() }
    }

    /// The catalogue, but for the one of two that is not done: descriptors are placed, or are a terminal.
    fn steps(&self) -> Vec<String> {
        let not_done = if self.order.terminal.is_some() { Step::PlaceStdio } else { Step::OpenTerminal };
        let done = Step::ALL.iter().filter(|step| **step != not_done);
        done.map(|step| format!("{} {}", *step as u16, step.words())).collect()
    }

    fn command(&self) -> Vec<String> {
        let argv: Vec<String> = self.order.argv.iter().map(|arg| format!("{:?}", text(arg))).collect();
        let mut lines = vec![argv.join(" "), format!("in {}", text(&self.order.cwd))];
        lines.extend(
            self.order.terminal.map(|window| format!("on a terminal of {} by {}", window.rows, window.columns)),
        );
        lines.extend(self.order.env.iter().map(|var| format!("env {}", text(var))));
        lines
    }

    fn cgroup(&self) -> Vec<String> {
        let line = |setting: &super::Setting| {
            let origin = match setting.origin {
                Origin::Asked => setting.field.clone(),
                Origin::Default => "default".to_owned(),
                Origin::House => "always".to_owned(),
            };
            format!("{} = {}  ({origin})", setting.file, setting.value)
        };
        self.settings.iter().map(line).collect()
    }

    fn root(&self) -> Vec<String> {
        match &self.order.root {
            RootFs::Fresh { size, inodes } => {
                vec![format!("a fresh tmpfs of {size} bytes and {inodes} inodes, read-only once furnished")]
            }
            RootFs::Tree(source) => vec![bound(source)],
        }
    }

    fn mounts(&self) -> Vec<String> {
        let line = |entry: &init_shim::wire::Entry| {
            let path = text(&entry.path);
            match &entry.what {
                What::Directory { mode } => format!("{path}  directory {mode:04o}"),
                What::Link { target } => format!("{path}  -> {}", text(target)),
                What::File { content } => format!("{path}  file of {} bytes", content.len()),
                What::BindDirectory(source) | What::BindFile(source) => format!("{path}  {}", bound(source)),
                What::Device { major, minor, .. } => format!("{path}  device {major}:{minor}"),
                What::Tmpfs { size, mode, .. } => format!("{path}  tmpfs of {size} bytes, mode {mode:04o}"),
                What::Proc => format!("{path}  proc, own processes only"),
                What::Pts => format!("{path}  devpts, own terminals only"),
                What::WholeProc => format!("{path}  proc, the whole"),
                What::Sys => format!("{path}  sysfs, read-only"),
                What::Queues => format!("{path}  mqueue, own queues only"),
                What::Hidden => format!("{path}  hidden"),
                What::ReadOnly => format!("{path}  read-only"),
            }
        };
        self.order.entries.iter().map(line).collect()
    }

    fn credentials(&self) -> Vec<String> {
        let order = &self.order;
        let network = if order.own_network { "own, loopback only" } else { "the host's" };
        vec![
            format!("user {} group {}, no other group; on the host a user of nobody's", order.uid, order.gid),
            "no capability in any set, secure bits locked, no_new_privs".to_owned(),
            "namespaces: user, pid, mount, ipc, uts, cgroup".to_owned(),
            format!("network: {network}"),
            format!("host name {}", order.hostname),
            format!("oom_score_adj {}, umask {:04o}", order.oom_score_adj, order.umask),
        ]
    }

    fn walls(&self) -> Vec<String> {
        let walls = &self.walls;
        let landlock = walls.landlock.map_or_else(
            || "not on this kernel".to_owned(),
            |version| format!("version {version}: files can be written only where the mounts say so"),
        );
        let mut lines = vec![
            format!(
                "profile {}: {} system calls{}, all others are refused",
                walls.profile,
                walls.system_calls,
                if walls.own_rules { " by the rules of --seccomp" } else { "" }
            ),
            format!("filter: {} instructions, {} for PID 1", self.order.filter.len(), self.order.init_filter.len()),
            format!("Landlock: {landlock}"),
            "devices: null, zero, full, random, urandom, tty and the cell's own terminals".to_owned(),
        ];
        lines.extend(walls.lacking.iter().map(|what| format!("on this host {}", what.words())));
        lines.extend(walls.relaxed.iter().map(|one| format!("relaxed by {}: {}", one.flag, one.means)));
        lines
    }

    fn limits(&self) -> Vec<String> {
        let value = |value: u64| if value == u64::MAX { "unlimited".to_owned() } else { value.to_string() };
        let name =
            |number: u32| Resource::ALL.into_iter().find(|known| *known as u32 == number).map_or("?", Resource::name);
        let line = |limit: &init_shim::wire::Rlimit| {
            format!("{} = {}:{}", name(limit.resource), value(limit.soft), value(limit.hard))
        };
        self.order.rlimits.iter().map(line).collect()
    }
}

/// A host's path in the cell.
fn bound(source: &Source) -> String {
    let access = if source.writable { "read-write" } else { "read-only" };
    let ids = match source.ids {
        IdMapping::Plain => String::new(),
        IdMapping::Owner { uid, gid } => format!(", the job's files belong to {uid}:{gid} on the host"),
        IdMapping::Cell => ", ids of the cell as they are".to_owned(),
    };
    format!("bind {} {access}, nosuid, nodev{ids}", text(&source.path))
}

/// Bytes as text.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
