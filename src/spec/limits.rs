//! The limits of a job, each under the kernel's own name. `None` is "not asked for": the plan may then apply a default.
//!
//! Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and setrlimit(2).

use super::SpecError;
use std::path::PathBuf;

/// Everything that bounds a job's use of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// `memory.max`: bytes of memory, page cache and tmpfs included. Past it the kernel reclaims, then kills.
    pub memory_max: Option<MemoryLimit>,
    /// `memory.high`: bytes past which the job is slowed down and reclaimed from, never killed.
    pub memory_high: Option<MemoryLimit>,
    /// `memory.swap.max`: bytes of swap. Not asked for means 0: without this a memory limit leaks into swap.
    pub memory_swap_max: Option<MemoryLimit>,
    /// `cpu.max`: processor time a period.
    pub cpu_max: Option<CpuMax>,
    /// `cpu.weight`, 1 to 10000 (kernel default 100): the share when processors are contended.
    pub cpu_weight: Option<u16>,
    /// `cpuset.cpus`: the processors that the job may run on, as the kernel's list format (`0,2-4`), checked.
    pub cpuset_cpus: Option<String>,
    /// `io.max`: bytes and operations a second, for each disk.
    pub io_max: Vec<IoMax>,
    /// `io.weight`, 1 to 10000 (kernel default 100): the share when disks are contended.
    pub io_weight: Option<u16>,
    /// `pids.max`: processes and threads at once, the cell's PID 1 included.
    pub pids_max: Option<PidsLimit>,
    /// Limits of each process, setrlimit(2).
    pub rlimits: Vec<Rlimit>,
    /// Any other file of the cgroup, written as given and read back.
    pub cgroup_files: Vec<CgroupFile>,
}

/// An amount of memory as asked for; a share of the host is resolved by the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryLimit {
    /// So many bytes.
    Bytes(u64),
    /// A share of the host's memory, in hundredths of a percent: 5000 is 50 %.
    HostShare(u32),
    /// No limit: the kernel's `max`.
    Max,
}

/// How many processes and threads at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PidsLimit {
    /// So many, the cell's PID 1 included; at least [`PidsLimit::LEAST`].
    Count(u32),
    /// No limit: the kernel's `max`.
    Max,
}

impl PidsLimit {
    /// PID 1 and the target.
    pub const LEAST: u32 = 2;
}

/// Processor time: thousandths of one processor, 1500 is one and a half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CpuMax {
    /// Thousandths of one processor, at least [`CpuMax::LEAST_MILLIS`].
    Millis(u32),
    /// No limit: the kernel's `max`.
    Max,
}

impl CpuMax {
    /// One hundredth of a processor: with the period of 100 ms that is the kernel's least quota of 1 ms.
    pub const LEAST_MILLIS: u32 = 10;
    /// 100,000 processors: past any machine, and far from overflow.
    pub const MOST_MILLIS: u32 = 100_000_000;
}

/// The disk that an `io.max` line is about, as the caller named it; the host's facts resolve it to a whole disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IoTarget {
    /// A device node, or any file or directory on the disk.
    Path(PathBuf),
    /// `MAJ:MIN`.
    Number {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

/// One line of `io.max`. At least one of the four is set; `u64::MAX` stands for the kernel's `max`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoMax {
    /// Which disk.
    pub target: IoTarget,
    /// Bytes read a second.
    pub rbps: Option<u64>,
    /// Bytes written a second.
    pub wbps: Option<u64>,
    /// Read operations a second.
    pub riops: Option<u64>,
    /// Write operations a second.
    pub wiops: Option<u64>,
}

/// One limit of setrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rlimit {
    /// Which resource.
    pub resource: Resource,
    /// The limit in force.
    pub soft: RlimitValue,
    /// The ceiling up to which the job may raise it.
    pub hard: RlimitValue,
}

/// A value of an rlimit, in the resource's own unit (setrlimit(2)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RlimitValue {
    /// So many.
    Is(u64),
    /// RLIM_INFINITY.
    Unlimited,
}

/// The resources of setrlimit(2), with the kernel's numbers (the generic ABI: x86, arm64, riscv).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "setrlimit(2) documents each under this very name")]
pub enum Resource {
    Cpu = 0,
    Fsize = 1,
    Data = 2,
    Stack = 3,
    Core = 4,
    Rss = 5,
    Nproc = 6,
    Nofile = 7,
    Memlock = 8,
    As = 9,
    Locks = 10,
    Sigpending = 11,
    Msgqueue = 12,
    Nice = 13,
    Rtprio = 14,
    Rttime = 15,
}

/// A file of the cgroup and what to write into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupFile {
    file: String,
    value: String,
}

impl CgroupFile {
    /// `file` is the name inside the cgroup, as `memory.low`; `value` is written as it is.
    ///
    /// # Errors
    /// When the name is no plain `controller.name`, or belongs to ironcell itself (`cgroup.*`).
    pub fn new(file: &str, value: &str) -> Result<Self, SpecError> {
        let plain = file.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b));
        let shaped = plain && file.split('.').count() >= 2 && file.split('.').all(|part| !part.is_empty());
        if !shaped {
            return Err(SpecError::new(
                "--cgroup",
                file,
                "not the name of a cgroup file",
                "write FILE=VALUE, as memory.low=64M",
            ));
        }
        if file.starts_with("cgroup.") {
            return Err(SpecError::new(
                "--cgroup",
                file,
                "cgroup.* files are ironcell's own",
                "use a controller's file, as memory.low",
            ));
        }
        if value.is_empty() || value.len() > Self::MOST_BYTES || value.bytes().any(|b| b.is_ascii_control()) {
            return Err(SpecError::new(
                "--cgroup",
                value,
                "empty, too long or with a control character",
                "write one line",
            ));
        }
        Ok(Self { file: file.to_owned(), value: value.to_owned() })
    }

    /// A cgroup file takes one page at most; a quarter is more than any documented value.
    const MOST_BYTES: usize = 1024;

    /// The name inside the cgroup.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What is written.
    pub fn value(&self) -> &str {
        &self.value
    }
}
