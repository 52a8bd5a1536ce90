//! What of the host's files a job sees.

use super::SpecError;
use std::path::{Component, Path, PathBuf};

/// What the job's `/` is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Root {
    /// A fresh tmpfs with the host's system directories, read-only.
    #[default]
    System,
    /// A directory of the host.
    Dir {
        /// Where it is on the host; absolute.
        path: PathBuf,
        /// Whether the job may write to it.
        access: Access,
    },
}

/// Whether a job may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read-only.
    ReadOnly,
    /// Writable; what the job creates belongs to the directory's owner.
    ReadWrite,
}

/// One thing that is mounted into the cell, in the order asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSpec {
    /// A file or directory of the host. What is mounted below it on the host is not shown.
    Bind {
        /// On the host; absolute.
        source: PathBuf,
        /// In the cell; absolute and without `..`.
        target: PathBuf,
        /// Whether the job may write.
        access: Access,
    },
    /// A fresh, empty tmpfs. What is in it counts as the job's memory.
    Tmpfs {
        /// In the cell; absolute and without `..`.
        target: PathBuf,
        /// Bytes at most; `None` is half of the job's memory limit, or the kernel's default without one.
        size: Option<u64>,
    },
}

/// A path in the cell: absolute, without `.` or `..`, without NUL; a trailing slash is dropped.
///
/// # Errors
/// Names `field` and what is wrong with the path.
pub fn cell_path(field: &str, path: &Path) -> Result<PathBuf, SpecError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let refuse = |problem: &str| Err(SpecError::new(field, bytes, problem, "write an absolute path without `..`"));
    if bytes.contains(&0) {
        return refuse("it has a NUL byte");
    }
    if bytes.len() > PATH_MOST_BYTES {
        return refuse("it is longer than the kernel's 4095 bytes");
    }
    if !path.is_absolute() {
        return refuse("it is not absolute");
    }
    if path.components().any(|part| matches!(part, Component::ParentDir)) {
        return refuse("it has a `..`");
    }
    Ok(path.components().collect())
}

/// PATH_MAX less the closing NUL (limits.h).
pub const PATH_MOST_BYTES: usize = 4095;
