//! Clearing up after a supervisor: its cells end, their cgroups go, and the place for them.

use crate::socket::Role;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat};
use rustix::io::{Errno, pread, write};
use rustix::path::Arg;
use std::time::{Duration, Instant};

/// How long the keeper waits for a cgroup to empty before it gives up: a process in an uninterruptible wait (a dead
/// network file system) may hold it for ever, and the next start sweeps what is left.
const CLEAR_WITHIN: Duration = Duration::from_secs(10);
/// How often it looks again where there is nothing to wait on.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A cell that runs: what is needed to end it and to remove its cgroup. A copy of its own ends of pipes would keep their
/// readers from seeing the end, so there is none.
pub struct Held {
    /// The supervisor's number for it.
    pub job: u64,
    /// The name of its cgroup in the base.
    pub name: String,
    /// Its cgroup.
    pub cgroup: OwnedFd,
    /// The base.
    pub base: OwnedFd,
    /// The lock on its host ids. PID 1 lets go of its own a moment before the last process of the cell is gone.
    pub ids: OwnedFd,
    /// What the next supervisor needs to go on with it, where it shall outlive this one.
    pub kept: Option<Kept>,
}

/// The supervisor's ends of a job's pipes, held for the next one.
pub struct Kept {
    /// PID 1 on the host, for people.
    pub pid: i32,
    /// Each by what it is.
    pub fds: Vec<(Role, OwnedFd)>,
}

/// The directory whose children are the cells' cgroups.
pub struct Base {
    /// The directory above it.
    pub above: OwnedFd,
    /// Its name there.
    pub name: String,
}

/// How a supervisor went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It said so: what it holds it has let go.
    Orderly,
    /// It died, or forgot to say.
    Death,
}

/// The supervisor is gone. Every cell of its ends, and its cgroup goes.
pub fn up(held: Vec<Held>, bases: &[Base], end: End) {
    for held in &held {
        release_io(&held.cgroup);
        kill_cgroup(&held.cgroup);
    }
    let until = Instant::now() + CLEAR_WITHIN;
    for held in held {
        remove_cgroup(&held, until);
    }
    bases.iter().for_each(|base| remove_base(base, end));
}

impl Base {
    /// Whether it is the same place.
    pub fn is(&self, other: &Self) -> bool {
        let same = |a: &OwnedFd, b: &OwnedFd| match (fstat(a), fstat(b)) {
            (Ok(a), Ok(b)) => (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino),
            _ => false,
        };
        self.name == other.name && same(&self.above, &other.above)
    }
}

/// The base goes with the last who holds it: each holds a shared lock on its directory, so an exclusive one is had only
/// when nobody does. It may never have been made, or be a new one of somebody else's by now.
fn remove_base(base: &Base, end: End) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(directory) = openat(&base.above, base.name.as_str(), flags, Mode::empty()) else { return };
    let until = Instant::now() + if end == End::Death { LOCK_WITHIN } else { Duration::ZERO };
    while flock(&directory, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= until {
            // Another supervisor lives. What ours had made and not told of is nobody's.
            return if end == End::Death {
                remove_abandoned(&directory)
            };
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    // No supervisor lives, so every cell whose lock is free is nobody's.
    remove_abandoned(&directory);
    if leads_to(&base.above, base.name.as_str(), &directory) {
        // ENOTEMPTY: a cell is left that could not be removed in time.
        let _ = unlinkat(&base.above, base.name.as_str(), AtFlags::REMOVEDIR);
    }
}

/// A supervisor that was killed lets go of its descriptors one by one: of our socket perhaps before the base's lock.
const LOCK_WITHIN: Duration = Duration::from_secs(2);

/// Whether a name still leads to a directory; while we hold the lock on the one that it leads to, nobody else can remove it.
fn leads_to(above: &OwnedFd, name: impl Arg, directory: &OwnedFd) -> bool {
    let named = statat(above, name, AtFlags::SYMLINK_NOFOLLOW);
    let held = fstat(directory);
    matches!((named, held), (Ok(named), Ok(held)) if (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino))
}

/// Removes the cgroups that the supervisor had made and not told of when it died: nobody holds their lock, and nothing is
/// in them. One that a living supervisor makes in this very moment is made anew by it.
fn remove_abandoned(base: &OwnedFd) {
    let Ok(entries) = Dir::read_from(base) else { return };
    for entry in entries.take(CELLS_MOST).flatten().filter(|entry| entry.file_type() == FileType::Directory) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(cell) = openat(base, entry.file_name(), flags, Mode::empty()) else { continue };
        // Another who clears up may have removed it before we had its lock, and its maker have made a new one of that name.
        if flock(&cell, FlockOperation::NonBlockingLockExclusive).is_ok() && leads_to(base, entry.file_name(), &cell) {
            // EBUSY: it is not empty, so it is no one's that never began; `..` and `.` are refused, too.
            let _ = unlinkat(base, entry.file_name(), AtFlags::REMOVEDIR);
        }
    }
}

/// Cells that are looked at: more than one host has ids for.
const CELLS_MOST: usize = 8192;

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
