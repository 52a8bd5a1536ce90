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
    check_path_bytes(field, path)?;
    let bytes = path.as_os_str().as_encoded_bytes();
    let refuse = |problem: &str| Err(SpecError::new(field, bytes, problem, "write an absolute path without `..`"));
    if !path.is_absolute() {
        return refuse("it is not absolute");
    }
    if path.components().any(|part| matches!(part, Component::ParentDir)) {
        return refuse("it has a `..`");
    }
    Ok(path.components().collect())
}

/// A path on the host made absolute: a relative one begins at `cwd`. `.` and `..` are taken out of the text; no link is
/// followed, since the path is opened later and by someone else.
///
/// # Errors
/// Names `field` when the path is empty, too long, has a NUL byte, or is relative to an empty `cwd`.
pub fn absolute(field: &str, cwd: &Path, path: &Path) -> Result<PathBuf, SpecError> {
    check_path_bytes(field, path)?;
    if path.is_relative() && cwd.as_os_str().is_empty() {
        let problem = "it is relative, and there is no directory for it to begin at";
        return Err(SpecError::new(field, path.as_os_str().as_encoded_bytes(), problem, "write an absolute path"));
    }
    let mut clean = PathBuf::from("/");
    for part in cwd.join(path).components() {
        match part {
            // `pop` at `/` leaves `/`, as the kernel does.
            Component::ParentDir => _ = clean.pop(),
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    check_path_bytes(field, &clean)?;
    Ok(clean)
}

/// What every path must be before the kernel is asked: not empty, without NUL, and not too long.
///
/// # Errors
/// Names `field` and what is wrong with the path.
pub fn check_path_bytes(field: &str, path: &Path) -> Result<(), SpecError> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let problem = if bytes.is_empty() {
        "there is no path"
    } else if bytes.contains(&0) {
        "it has a NUL byte"
    } else if bytes.len() > PATH_MOST_BYTES {
        "it is longer than the kernel's 4095 bytes"
    } else {
        return Ok(());
    };
    Err(SpecError::new(field, bytes, problem, "write a path"))
}

/// PATH_MAX less the closing NUL (limits.h).
pub const PATH_MOST_BYTES: usize = 4095;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn a_path_in_the_cell_is_absolute_and_plain() {
        assert_eq!(cell_path("--cwd", Path::new("/a/./b/")).expect("a path"), Path::new("/a/b"));
        for bad in ["", "a", "/a/../b", "/a\0b"] {
            assert!(cell_path("--cwd", Path::new(bad)).is_err(), "{bad:?}");
        }
        assert!(cell_path("--cwd", Path::new(&format!("/{}", "a".repeat(4095)))).is_err());
    }

    #[test]
    fn a_relative_path_begins_at_the_current_directory() {
        let made = |path: &str| absolute("--ro", Path::new("/home/me"), Path::new(path)).expect("a path");
        assert_eq!(made("src"), Path::new("/home/me/src"));
        assert_eq!(made("../../../.."), Path::new("/"));
        assert_eq!(made("/opt/x/.."), Path::new("/opt"));
        assert!(absolute("--ro", Path::new("/"), Path::new("")).is_err());
    }

    proptest! {
        #[test]
        fn a_path_made_absolute_fits_a_cell(bytes: Vec<u8>) {
            let path = Path::new(OsStr::from_bytes(&bytes));
            if let Ok(made) = absolute("x", Path::new("/home/me"), path) {
                prop_assert_eq!(cell_path("x", &made), Ok(made));
            }
        }
    }
}
