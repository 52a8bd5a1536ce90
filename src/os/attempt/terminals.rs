//! Terminals: what is pushed into a terminal's input is read by whoever has it next, as if it had been typed.

use super::{Around, Attempt, Scene, Seen, inside, unlike};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

pub(super) const ALL: &[Attempt] = &[
    unlike("own_terminal", "open(2) of /dev/tty, the caller's terminal", own, (Around::Process, own_of_ours)),
    inside("push_input", "ioctl(2) TIOCSTI on a terminal of one's own", push, Around::Process),
    inside("push_input_high", "ioctl(2) TIOCSTI with a bit set above the 32 that count", push_high, Around::Process),
    unlike("console_selection", "ioctl(2) TIOCLINUX", selection, (Around::Process, selection_of_console)),
    unlike(
        "console_selection_high",
        "ioctl(2) TIOCLINUX with a bit set above the 32 that count",
        selection_high,
        (Around::Process, selection_high_of_console),
    ),
];

/// The request's number has 32 bits in the kernel, while a filter sees 64: CVE-2019-10063 compared them all.
const ABOVE: libc::c_ulong = 1 << 40;
/// TIOCLINUX of ioctl_console(2).
const TIOCLINUX: libc::c_ulong = 0x541c;
/// TIOCL_GETSHIFTSTATE: a question about the keyboard, which changes nothing.
const SHIFT_STATE: u8 = 6;

fn own(_: &Scene) -> Seen {
    super::files::read_only("/dev/tty")
}

/// A process with a terminal.
fn own_of_ours(scene: &Scene) -> Seen {
    match terminal() {
        Ok(ends) => {
            let seen = own(scene);
            keep(ends);
            seen
        }
        Err(errno) => Seen::Unclear(format!("no terminal to be had: {errno}")),
    }
}

/// A new terminal as the controlling one of a new session: both ends.
fn terminal() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    setsid()?;
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    ioctl_tiocsctty(&theirs)?;
    Ok((ours, theirs))
}

/// Leaves both ends open until the process is gone: a terminal that is closed sends SIGHUP to who has it, who would not
/// have told yet what came of the attempt.
fn keep(ends: (OwnedFd, OwnedFd)) {
    std::mem::forget(ends);
}

/// A request with one byte on a terminal of one's own.
fn on_own_terminal(request: libc::c_ulong, byte: u8) -> Seen {
    match terminal() {
        Ok(ends) => {
            let seen = on(&ends.1, request, byte);
            keep(ends);
            seen
        }
        // A filter leaves no way to a terminal of one's own.
        Err(Errno::PERM) => Seen::Absent("no terminal can be had".to_owned()),
        Err(errno) => Seen::Unclear(format!("no terminal to be had: {errno}")),
    }
}

/// By the raw call: the C library's own would cut the request on some.
fn on(fd: &OwnedFd, request: libc::c_ulong, mut byte: u8) -> Seen {
    // SAFETY: both requests read one byte, and TIOCLINUX writes one back; `byte` outlives the call.
    Seen::of(unsafe { libc::syscall(libc::SYS_ioctl, fd.as_raw_fd(), request, &raw mut byte) })
}

fn push(_: &Scene) -> Seen {
    on_own_terminal(libc::TIOCSTI as libc::c_ulong, b'x')
}

fn push_high(_: &Scene) -> Seen {
    on_own_terminal(libc::TIOCSTI as libc::c_ulong | ABOVE, b'x')
}

fn selection(_: &Scene) -> Seen {
    on_own_terminal(TIOCLINUX, SHIFT_STATE)
}

fn selection_high(_: &Scene) -> Seen {
    on_own_terminal(TIOCLINUX | ABOVE, SHIFT_STATE)
}

fn selection_of_console(_: &Scene) -> Seen {
    on_console(TIOCLINUX)
}

fn selection_high_of_console(_: &Scene) -> Seen {
    on_console(TIOCLINUX | ABOVE)
}

/// Only a virtual console knows the request; a terminal of a job's own says ENOTTY.
fn on_console(request: libc::c_ulong) -> Seen {
    use rustix::fs::{Mode, OFlags, open};
    match open("/dev/tty1", OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(console) => on(&console, request, SHIFT_STATE),
        Err(errno) => Seen::Unclear(format!("no console to be had: {errno}")),
    }
}
