//! The keeper: one small process with one thread that builds all cells of one supervisor, and clears up after it.
//!
//! It starts in one of two ways, with the same code: the program `ironcell` forks it as its first act; a program with
//! threads executes it once from a sealed memfd (see [`exec_arguments`]). From then on a cell costs one clone3.

use crate::outside::{Cell, outside};
use crate::ready::{self, Host};
use crate::report::Failure;
use crate::socket::{FromKeeper, LaunchFds, ToKeeper, receive, send};
use crate::step::Step;
use crate::sys;
use crate::wire::{ORDER_MOST_BYTES, Order};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, Result, pread, write};
use rustix::net::RecvFlags;
use std::time::{Duration, Instant};

/// argv[0] by which a program that was executed knows that it is to be the keeper; its socket is descriptor 0.
pub const ARG0: &str = "ironcell-keeper";

/// How long the keeper waits for a cgroup to empty before it gives up: a process in an uninterruptible wait (a dead
/// network file system) may hold it for ever, and the next start sweeps what is left.
const CLEAR_WITHIN: Duration = Duration::from_secs(10);
/// How often it looks again where there is nothing to wait on.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A cell that runs: what is needed to end it and to remove its cgroup, and nothing else. A copy of its pipes would keep
/// their readers from seeing the end.
struct Held {
    job: u64,
    name: String,
    cgroup: OwnedFd,
    base: OwnedFd,
    /// The lock on its host ids. PID 1 lets go of its own a moment before the last process of the cell is gone.
    _ids: OwnedFd,
}

/// The directory whose children are the cells' cgroups.
struct Base {
    above: OwnedFd,
    name: String,
}

/// The keeper of one supervisor.
struct Keeper {
    socket: OwnedFd,
    host: Host,
    held: Vec<Held>,
    /// The place of the cells' cgroups.
    base: Option<Base>,
}

/// Runs the keeper on this socket until the other side is gone. Never returns.
pub fn run(socket: OwnedFd) -> ! {
    let (socket, host) = match ready::get_ready(socket) {
        Ok(ready) => ready,
        Err((socket, errno)) => {
            // Who is not there to hear it needs no answer.
            let _ = send(&socket, &FromKeeper::Unfit { errno: errno.raw_os_error() }, &[]);
            sys::exit_now(crate::inside::NOT_BUILT)
        }
    };
    let mut keeper = Keeper { socket, host, held: Vec::new(), base: None };
    let _ = send(&keeper.socket, &FromKeeper::Ready, &[]);
    loop {
        match receive::<ToKeeper>(&keeper.socket, RecvFlags::empty()) {
            Ok(Some((message, fds))) => keeper.obey(message, fds),
            // No message of our supervisor's: not worth the cells of all others.
            Err(Errno::BADMSG) => {}
            Ok(None) | Err(_) => break,
        }
    }
    keeper.clear_up();
    sys::exit_now(0)
}

impl Keeper {
    /// Obeys one order. A message with the wrong descriptors cannot come from our supervisor, and is dropped.
    fn obey(&mut self, message: ToKeeper, mut fds: Vec<OwnedFd>) {
        match message {
            ToKeeper::Base { name } => self.base = fds.pop().map(|above| Base { above, name }),
            ToKeeper::Forget { job } => self.held.retain(|held| held.job != job),
            ToKeeper::Launch { job, first_id, name } => {
                let Some(fds) = LaunchFds::of(fds) else { return };
                self.launch(job, first_id, name, fds);
            }
        }
    }

    /// Builds a cell and answers.
    fn launch(&mut self, job: u64, first_id: u32, name: String, fds: LaunchFds) {
        let born = read_order(&fds.order)
            .map_err(|errno| Failure::at(Step::ReadOrder, errno))
            .and_then(|order| outside(&mut self.host, &Cell { order: &order, first_id, fds: &fds }));
        // Who is not there to hear the answer is noticed by the next receive.
        let _ = match born {
            Ok(born) => {
                let pid = born.pid;
                send(&self.socket, &FromKeeper::Launched { job, pid }, &[born.pidfd.as_fd()])
            }
            Err(failure) => send(&self.socket, &FromKeeper::Refused { job, failure: failure.encode() }, &[]),
        };
        // Also after a failure: should the supervisor die now, its cgroup is ours to remove.
        let LaunchFds { cgroup, base, ids, .. } = fds;
        self.held.push(Held { job, name, cgroup, base, _ids: ids });
    }

    /// The supervisor is gone. Every cell of its ends, and its cgroup goes.
    fn clear_up(self) {
        for held in &self.held {
            release_io(&held.cgroup);
            kill_cgroup(&held.cgroup);
        }
        let until = Instant::now() + CLEAR_WITHIN;
        for held in self.held {
            remove_cgroup(&held, until);
        }
        if let Some(base) = &self.base {
            remove_base(base);
        }
    }
}

/// The base goes with the last who holds it: each holds a shared lock on its directory, so an exclusive one is had only
/// when nobody does. It may never have been made, or be a new one of somebody else's by now.
fn remove_base(base: &Base) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(directory) = openat(&base.above, base.name.as_str(), flags, Mode::empty()) else { return };
    let until = Instant::now() + LOCK_WITHIN;
    while flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= until {
            return;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    if is_named(base, &directory) {
        // ENOTEMPTY: a cell is left that could not be removed in time.
        let _ = unlinkat(&base.above, base.name.as_str(), AtFlags::REMOVEDIR);
    }
}

/// A supervisor that was killed lets go of its descriptors one by one: of our socket perhaps before the base's lock.
const LOCK_WITHIN: Duration = Duration::from_millis(200);

/// Whether a directory still is what the base's name leads to; while we hold the lock on the one that is, nobody else can
/// remove it.
fn is_named(base: &Base, directory: &OwnedFd) -> bool {
    let named = statat(&base.above, base.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
    let held = fstat(directory);
    matches!((named, held), (Ok(named), Ok(held)) if (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino))
}

/// The order in a sealed memfd.
fn read_order(order: &OwnedFd) -> Result<Order> {
    let length = u64::try_from(fstat(order)?.st_size).unwrap_or(u64::MAX);
    if length > ORDER_MOST_BYTES {
        return Err(Errno::MSGSIZE);
    }
    let mut bytes = vec![0_u8; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match pread(order, &mut bytes[filled..], filled as u64)? {
            0 => return Err(Errno::BADMSG),
            got => filled += got,
        }
    }
    Order::decode(&bytes).ok_or(Errno::BADMSG)
}

/// Takes every limit of io away: a killed process that waits for a throttled write dies only when the write is done.
fn release_io(cgroup: &OwnedFd) {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let Ok(file) = openat(cgroup, "io.max", flags, Mode::empty()) else { return };
    let mut text = [0_u8; IO_MAX_BYTES];
    let Ok(length) = pread(&file, &mut text, 0) else { return };
    for line in String::from_utf8_lossy(&text[..length]).lines() {
        if let Some(device) = line.split_whitespace().next() {
            // A limit that stays makes the end late, not wrong.
            let _ = write(&file, format!("{device} rbps=max wbps=max riops=max wiops=max").as_bytes());
        }
    }
}

/// A page: the kernel gives a cgroup's file in pieces of one, and 40 disks fit in it.
const IO_MAX_BYTES: usize = 4096;

/// cgroup.kill (kernel 5.14): SIGKILL to all at once, which no fork can outrun. It is gone already if it was removed.
fn kill_cgroup(cgroup: &OwnedFd) {
    let _ = openat(cgroup, "cgroup.kill", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|kill| write(kill, b"1"));
}

/// rmdir as soon as the last process has left; the kernel tells by an event on cgroup.events.
fn remove_cgroup(held: &Held, until: Instant) {
    let events = openat(&held.cgroup, "cgroup.events", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    while let Err(Errno::BUSY) = unlinkat(&held.base, held.name.as_str(), AtFlags::REMOVEDIR) {
        if Instant::now() >= until {
            return;
        }
        let wait = Timespec { tv_sec: 0, tv_nsec: LOOK_AGAIN.as_nanos() as _ };
        match &events {
            Ok(events) => drop(poll(&mut [PollFd::new(events, PollFlags::PRI)], Some(&wait))),
            Err(_) => std::thread::sleep(LOOK_AGAIN),
        }
    }
}

/// Whether a program was executed to be the keeper, by its arguments; the socket is then its standard input.
pub fn is_asked_for(arg0: &[u8]) -> bool {
    arg0 == ARG0.as_bytes()
}

/// Becomes the keeper on standard input. For a program that [`is_asked_for`]; never returns.
pub fn take_over() -> ! {
    match rustix::io::dup(rustix::stdio::stdin()) {
        Ok(socket) => run(socket),
        Err(_) => sys::exit_now(crate::inside::NOT_BUILT),
    }
}
