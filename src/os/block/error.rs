//! Why the kernel cannot limit the io of what was named.

use nix::errno::Errno;
use std::io;
use std::path::{Path, PathBuf};

/// A target of `io.max` without a whole disk that the kernel can limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It does not exist, or may not be looked at.
    #[error("{} cannot be looked at: {}", .path.display(), Errno::from_raw(*.errno).desc())]
    NoPath {
        /// What was named.
        path: PathBuf,
        /// The kernel's error number.
        errno: i32,
    },
    /// A character device.
    #[error("{} is a character device, not a disk", .path.display())]
    NoDisk {
        /// What was named.
        path: PathBuf,
    },
    /// No block device has this number.
    #[error("no block device {device} is on this host")]
    NoDevice {
        /// `MAJ:MIN`.
        device: String,
    },
    /// The file's mount is not among ours.
    #[error("the mount that {} is on cannot be seen from here", .path.display())]
    NoMount {
        /// What was named.
        path: PathBuf,
    },
    /// A file system whose requests do not reach a disk of this host under the job's name.
    #[error("{} is on {fstype}, which {why}", .path.display())]
    NotLimitable {
        /// What was named.
        path: PathBuf,
        /// The type of the file system.
        fstype: String,
        /// Why the kernel cannot limit it.
        why: &'static str,
    },
    /// A file system on several disks: limiting one of them would not hold.
    #[error("{} is on a file system of {} disks ({}): name each by its number", .path.display(), .disks.len(), .disks.join(", "))]
    ManyDisks {
        /// What was named.
        path: PathBuf,
        /// The disks' names.
        disks: Vec<String>,
    },
    /// A table of the kernel's cannot be read.
    #[error("read {}: {}", .path.display(), Errno::from_raw(*.errno).desc())]
    Table {
        /// The table.
        path: PathBuf,
        /// The kernel's error number.
        errno: i32,
    },
}

impl BlockError {
    /// A table that cannot be read.
    pub(super) fn table(path: &Path, error: &io::Error) -> Self {
        Self::Table { path: path.to_owned(), errno: error.raw_os_error().unwrap_or(libc::EIO) }
    }
}
