//! The host as data: what a plan needs to know of it. Gathered by `os::probe`, or written by hand in a test.

use super::cgroup::CpuList;
use std::path::PathBuf;

/// A controller of cgroup v2 that ironcell uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the kernel's cgroup-v2.rst documents each under this very name")]
pub enum Controller {
    Cpu,
    Cpuset,
    Io,
    Memory,
    Pids,
}

impl Controller {
    /// All of them, in the order in which reports name them.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Cpuset, Self::Io, Self::Memory, Self::Pids];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuset => "cpuset",
            Self::Io => "io",
            Self::Memory => "memory",
            Self::Pids => "pids",
        }
    }
}

/// Where jobs' cgroups are made, and what can be limited there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where cgroup v2 is mounted, as `/sys/fs/cgroup` or `/sys/fs/cgroup/unified`.
    pub mount: PathBuf,
    /// The cgroup whose children the jobs are, below the mount.
    pub base: PathBuf,
    /// The controllers that a job's cgroup has.
    pub controllers: Vec<Controller>,
    /// The controllers that this host has on cgroup v1 only, so that a refusal can say so.
    pub on_v1: Vec<Controller>,
    /// The controllers that are here and that the kernel would not enable for jobs, each with its reason.
    pub refused: Vec<(Controller, String)>,
    /// Files that a job's cgroup has, as read from the base (`memory.swap.max` needs swap accounting, and so on);
    /// empty where it was not looked at.
    pub files: Vec<String>,
}

/// A system directory of the host as it is found: `/bin` is a link on some, a directory on others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemEntry {
    /// A directory or file, mounted read-only at the same place.
    Bind(PathBuf),
    /// A symbolic link, made anew with the same target.
    Link {
        /// Where the link is.
        path: PathBuf,
        /// What it points to.
        target: PathBuf,
    },
}

/// A whole disk behind a path that the caller named for `io.max`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Major number of the whole disk.
    pub major: u32,
    /// Minor number of the whole disk.
    pub minor: u32,
    /// How it was found, for people: `/data is on /dev/vda2, a partition of vda`.
    pub how: String,
}

/// The id-mapped owner of a writable bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id on the host.
    pub uid: u32,
    /// Group id on the host.
    pub gid: u32,
}

/// All that a plan needs to know of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Where cgroups are made.
    pub hierarchy: Hierarchy,
    /// Bytes of memory of the host, or of the cgroup that holds us when that is less.
    pub memory_total: u64,
    /// Bytes of swap of the host, used or not.
    pub swap_total: u64,
    /// Processors that a cell may run on.
    pub cpus: CpuList,
    /// Whether some disk shares by `io.weight` (`io.cost.qos` of the root cgroup has `enable=1`); `None` where that
    /// cannot be seen.
    pub io_weight_heard: Option<bool>,
    /// The kernel's version: major, minor.
    pub kernel: (u32, u32),
    /// Whether a score that was raised cannot be lowered again: ironcell has CAP_SYS_RESOURCE.
    pub holds_oom_score: bool,
    /// The version of Landlock that the kernel has switched on; `None` where it has none.
    pub landlock: Option<u32>,
    /// Size of a page: the kernel rounds memory limits down to it.
    pub page_size: u64,
    /// What of the system is shown in [`crate::spec::Root::System`], in mount order.
    pub system: Vec<SystemEntry>,
    /// The caller's current directory, if it can be shown.
    pub current_dir: CurrentDir,
    /// For each `io.max` line of the spec, in order: the disk, or why there is none.
    pub disks: Vec<Result<Disk, String>>,
    /// For each writable bind of the spec (the root first, if it is one), by source: who owns it.
    pub owners: Vec<(PathBuf, Owner)>,
    /// For each bind of the spec and of the system, and each file that comes with the host's network, by source: whether
    /// it is a directory (else a file), or missing.
    pub kinds: Vec<(PathBuf, PathKind)>,
}

/// With the host's network come the host's names for it, where it has them.
pub const NETWORK_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// What a source of a bind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A directory.
    Directory,
    /// Anything else that can be mounted: a file, a socket, a device.
    File,
    /// There is nothing.
    Missing,
}

/// The caller's current directory, as far as a cell can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CurrentDir {
    /// It is shown read-only at its own path and the job starts in it.
    Shown(PathBuf),
    /// It is below a system directory that is shown in any case: nothing is mounted and the job starts in it.
    Inside(PathBuf),
    /// The job starts in `/`, for this reason.
    Hidden {
        /// Why it cannot be shown, for people.
        reason: String,
    },
}

/// A host with everything: 4 GiB, processors 0 to 3, a merged /usr.
#[cfg(test)]
pub fn example() -> Host {
    let link = |path: &str, target: &str| SystemEntry::Link { path: path.into(), target: target.into() };
    Host {
        hierarchy: Hierarchy {
            mount: "/sys/fs/cgroup".into(),
            base: "/sys/fs/cgroup/ironcell".into(),
            controllers: Controller::ALL.to_vec(),
            on_v1: Vec::new(),
            refused: Vec::new(),
            files: Vec::new(),
        },
        memory_total: 4 << 30,
        swap_total: 0,
        cpus: CpuList::parse("0-3").expect("a list"),
        io_weight_heard: Some(true),
        kernel: (6, 1),
        holds_oom_score: true,
        landlock: Some(7),
        page_size: 4096,
        system: vec![
            SystemEntry::Bind("/usr".into()),
            link("/bin", "usr/bin"),
            SystemEntry::Bind("/etc/ld.so.cache".into()),
        ],
        current_dir: CurrentDir::Shown("/srv/project".into()),
        disks: Vec::new(),
        owners: Vec::new(),
        kinds: vec![("/usr".into(), PathKind::Directory), ("/etc/ld.so.cache".into(), PathKind::File)],
    }
}
