//! The words between the supervisor and the keeper: one message a packet on a seqpacket socket, descriptors beside it.
//!
//! A supervisor speaks all of them with a keeper of its own program only: the same file, byte for byte. One that finds the
//! keeper of another says and hears what is marked as **of the core**, and has that keeper's jobs held by one of its own. The
//! core is the same in all versions for ever, descriptors included: a test has its bytes. A new message is put at the end.

use crate::report::Failure;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{self, Errno};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};
use std::mem::MaybeUninit;

/// A message is a number, a name and a few digits; a name of a cgroup has at most 255 bytes (NAME_MAX).
pub const MESSAGE_MOST_BYTES: usize = 512;
/// Descriptors of one message: those of [`ToKeeper::Launch`], which are the most.
pub const FDS_MOST: usize = LaunchFds::COUNT;

/// Orders to the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToKeeper {
    /// The directory whose children will be the cells' cgroups, told before it is made: the keeper removes it, too, when
    /// it clears up. Descriptor: the directory above it.
    Base {
        /// Its name in the directory above.
        name: String,
    },
    /// Build a cell. Descriptors: [`LaunchFds`].
    Launch {
        /// The supervisor's number for it.
        job: u64,
        /// The first of the host ids that are the cell's.
        first_id: u32,
        /// The name of its cgroup in the base.
        name: String,
    },
    /// Of the core. The supervisor goes in good order and has let go of the base.
    Close,
    /// Of the core. The job is over and its cgroup removed, or another keeper holds it: let go of its descriptors.
    Forget {
        /// The supervisor's number for it.
        job: u64,
    },
    /// From now on the supervisor's death ends nothing that is held: the next one connects to this socket, and asks for
    /// all of it. Descriptor: the listening socket.
    Outlive {
        /// Where the next one looks for it, absolute: where the socket is bound, or will have been moved.
        path: Vec<u8>,
    },
    /// Hold copies of a running job's descriptors for the next supervisor. Descriptors: [`HoldFds`], and beside them those
    /// of the [`Role`]s, in their order.
    Hold {
        /// The supervisor's number for it.
        job: u64,
        /// The name of its cgroup in the base.
        name: String,
        /// Its PID 1 on the host, for people.
        pid: i32,
        /// What each further descriptor is.
        roles: Vec<Role>,
    },
    /// Let go of one of them: what the supervisor has closed must be closed here, too.
    Release {
        /// The supervisor's number for it.
        job: u64,
        /// Which.
        role: Role,
    },
    /// Of the core. Tell of everything that is held: a new supervisor takes over.
    Adopt,
}

/// What a held descriptor of a job is; of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Where PID 1 has written the end, or will.
    Status,
    /// The lease's end that keeps the cell alive.
    Lease,
    /// PID 1.
    PidFd,
    /// The reading end of standard output.
    Stdout,
    /// The reading end of standard error.
    Stderr,
    /// The writing end of standard input.
    Stdin,
    /// The socket in which the terminal's master lies.
    Terminal,
}

/// Answers of the keeper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromKeeper {
    /// The keeper is there and can build cells.
    Ready,
    /// The keeper could not make itself ready.
    Unfit {
        /// errno(3).
        errno: i32,
    },
    /// The cell's PID 1 runs. Descriptor: its pidfd.
    Launched {
        /// The supervisor's number for it.
        job: u64,
        /// Its process id on the host, for people; the pidfd is the identity.
        pid: i32,
    },
    /// The cell could not be built, and nothing of it is left.
    Refused {
        /// The supervisor's number for it.
        job: u64,
        /// Which step, in the report's bytes.
        failure: [u8; Failure::LEN],
    },
    /// Of the core. A job that is held, as it was told by [`ToKeeper::Hold`]. Descriptors: as there.
    Held {
        /// The supervisor's number for it.
        job: u64,
        /// The name of its cgroup in the base.
        name: String,
        /// Its PID 1 on the host, for people.
        pid: i32,
        /// What each further descriptor is.
        roles: Vec<Role>,
    },
    /// Of the core. All that are held were told. Descriptors: the keeper's own pidfd, and the file of its program.
    AllTold,
}

/// The first descriptors of [`ToKeeper::Hold`] and [`FromKeeper::Held`], of the core: what is needed to end the cell and to clear it away.
#[derive(Debug)]
pub struct HoldFds {
    /// The cell's cgroup.
    pub cgroup: OwnedFd,
    /// The directory above it.
    pub base: OwnedFd,
    /// The lock on the cell's host ids.
    pub ids: OwnedFd,
}

impl HoldFds {
    /// So many.
    pub const COUNT: usize = 3;

    /// The first descriptors of a message, and the rest.
    pub fn of(fds: Vec<OwnedFd>) -> Option<(Self, Vec<OwnedFd>)> {
        let mut fds = fds.into_iter();
        let (cgroup, base, ids) = (fds.next()?, fds.next()?, fds.next()?);
        Some((Self { cgroup, base, ids }, fds.collect()))
    }
}

/// The descriptors of [`ToKeeper::Launch`], in this order.
#[derive(Debug)]
pub struct LaunchFds {
    /// The order, a sealed memfd.
    pub order: OwnedFd,
    /// The cell's cgroup.
    pub cgroup: OwnedFd,
    /// The directory above it.
    pub base: OwnedFd,
    /// The target's descriptor 0.
    pub stdin: OwnedFd,
    /// The target's descriptor 1.
    pub stdout: OwnedFd,
    /// The target's descriptor 2.
    pub stderr: OwnedFd,
    /// Where PID 1 writes the end.
    pub status: OwnedFd,
    /// Where the first failed step is written.
    pub report: OwnedFd,
    /// The lease: bytes are signals to pass on, the end of file is the end of the cell.
    pub lease: OwnedFd,
    /// The lock on the cell's host ids, held as long as PID 1 lives.
    pub ids: OwnedFd,
}

impl LaunchFds {
    /// So many.
    pub const COUNT: usize = 10;

    /// All of them, in the wire's order.
    pub fn as_slice(&self) -> [BorrowedFd<'_>; Self::COUNT] {
        [
            self.order.as_fd(),
            self.cgroup.as_fd(),
            self.base.as_fd(),
            self.stdin.as_fd(),
            self.stdout.as_fd(),
            self.stderr.as_fd(),
            self.status.as_fd(),
            self.report.as_fd(),
            self.lease.as_fd(),
            self.ids.as_fd(),
        ]
    }

    /// The descriptors of a message, if they are as many as there must be.
    pub fn of(fds: Vec<OwnedFd>) -> Option<Self> {
        let [order, cgroup, base, stdin, stdout, stderr, status, report, lease, ids]: [OwnedFd; Self::COUNT] =
            fds.try_into().ok()?;
        Some(Self { order, cgroup, base, stdin, stdout, stderr, status, report, lease, ids })
    }
}

/// Sends one message, whole or not at all.
///
/// # Errors
/// EPIPE when the other side is gone; else as sendmsg(2).
pub fn send<M: Serialize>(socket: impl AsFd, message: &M, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_with(socket, message, fds, SendFlags::empty())
}

/// The same without waiting.
///
/// # Errors
/// EAGAIN when the other side has not read for so long that nothing more fits; else as [`send`].
pub fn send_now<M: Serialize>(socket: impl AsFd, message: &M, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_with(socket, message, fds, SendFlags::DONTWAIT)
}

fn send_with<M: Serialize>(socket: impl AsFd, message: &M, fds: &[BorrowedFd<'_>], flags: SendFlags) -> io::Result<()> {
    let mut buffer = [0_u8; MESSAGE_MOST_BYTES];
    let bytes = postcard::to_slice(message, &mut buffer).map_err(|_| Errno::MSGSIZE)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::TOOMANYREFS);
    }
    // MSG_NOSIGNAL: a peer that is gone is an error to report, not a SIGPIPE to die of.
    sendmsg(socket, &[std::io::IoSlice::new(bytes)], &mut control, flags | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one message; `None` at the end of the stream.
///
/// # Errors
/// EBADMSG when it is no message of ours or was cut; else as recvmsg(2).
pub fn receive<M: for<'a> Deserialize<'a>>(
    socket: impl AsFd,
    flags: RecvFlags,
) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
    let mut buffer = [0_u8; MESSAGE_MOST_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    // MSG_CMSG_CLOEXEC: no descriptor is ever inheritable, not even for the time of one call.
    let got =
        recvmsg(socket, &mut [std::io::IoSliceMut::new(&mut buffer)], &mut control, flags | RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if got.bytes == 0 {
        return Ok(None);
    }
    if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
        return Err(Errno::BADMSG);
    }
    match postcard::take_from_bytes::<M>(&buffer[..got.bytes]) {
        Ok((message, [])) => Ok(Some((message, fds))),
        _ => Err(Errno::BADMSG),
    }
}

#[cfg(test)]
mod tests;
