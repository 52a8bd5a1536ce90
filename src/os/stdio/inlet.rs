//! What the job reads and the supervisor writes: a pipe, or the job's terminal.

use crate::os::keeper::Release;
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::write;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;

/// The writing end.
#[derive(Debug)]
pub struct Inlet {
    watch: Watch,
    /// The keeper's copy, closed with this one.
    release: Option<Release>,
}

impl Inlet {
    /// Makes a pipe: what the job reads from, which blocks as any pipe does, and the writing end. In a tokio runtime with IO.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub(super) fn open() -> Result<(Self, OwnedFd), OsError> {
        let make = || -> io::Result<(Self, OwnedFd)> {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            // Of this end alone, as with the pipe that the job writes to.
            fcntl_setfl(&writer, fcntl_getfl(&writer)? | OFlags::NONBLOCK)?;
            Ok((Self::of(writer)?, reader))
        };
        make().map_err(|error| OsError::new(Doing::Make, "a pipe for the job's input", error))
    }

    /// One that is there and does not block.
    pub fn of(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self { watch: Watch::writable(fd)?, release: None })
    }

    /// With it the keeper's copy is closed.
    pub fn closes(&mut self, release: Release) {
        self.release = Some(release);
    }

    /// Waits until something can be written, and writes what fits: who gives up waiting has written nothing.
    ///
    /// # Errors
    /// EPIPE when nobody reads any more, EIO for a terminal that is gone; when the runtime shuts down.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.watch.attempt(|fd| write(fd, bytes)).await
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// As [`Inlet::write`].
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.write(rest).await?..];
        }
        Ok(())
    }
}

impl AsFd for Inlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }
}
