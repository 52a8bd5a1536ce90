//! The job's own terminal: made inside of the cell, in its own devpts(5), so that it has a name there and none on the host.
//!
//! The target makes it, in its last steps: its side becomes the three descriptors and the controlling terminal of the job's
//! session; the master goes to the supervisor over the socket that came as standard input, and is open nowhere else.

use crate::stdio;
use crate::wire::Window;
use rustix::fd::AsFd;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fchown, fstatfs, openat2};
use rustix::io::{Errno, IoSlice, Result};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Uid, ioctl_tiocsctty};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::mem::MaybeUninit;

/// The multiplexer of the cell's own devpts, which every root has.
const MULTIPLEXER: &str = "/dev/pts/ptmx";
/// linux/magic.h DEVPTS_SUPER_MAGIC.
const DEVPTS_MAGIC: rustix::fs::FsWord = 0x1cd1;
/// A message must have a byte beside its descriptor (unix(7)).
pub const SENT: u8 = b't';

/// Opens a terminal, hands its master out, and makes it the process's own.
///
/// # Errors
/// ENOTTY where the place in the cell is no devpts; else as open(2), TIOCGPTPEER (kernel 4.13), fchown(2), sendmsg(2) and
/// TIOCSCTTY.
pub fn open(socket: impl AsFd, window: Window, uid: u32) -> Result<()> {
    // Through no link: the root may be a tree that somebody else has made.
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = openat2(CWD, MULTIPLEXER, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    if fstatfs(&master)?.f_type != DEVPTS_MAGIC {
        return Err(Errno::NOTTY);
    }
    unlockpt(&master)?;
    // By the master and not by a name: what it opens is this terminal's other side and nothing else.
    let peer = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    let Window { rows, columns } = window;
    tcsetwinsize(&peer, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    // It was opened by the cell's root; the job can open it by its name only as its owner.
    fchown(&peer, Some(Uid::from_raw(uid)), None)?;
    send(socket, &master)?;
    stdio::place(&peer, &peer, &peer)?;
    ioctl_tiocsctty(rustix::stdio::stdin())
}

fn send(socket: impl AsFd, master: &impl AsFd) -> Result<()> {
    let fds = [master.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Errno::TOOMANYREFS);
    }
    // The supervisor's end holds one message without being read, so this never waits.
    sendmsg(socket, &[IoSlice::new(&[SENT])], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(drop)
}
