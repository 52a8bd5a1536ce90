//! The order for one cell, as words: what the keeper and PID 1 are to do, in full. Made by the plan, which is pure.
//!
//! It travels in a sealed memfd: a command line may be megabytes, and what is sealed cannot change under the reader.

use serde::{Deserialize, Serialize};

mod order;

/// An order is never longer: arguments and environment (2 MiB), a filter and a few hundred mounts.
pub const ORDER_MOST_BYTES: u64 = 4 << 20;
/// So many entries at most: each bind is one descriptor, and the item of a failure has 16 bits.
pub const ENTRIES_MOST: usize = 512;
/// Ids that a cell has: a full range of 16 bits, as containers have.
pub const CELL_IDS: u32 = 65536;
/// Which of them is PID 1's own once the target runs: not the job's to choose, so the job cannot signal or trace it.
pub const SHIM_ID: u32 = CELL_IDS - 1;

/// Everything about one cell but its host ids and its descriptors, which are decided at the moment of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// sethostname(2).
    pub hostname: String,
    /// Whether the cell has a network namespace of its own.
    pub own_network: bool,
    /// What `/` is.
    pub root: RootFs,
    /// What is made in the root, in order; a later one may lie in an earlier one.
    pub entries: Vec<Entry>,
    /// `oom_score_adj` of the job: the kernel should choose it before the host's services.
    pub oom_score_adj: i16,
    /// User id in the cell.
    pub uid: u32,
    /// Group id in the cell.
    pub gid: u32,
    /// setrlimit(2), each before the ids change.
    pub rlimits: Vec<Rlimit>,
    /// setpriority(2) of the target, 0 to 19; `None` leaves it as nice as the keeper is.
    pub nice: Option<u8>,
    /// umask(2) of the target.
    pub umask: u32,
    /// The working directory, absolute, in the cell.
    pub cwd: Vec<u8>,
    /// The files to try to execute, in order: the program, or its name in each directory of PATH.
    pub programs: Vec<Vec<u8>>,
    /// argv.
    pub argv: Vec<Vec<u8>>,
    /// envp, each `NAME=VALUE`.
    pub env: Vec<Vec<u8>>,
    /// The size of the terminal that is the target's input, output, error and controlling terminal: then the descriptor that
    /// came as standard input is the socket on which its master is sent back.
    pub terminal: Option<Window>,
    /// What the job may do with files, as a second wall behind the mounts; `None` where the kernel has no Landlock.
    pub landlock: Option<Landlock>,
    /// The system call filter of the job: classic BPF, one instruction each, as the kernel's `struct sock_filter`.
    pub filter: Vec<Instruction>,
    /// The same for PID 1 once the job runs.
    pub init_filter: Vec<Instruction>,
    /// Whether PID 1 waits behind its walls until the order of the job that comes to live there arrives, on the socket that
    /// came as standard input. Of this order then only the [walls](Order::walls) hold; the rest is the other's.
    pub waits: bool,
    /// Steps that are left out, by number.
    #[cfg(feature = "seam")]
    pub left_out: Vec<u16>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Lines.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

/// A ruleset of landlock(7): what is handled is refused, but where a rule allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landlock {
    /// LANDLOCK_ACCESS_FS_* that need a rule.
    pub handled: u64,
    /// LANDLOCK_SCOPE_* that end at the job.
    pub scoped: u64,
    /// What is allowed in all of the root.
    pub root: u64,
    /// What is allowed beyond that, each in one entry of the order.
    pub beneath: Vec<Beneath>,
    /// What is allowed of a file that is standard input, and of one that is standard output or error.
    pub stdio: (u64, u64),
}

/// A rule of [`Landlock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beneath {
    /// The index of the entry.
    pub entry: u16,
    /// LANDLOCK_ACCESS_FS_*.
    pub allowed: u64,
}

/// What the cell's `/` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootFs {
    /// A fresh tmpfs, read-only once it is furnished.
    Fresh {
        /// Bytes at most.
        size: u64,
        /// Files and directories at most.
        inodes: u64,
    },
    /// A directory of the host.
    Tree(Source),
}

/// A path of the host that is mounted into the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Absolute path on the host.
    pub path: Vec<u8>,
    /// Whether the job may write.
    pub writable: bool,
    /// For a writable one: which host ids appear as which ids of the cell.
    pub ids: IdMapping,
}

/// The id mapping of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdMapping {
    /// None: files of the host's users show as nobody's.
    Plain,
    /// One user: what belongs to this owner on the host belongs to the job's user in the cell, and the other way round.
    Owner {
        /// The owner's user id on the host.
        uid: u32,
        /// The owner's group id on the host.
        gid: u32,
    },
    /// The ids of the cell as they are: a root file system of its own whose files are stored with the cell's ids.
    Cell,
}

/// One thing in the cell's root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where in the cell; absolute, without `.` and `..`.
    pub path: Vec<u8>,
    /// What.
    pub what: What,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A directory.
    Directory {
        /// Mode bits.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// What it points to, as it is.
        target: Vec<u8>,
    },
    /// A file with this content.
    File {
        /// The bytes.
        content: Vec<u8>,
    },
    /// A directory of the host.
    BindDirectory(Source),
    /// A file of the host, or anything that is no directory.
    BindFile(Source),
    /// A character device of the host, which must have this number.
    Device {
        /// Absolute path on the host.
        source: Vec<u8>,
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A fresh tmpfs; it dies with the cell, and its pages with it.
    Tmpfs {
        /// `size=`, bytes; 0 leaves the kernel's default.
        size: u64,
        /// `nr_inodes=`; 0 leaves the kernel's default.
        inodes: u64,
        /// `mode=`.
        mode: u32,
    },
    /// The cell's own /proc: its processes only.
    Proc,
    /// The cell's own terminals.
    Pts,
    /// The whole of /proc: the cell's processes, and what the kernel tells of the host.
    WholeProc,
    /// sysfs of the cell's network namespace, read-only.
    Sys,
    /// Something that is there is hidden: a directory by an empty one, anything else by the host's `/dev/null`. What is
    /// not there needs no hiding.
    Hidden,
    /// Something that is there becomes read-only. What is not there needs nothing.
    ReadOnly,
    /// The cell's own POSIX message queues, as files.
    Queues,
}

impl What {
    /// The host's side of a mount, where there is one.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::BindDirectory(source) | Self::BindFile(source) => Some(source),
            _ => None,
        }
    }
}

/// setrlimit(2) with the kernel's numbers; `u64::MAX` is RLIM_INFINITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rlimit {
    /// RLIMIT_*.
    pub resource: u32,
    /// rlim_cur.
    pub soft: u64,
    /// rlim_max.
    pub hard: u64,
    /// Whether the caller asked for it: then it is set exactly or the start fails. A default is cut to what the host's
    /// hard limit allows, where that could not be raised.
    pub exact: bool,
}

/// `struct sock_filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Instruction {
    /// Operation.
    pub code: u16,
    /// Jump if true.
    pub jt: u8,
    /// Jump if false.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

#[cfg(test)]
mod tests;
