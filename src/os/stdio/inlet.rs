//! What the job reads and the supervisor writes: a pipe, or the job's terminal.

use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use rustix::fd::OwnedFd;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::write;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;

/// The writing end.
#[derive(Debug)]
pub struct Inlet(Watch);

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
    pub(super) fn of(fd: OwnedFd) -> io::Result<Self> {
        Watch::writable(fd).map(Self)
    }

    /// Waits until something can be written, and writes what fits: who gives up waiting has written nothing.
    ///
    /// # Errors
    /// EPIPE when nobody reads any more, EIO for a terminal that is gone; when the runtime shuts down.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.attempt(|fd| write(fd, bytes)).await
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
