//! Descriptors 0, 1 and 2.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Result;

/// `/dev/null` as 0, 1 and 2, so that no descriptor of ours is ever one of them, and none of the caller's stays open.
///
/// # Errors
/// When `/dev/null` cannot be opened.
pub fn to_null() -> Result<()> {
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    place(&null, &null, &null)
}

/// Puts three descriptors in their places; dup2(2) drops close-on-exec there.
///
/// # Errors
/// As dup2(2).
pub fn place(stdin: impl AsFd, stdout: impl AsFd, stderr: impl AsFd) -> Result<()> {
    rustix::stdio::dup2_stdin(stdin)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)
}

/// Moves a descriptor away from 0, 1 and 2, close-on-exec.
///
/// # Errors
/// As fcntl(2) F_DUPFD_CLOEXEC.
pub fn above_stdio(fd: OwnedFd) -> Result<OwnedFd> {
    rustix::io::fcntl_dupfd_cloexec(fd, 3)
}
