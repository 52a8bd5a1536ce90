//! PID 1 of a cell at work: reaps, passes signals on, watches the lease, tells the end.
//!
//! When it exits, the kernel kills all that is left in the PID namespace (pid_namespaces(7)): no process can outlive it.

use crate::inside::{NOT_BUILT, Target};
use crate::outside::Cell;
use crate::report::End;
use crate::sys;
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};

/// wait4(2): whichever child.
const ANY: i32 = -1;

/// Passed through the lease: the signal that follows goes to the leader.
pub const TO_LEADER: u8 = b'L';

/// Children reaped between two looks at the lease: a job that makes orphans faster than they are reaped must hold up
/// neither an order nor the word of its leader's end.
const REAPED_MOST: usize = 64;

/// What a look at the children has found.
struct Reaped {
    /// The leader's end, when it is among them.
    end: Option<End>,
    /// Whether any process is left in the cell.
    others: bool,
    /// Whether more may have ended than were reaped.
    more: bool,
}

/// Never returns: the cell ends with this process.
pub fn live(cell: &Cell<'_>, target: &Target) -> ! {
    let fds = cell.fds;
    let Ok(children) = watch_children() else { sys::exit_now(NOT_BUILT) };
    let mut running = true;
    loop {
        // Look before each wait: a child may have ended before the descriptor was there.
        let Reaped { end, others, more } = reap(target, &mut running);
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
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let _ = poll(&mut watched, more.then_some(&at_once));
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

/// Reaps what has ended, the leader first. A process whose parent has died is PID 1's child, so "no children" is "no other
/// process in the cell".
fn reap(target: &Target, running: &mut bool) -> Reaped {
    let mut leader = None;
    let (mut others, mut more) = (true, true);
    let first = running.then_some(target.pid);
    for whom in first.into_iter().chain([ANY; REAPED_MOST]) {
        match sys::reap(whom) {
            Ok(Some((pid, how, used))) if *running && pid == target.pid => {
                *running = false;
                leader = Some((how, target.since.elapsed(), used));
            }
            // The leader runs on; others may have ended.
            Ok(None) if whom != ANY => {}
            Ok(Some(_)) => {}
            Err(Errno::INTR) => {}
            Ok(None) => {
                more = false;
                break;
            }
            Err(_) => {
                (others, more) = (false, false);
                break;
            }
        }
    }
    let end = leader.map(|(how, wall, used)| {
        let wall_nanos = u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX);
        End { how, others, wall_nanos, used }
    });
    Reaped { end, others, more }
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
