//! A descriptor that a task can wait on: a pipe, a pidfd, the keeper's socket, `cgroup.events`.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::io;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for one kind of readiness of a descriptor that it owns.
#[derive(Debug)]
pub struct Watch {
    fd: AsyncFd<OwnedFd>,
    interest: Interest,
}

impl Watch {
    /// Waits until `fd` can be read, or is at its end. Attempts on it must not block: non-blocking, or with MSG_DONTWAIT.
    ///
    /// # Errors
    /// Outside of a tokio runtime with IO, or when epoll(7) cannot take the descriptor.
    pub fn readable(fd: OwnedFd) -> io::Result<Self> {
        Self::of(fd, Interest::READABLE)
    }

    /// Waits until something can be written, or nobody reads any more.
    ///
    /// # Errors
    /// As [`Watch::readable`].
    pub fn writable(fd: OwnedFd) -> io::Result<Self> {
        Self::of(fd, Interest::WRITABLE)
    }

    /// Waits for POLLPRI, by which kernfs tells that a file has changed (cgroup-v2.rst).
    ///
    /// # Errors
    /// As [`Watch::readable`].
    pub fn changed(fd: OwnedFd) -> io::Result<Self> {
        Self::of(fd, Interest::PRIORITY)
    }

    fn of(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` that is moved in is open for as long as the `AsyncFd` lives, is never replaced by another
        // descriptor, and closed only by it; nothing hands out a mutable reference to it.
        let fd = unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(|error| error.into_parts().1)?;
        Ok(Self { fd, interest })
    }

    /// Waits, then makes one attempt; waits again as long as the attempt would block.
    ///
    /// # Errors
    /// The attempt's own.
    pub async fn attempt<T>(&self, mut attempt: impl FnMut(BorrowedFd<'_>) -> rustix::io::Result<T>) -> io::Result<T> {
        loop {
            let mut ready = self.fd.ready(self.interest).await?;
            match attempt(self.fd.get_ref().as_fd()) {
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
                Ok(value) => return Ok(value),
            }
        }
    }

    /// Waits for the next readiness and forgets it.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn once(&self) -> io::Result<()> {
        self.fd.ready(self.interest).await?.clear_ready();
        Ok(())
    }

    /// Waits for a readiness that stays: a process that has ended.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn ready(&self) -> io::Result<()> {
        self.fd.ready(self.interest).await.map(drop)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.get_ref().as_fd()
    }
}
