//! Host ids for cells: each cell has a range of its own that is no real user's, for exactly as long as it lives.
//!
//! A range is taken by a lock on one byte of one file, in an open file description of its own (fcntl(2), F_OFD_SETLK).
//! The keeper holds that description until the cell's cgroup is removed, and the cell's PID 1 as long as it lives: so the
//! range is free again when the cell is gone, whoever was killed in whichever order, and nothing has to be cleared away.
//! Runs that do not share a `/run`, as in two containers, do not see each other's locks.

use super::{Doing, OsError};
use init_shim::wire::CELL_IDS;
use nix::fcntl::{FcntlArg, fcntl};
use rustix::fs::{Mode, OFlags, fstat, mkdir, open, openat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// Where ironcell keeps what several runs share.
const DIRECTORY: &str = "/run/ironcell";
/// The file whose bytes are the ranges. It stays empty: only locks are in it.
const FILE: &str = "cell-ids";
/// The first range. systemd's table of ids (UIDS-GIDS.md) leaves 0x7000_0000 to 0x7ffd_ffff to nobody.
const FIRST: u32 = 0x7000_0000;
/// Ranges in all: so many cells at once on one host.
const RANGES: u32 = (0x7ffe_0000 - FIRST) / CELL_IDS;

/// A range of host ids, and the lock on it.
#[derive(Debug)]
pub struct CellIds {
    /// Its first id.
    pub first: u32,
    /// The open file description that holds the lock.
    pub lock: OwnedFd,
}

impl CellIds {
    /// Takes a free range, beginning to look at `seed`, so that concurrent starts seldom try the same.
    ///
    /// # Errors
    /// EAGAIN when every range is taken; else what the kernel refused.
    pub fn take(seed: u128) -> Result<Self, OsError> {
        let lock = open_file()?;
        let start = (seed % u128::from(RANGES)) as u32;
        for step in 0..RANGES {
            let range = (start + step) % RANGES;
            match try_lock(&lock, range) {
                Ok(()) => return Ok(Self { first: FIRST + range * CELL_IDS, lock }),
                Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => {}
                Err(error) => return Err(failed(Doing::Lock, Errno::from_raw_os_error(error as i32))),
            }
        }
        Err(failed(Doing::Lock, Errno::AGAIN).remedy("there are as many cells as ids for them: wait for some to end"))
    }
}

/// A failure at our file.
fn failed(doing: Doing, errno: Errno) -> OsError {
    OsError::new(doing, format!("{DIRECTORY}/{FILE}"), errno)
}

/// The directory of what runs share. Nobody but root may have had a hand in it.
///
/// # Errors
/// EPERM when somebody may have; else as open(2).
pub(super) fn shared_directory() -> Result<OwnedFd, OsError> {
    let refused = |errno| OsError::new(Doing::Open, DIRECTORY, errno);
    match mkdir(DIRECTORY, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(OsError::new(Doing::Make, DIRECTORY, errno).remedy("/run must be writable")),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = open(DIRECTORY, OFlags::RDONLY | flags, Mode::empty()).map_err(refused)?;
    let stat = fstat(&directory).map_err(refused)?;
    if stat.st_uid != 0 || stat.st_mode & 0o022 != 0 {
        return Err(refused(Errno::PERM).remedy("it must belong to root and be writable for nobody else: remove it"));
    }
    Ok(directory)
}

/// A new open file description of the file.
fn open_file() -> Result<OwnedFd, OsError> {
    let directory = shared_directory()?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(&directory, FILE, flags, Mode::from_raw_mode(0o600)).map_err(|errno| failed(Doing::Open, errno))
}

/// Locks one byte, or says EAGAIN.
fn try_lock(file: &OwnedFd, range: u32) -> nix::Result<()> {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: range.into(),
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
}
