//! PID 1 of a cell at work: reaps, passes signals on, watches the lease, tells the end.
//!
//! When it exits, the kernel kills all that is left in the PID namespace (pid_namespaces(7)): no process can outlive it.

use crate::inside::{NOT_BUILT, Target};
use crate::outside::Cell;
use crate::report::End;
use crate::sys;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};

/// Passed through the lease: the signal that follows goes to the leader.
pub const TO_LEADER: u8 = b'L';

/// Never returns: the cell ends with this process.
pub fn live(cell: &Cell<'_>, target: &Target) -> ! {
    let fds = cell.fds;
    let Ok(children) = watch_children() else { sys::exit_now(NOT_BUILT) };
    let mut running = true;
    loop {
        // Look before each wait: a child may have ended before the descriptor was there.
        let (end, others) = reap(target, &mut running);
        if let Some(end) = end {
            // A status that cannot be written has no reader: the owner is gone, and the lease ends the cell below.
            let _ = write(&fds.status, &end.encode());
        }
        if !others {
            // Nothing is left to wait for. Should the leader's end be unknown, its owner hears that from the silence.
            sys::exit_now(0);
        }
        let mut watched = [PollFd::new(&children, PollFlags::IN), PollFd::new(&fds.lease, PollFlags::IN)];
        // Only EINTR can come back, which no signal can cause: all are blocked.
        let _ = poll(&mut watched, None);
        let lease_moved = !watched[1].revents().is_empty();
        while let Ok(Some(_)) = children.read_signal() {}
        if lease_moved && !obey(&fds.lease, target, running) {
            // The owner is gone: so is the cell.
            sys::exit_now(0);
        }
    }
}

/// signalfd(2) for SIGCHLD. All signals are blocked since the keeper.
fn watch_children() -> nix::Result<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(nix::sys::signal::Signal::SIGCHLD);
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Reaps all that has ended: the leader's end, when it is among them, and whether any process is left. One whose parent
/// has died is PID 1's child, so "no children" is "no other process in the cell".
fn reap(target: &Target, running: &mut bool) -> (Option<End>, bool) {
    let mut leader = None;
    let others = loop {
        match sys::reap() {
            Ok(Some((pid, how, used))) if *running && pid == target.pid => {
                *running = false;
                leader = Some((how, target.since.elapsed(), used));
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let end = leader.map(|(how, wall, used)| {
        let wall_nanos = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
        End { how, others, wall_nanos, used }
    });
    (end, others)
}

/// Obeys one order of the lease; false at its end. An order is two bytes: to whom, and which signal.
fn obey(lease: &OwnedFd, target: &Target, running: bool) -> bool {
    let mut order = [0_u8; 2];
    match read(lease, &mut order) {
        Ok(0) => return false,
        Ok(2) => {}
        // Two bytes are written at once, so no order is ever torn; on an error another look will tell.
        Ok(_) | Err(_) => return true,
    }
    match order {
        // Not reaped yet, so the id is still the leader's.
        [TO_LEADER, signal] if running => sys::signal(target.pid, signal),
        _ => {}
    }
    true
}
