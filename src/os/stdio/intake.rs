//! A pipe that the job writes to and the supervisor reads.

use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use rustix::io::{Errno, ioctl_fionread, read, retry_on_intr};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use std::io;
use std::mem::MaybeUninit;

/// What a pipe shall hold, beyond the kernel's 64 KiB: a job that writes in bursts then seldom waits for the supervisor. Its
/// pages are taken only when something is in them (pipe(7), F_SETPIPE_SZ).
pub const PIPE_BYTES: usize = 256 * 1024;
/// Bytes of one read at most: half of what the pipe holds, so that the job fills the one half while the other is taken; with a
/// quarter of that, a job that writes without a pause is a third slower. They lie on the stack and only while a read is made,
/// so an idle job has no buffer.
const READ_MOST: usize = 128 * 1024;

/// The reading end of such a pipe, or a terminal's master.
#[derive(Debug)]
pub struct Intake(Watch);

impl Intake {
    /// Makes a pipe: the reading end, and what the job writes to, which blocks as any pipe does. In a tokio runtime with IO.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub(super) fn open() -> Result<(Self, OwnedFd), OsError> {
        let make = || -> io::Result<(Self, OwnedFd)> {
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
            // Of this end alone: each end of a pipe has flags of its own, and a job may be surprised by EAGAIN.
            fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
            // EPERM: the user has as much in pipes as /proc/sys/fs/pipe-user-pages-soft allows. Then it stays smaller.
            let _ = fcntl_setpipe_size(&reader, PIPE_BYTES);
            Ok((Self(Watch::readable(reader)?), writer))
        };
        make().map_err(|error| OsError::new(Doing::Make, "a pipe for the job's output", error))
    }

    /// One that is there and does not block: a terminal's master, or a pipe that was made by somebody else.
    ///
    /// # Errors
    /// As [`Watch::readable`].
    pub fn of(fd: OwnedFd) -> io::Result<Self> {
        Watch::readable(fd).map(Self)
    }

    /// Bytes that are in it now.
    pub fn holds(&self) -> usize {
        // FIONREAD of a pipe or a terminal; one that cannot say is empty as far as anybody knows.
        ioctl_fionread(&self.0).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Whether it is a pipe, and no terminal.
    pub fn is_pipe(&self) -> bool {
        fstat(&self.0).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
    }

    /// Waits until something can be read; false at the end of a pipe. Takes nothing.
    ///
    /// # Errors
    /// When the runtime shuts down.
    pub async fn filled(&self) -> io::Result<bool> {
        self.0
            .attempt(|fd| {
                let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
                match poll(&mut fds, Some(&Timespec::default()))? {
                    // A readiness of before: it is waited for the next.
                    0 => Err(Errno::AGAIN),
                    _ => Ok(fds[0].revents().contains(PollFlags::IN)),
                }
            })
            .await
    }

    /// Reads what is there now into memory; 0 at the end.
    ///
    /// # Errors
    /// As read(2): EAGAIN when nothing is there.
    pub fn take(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| read(&self.0, &mut *into))?)
    }

    /// Waits until something can be read, and hands it to `take` before anything else can happen: who gives up waiting
    /// loses nothing. False at the end: nobody can write to it any more.
    ///
    /// # Errors
    /// When the runtime shuts down. read(2) has none for a pipe, and EIO of a terminal is its end.
    pub async fn read(&self, mut take: impl FnMut(&[u8])) -> io::Result<bool> {
        self.0
            .attempt(|fd| {
                let mut buffer = [MaybeUninit::uninit(); READ_MOST];
                match read(fd, &mut buffer) {
                    // Of a terminal's master: nobody holds its other side.
                    Ok(([], _)) | Err(Errno::IO) => Ok(false),
                    Ok((bytes, _)) => {
                        take(bytes);
                        Ok(true)
                    }
                    Err(errno) => Err(errno),
                }
            })
            .await
    }
}

impl AsFd for Intake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
