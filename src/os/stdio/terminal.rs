//! A job's own terminal, on the supervisor's side: the socket on which its master comes, and what is done with that.

use super::{Inlet, Intake};
use crate::os::{Doing, OsError};
use crate::spec::Window;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{Errno, IoSliceMut, Result};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg, socketpair,
};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer};
use rustix::termios::{SpecialCodeIndex, Winsize, tcgetattr, tcsetwinsize};
use std::io;
use std::mem::MaybeUninit;

/// A terminal that is asked for: the target opens it, and sends its master before its exec.
#[derive(Debug)]
pub struct AwaitedTerminal(OwnedFd);

/// A job's terminal.
#[derive(Debug)]
pub struct Terminal {
    /// What the job writes to it.
    pub intake: Intake,
    /// What the job reads of it.
    pub inlet: Inlet,
    /// Its size and its signals.
    pub controls: TerminalControls,
    /// The job's own side.
    pub held: HeldTerminal,
    /// The socket, in which the master lies as well: for whoever shall have the terminal after us.
    pub socket: OwnedFd,
}

/// The job's own side of its terminal, held open: between two processes of the job that hold it nobody may, and the master
/// would be at an end that is none. To be dropped when the cell is empty.
#[derive(Debug)]
pub struct HeldTerminal {
    _peer: OwnedFd,
}

/// The size of a terminal, and its signals.
#[derive(Debug)]
pub struct TerminalControls(OwnedFd);

impl AwaitedTerminal {
    /// Both ends of the socket: ours, and what the target gets as its standard input.
    pub(super) fn open() -> std::result::Result<(Self, OwnedFd), OsError> {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map(|(ours, theirs)| (Self(ours), theirs))
            .map_err(|errno| failed(errno.into()))
    }

    /// The socket of a terminal that another process has waited for.
    pub fn of(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// The terminal. After the target was executed: then the master has been sent. The message is looked at and left where it
    /// is (MSG_PEEK).
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn arrive(self) -> std::result::Result<Terminal, OsError> {
        let make = || -> io::Result<Terminal> {
            let master = receive(&self.0)?;
            // Nobody but us has it, so these are flags of ours alone.
            fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
            let peer = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
            Ok(Terminal {
                intake: Intake::of(master.try_clone()?)?,
                inlet: Inlet::of(master.try_clone()?)?,
                controls: TerminalControls(master),
                held: HeldTerminal { _peer: peer },
                socket: self.0,
            })
        };
        make().map_err(failed)
    }
}

impl TerminalControls {
    /// Sets the size; the kernel tells the job's foreground by SIGWINCH.
    ///
    /// # Errors
    /// As TIOCSWINSZ of ioctl_tty(2).
    pub fn resize(&self, window: Window) -> std::result::Result<(), OsError> {
        let Window { rows, columns } = window;
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.0, size).map_err(|errno| OsError::new(Doing::Write, "the size of the job's terminal", errno))
    }

    /// The character by which a person at the terminal interrupts what is in its foreground (`VINTR` of termios(3)); 3, which
    /// is Ctrl-C, if the job has not set another.
    pub fn interrupt(&self) -> u8 {
        const CTRL_C: u8 = 3;
        self.key(SpecialCodeIndex::VINTR, CTRL_C)
    }

    /// The character that ends the input (`VEOF`); 4, which is Ctrl-D, if the job has not set another.
    pub fn end(&self) -> u8 {
        const CTRL_D: u8 = 4;
        self.key(SpecialCodeIndex::VEOF, CTRL_D)
    }

    fn key(&self, index: SpecialCodeIndex, usual: u8) -> u8 {
        // Of a master, the attributes are those of its other side (ioctl_tty(2)).
        tcgetattr(&self.0).map_or(usual, |attributes| attributes.special_codes[index])
    }
}

/// The one message of the target's.
fn receive(socket: &OwnedFd) -> Result<OwnedFd> {
    let mut byte = [0_u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC | RecvFlags::PEEK;
    let _ = recvmsg(socket.as_fd(), &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    let fds = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    // Without one the kernel had no descriptor to give (MSG_CTRUNC).
    fds.ok_or(Errno::MFILE)
}

fn failed(error: io::Error) -> OsError {
    OsError::new(Doing::Make, "the job's terminal", error)
}
