//! What the kernel refused: what was being done, to what, with which value, and its error number.

use nix::errno::Errno;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A call that failed. Reads as the rest of "failed to …":
/// `write 64M to /sys/fs/cgroup/x/memory.max: Invalid argument (EINVAL)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct OsError {
    /// What was being done.
    pub doing: Doing,
    /// The value that was written, moved or asked for.
    pub value: Option<String>,
    /// To what.
    pub path: Option<PathBuf>,
    /// The kernel's error number.
    pub errno: i32,
    /// What somebody other than the kernel said, as systemd.
    pub said: Option<String>,
    /// The way out, where one is known.
    pub remedy: Option<&'static str>,
}

/// What was being done when a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the verb that is shown")]
pub enum Doing {
    Find,
    Open,
    Read,
    List,
    Write,
    Make,
    Remove,
    Lock,
    Watch,
    Move,
    Clone,
    Wait,
    Ask,
    Order,
}

impl Doing {
    /// The verb, and the word between a value and its place.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Find => ("find", "in"),
            Self::Open => ("open", "in"),
            Self::Read => ("read", "from"),
            Self::List => ("list", "in"),
            Self::Write => ("write", "to"),
            Self::Make => ("make", "in"),
            Self::Remove => ("remove", "from"),
            Self::Lock => ("lock", "in"),
            Self::Watch => ("watch", "in"),
            Self::Move => ("move process", "to"),
            Self::Clone => ("clone a process", "into"),
            Self::Wait => ("wait for", "in"),
            Self::Order => ("give an order to", "to"),
            Self::Ask => ("ask systemd for", "at"),
        }
    }
}

impl OsError {
    /// Whether it is that somebody at the other end has gone: of a socket, or a process.
    pub fn is_gone(&self) -> bool {
        [libc::EPIPE, libc::ECONNRESET, libc::ESRCH].contains(&self.errno)
    }

    /// Whether what was received had no meaning.
    pub fn is_nonsense(&self) -> bool {
        self.errno == libc::EBADMSG
    }

    /// A failed call on `path`.
    pub fn new(doing: Doing, path: impl Into<PathBuf>, error: impl Into<io::Error>) -> Self {
        // An error without a number did not come from a call: EIO says "something below us is wrong".
        let errno = error.into().raw_os_error().unwrap_or(libc::EIO);
        Self { doing, value: None, path: Some(path.into()), errno, said: None, remedy: None }
    }

    /// The same with the value that was written, moved or asked for.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// The same with what somebody other than the kernel said.
    #[must_use]
    pub fn said(mut self, said: impl Into<String>) -> Self {
        self.said = Some(said.into());
        self
    }

    /// The same with the way out.
    #[must_use]
    pub fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// Whether the kernel answered with this number.
    pub fn is(&self, errno: i32) -> bool {
        self.errno == errno
    }

    /// The place, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, between) = self.doing.words();
        f.write_str(verb)?;
        match (&self.value, &self.path) {
            (Some(value), Some(path)) => write!(f, " {value} {between} {}", path.display())?,
            (Some(value), None) => write!(f, " {value}")?,
            (None, Some(path)) => write!(f, " {}", path.display())?,
            (None, None) => {}
        }
        let errno = Errno::from_raw(self.errno);
        write!(f, ": {} ({errno:?})", errno.desc())?;
        if let Some(said) = &self.said {
            write!(f, ", {said}")?;
        }
        if let Some(remedy) = self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_deed_value_place_and_number() {
        let error =
            OsError::new(Doing::Write, "/sys/fs/cgroup/x/memory.max", io::Error::from_raw_os_error(22)).value("64M");
        assert_eq!(error.to_string(), "write 64M to /sys/fs/cgroup/x/memory.max: Invalid argument (EINVAL)");
        let error =
            OsError::new(Doing::Make, "/a", rustix::io::Errno::ROFS).said("so it is").remedy("mount it writable");
        assert_eq!(error.to_string(), "make /a: Read-only file system (EROFS), so it is; mount it writable");
    }
}
