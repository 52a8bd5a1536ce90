//! One file of a cgroup, by the directory's descriptor and a name.

use crate::os::{Doing, OsError};
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The most that is read of one file. `cgroup.procs` of a crowded cgroup and `io.stat` of a machine with many disks are
/// the largest; all others fit in a page.
const READ_MOST: u64 = 1024 * 1024;

/// A cgroup's directory: its descriptor, and its path for people.
#[derive(Debug)]
pub(crate) struct Dir {
    pub(crate) fd: OwnedFd,
    pub(crate) path: Box<Path>,
}

impl Dir {
    /// Opens a directory by its path.
    pub(crate) fn open(path: &Path) -> Result<Self, OsError> {
        let fd = rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(|e| OsError::new(Doing::Open, path, e))?;
        Ok(Self { fd, path: path.into() })
    }

    /// One that is open; its path is as /proc tells it.
    pub(crate) fn of(fd: OwnedFd) -> Result<Self, OsError> {
        let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let path = std::fs::read_link(&link).map_err(|error| OsError::new(Doing::Read, link, error))?;
        Ok(Self { fd, path: path.into() })
    }

    /// Opens a directory in this one.
    pub(crate) fn enter(&self, name: &str) -> Result<Self, OsError> {
        let path = self.path.join(name);
        let fd = rustix::fs::openat(&self.fd, name, DIRECTORY, Mode::empty());
        let fd = fd.map_err(|e| OsError::new(Doing::Open, &path, e))?;
        Ok(Self { fd, path: path.into() })
    }

    /// A second descriptor of the same directory.
    pub(crate) fn duplicate(&self) -> Result<Self, OsError> {
        let fd = self.fd.try_clone().map_err(|e| OsError::new(Doing::Open, &*self.path, e))?;
        Ok(Self { fd, path: self.path.clone() })
    }

    /// The text of a file; `None` where the kernel has no such file.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, OsError> {
        match read_at(self.fd.as_fd(), name) {
            Ok(text) => Ok(Some(text)),
            Err(error) if gone(&error) => Ok(None),
            Err(error) => Err(OsError::new(Doing::Read, self.path.join(name), error)),
        }
    }

    /// Opens a file for reading, for a look again and again.
    pub(crate) fn open_file(&self, name: &str) -> Result<OwnedFd, OsError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        rustix::fs::openat(&self.fd, name, flags, Mode::empty())
            .map_err(|e| OsError::new(Doing::Open, self.path.join(name), e))
    }

    /// Writes a value in one call, as the kernel wants it.
    pub(crate) fn write(&self, name: &str, value: &str) -> Result<(), OsError> {
        let failed = |error: io::Error| OsError::new(Doing::Write, self.path.join(name), error).value(value);
        let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        File::from(fd).write_all(value.as_bytes()).map_err(failed)
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        rustix::fs::accessat(&self.fd, name, rustix::fs::Access::EXISTS, rustix::fs::AtFlags::empty()).is_ok()
    }

    /// The names of the files, or of the directories, in no order; at most `most`.
    pub(crate) fn list(&self, what: rustix::fs::FileType, most: usize) -> Result<Vec<String>, OsError> {
        let failed = |e: rustix::io::Errno| OsError::new(Doing::List, &*self.path, e);
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy();
            if entry.file_type() == what && name != "." && name != ".." && names.len() < most {
                names.push(name.into_owned());
            }
        }
        Ok(names)
    }
}

/// A directory that can be held, locked and given to clone3.
pub(super) const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW);

/// A file's text, at most [`READ_MOST`] bytes of it.
fn read_at(dir: BorrowedFd<'_>, name: &str) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = rustix::fs::openat(dir, name, flags, Mode::empty())?;
    let mut bytes = Vec::with_capacity(256);
    File::from(fd).take(READ_MOST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The file is not there, or its cgroup was removed (kernfs answers ENODEV then), or its controller is switched off
/// (the pressure files answer EOPNOTSUPP).
fn gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV | libc::EOPNOTSUPP))
}
