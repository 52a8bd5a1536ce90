//! Under which cgroup the place for cells may be made. The rule of one writer: a cgroup belongs to whoever manages it,
//! and only what was delegated, or what nobody manages, is ours (systemd's CGROUP_DELEGATION.md).

use super::file::Dir;
use super::hierarchy::{Who, discover_for};
use crate::os::{Doing, OsError};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};

/// Where, and what has to be done first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// The root of the whole hierarchy, which nobody manages: a bare machine, a VM with its own first process, a hybrid
    /// host. It is exempt from the rule that processes live in leaves only.
    Root(PathBuf),
    /// A cgroup that was given to us: a unit with `Delegate=yes`, or the root of a container's cgroup namespace. Its
    /// processes move into a leaf before controllers can be enabled.
    Delegated(PathBuf),
    /// systemd manages the hierarchy and has given us nothing: it is asked for a scope of our own.
    Systemd,
}

/// The leaf below a delegated cgroup that takes its processes in.
pub(super) const LEAF: &str = "supervisor";

/// Exists while systemd is the system's first process, sd_booted(3).
const SYSTEMD_RUNS: &str = "/run/systemd/system";

/// systemd marks what it delegates; the second for those without CAP_SYS_ADMIN (systemd 251).
const MARKS: [&str; 2] = ["trusted.delegate", "user.delegate"];

impl Seat {
    /// The seat for a process whose cgroup is `own`, seen through the mount `mount`.
    pub(super) fn of(mount: &Dir, own: &Path) -> Result<Self, OsError> {
        if let Some(dir) = delegated(&mount.path, own) {
            return Ok(Self::Delegated(dir));
        }
        if Path::new(SYSTEMD_RUNS).is_dir() {
            return Ok(Self::Systemd);
        }
        // Only the root of the whole hierarchy has no cgroup.events; the root of a cgroup namespace or of a mount of a
        // part has it, and is what a container was given.
        Ok(match mount.has("cgroup.events") {
            true => Self::Delegated(mount.path.to_path_buf()),
            false => Self::Root(mount.path.to_path_buf()),
        })
    }
}

/// Moves a process beside those that live in the leaf of a seat, if it has one: systemd takes a scope away when nobody is in it.
///
/// # Errors
/// ENOENT, ENODEV when the seat is gone.
pub fn join_leaf(seat: BorrowedFd<'_>, pid: Option<i32>) -> Result<(), OsError> {
    let seat = Dir::of(seat.try_clone_to_owned().map_err(|error| OsError::new(Doing::Open, LEAF, error))?)?;
    let Some(pid) = pid else { return Ok(()) };
    if !seat.has("cgroup.procs") {
        return Err(OsError::new(Doing::Move, &*seat.path, Errno::NOENT));
    }
    // The root of a hierarchy has none, and its processes are where they are.
    if !seat.has(LEAF) { Ok(()) } else { seat.enter(LEAF)?.write("cgroup.procs", &pid.to_string()) }
}

/// Moves a process into the cgroup of another one.
///
/// # Errors
/// ENOENT, ESRCH when one of them is gone; else as the kernel refuses it.
pub fn join_beside(other: i32, pid: i32) -> Result<(), OsError> {
    let (there, here) = (discover_for(Who::Process(other))?.own, discover_for(Who::Process(pid))?.own);
    if there == here { Ok(()) } else { Dir::open(&there)?.write("cgroup.procs", &pid.to_string()) }
}

/// Whether systemd manages a cgroup and has given it to nobody, nor any above it.
pub(super) fn undelegated(mount: &Path, dir: &Path) -> bool {
    let given = |dir: &&Path| dir.starts_with(mount) && is_marked(dir);
    Path::new(SYSTEMD_RUNS).is_dir() && !dir.ancestors().any(|dir| given(&dir))
}

/// Our cgroup if it was delegated, or the one above if we already live in its leaf.
fn delegated(mount: &Path, own: &Path) -> Option<PathBuf> {
    let above = own.parent().filter(|above| own.ends_with(LEAF) && above.starts_with(mount));
    [Some(own), above].into_iter().flatten().find(|dir| is_marked(dir)).map(Path::to_path_buf)
}

/// Whether systemd's mark says that the cgroup is somebody else's to manage. A directory that cannot be asked is not.
fn is_marked(dir: &Path) -> bool {
    MARKS.iter().any(|mark| {
        let mut value = [0u8; 8];
        let read: Result<usize, Errno> = rustix::fs::getxattr(dir, *mark, &mut value);
        read.is_ok_and(|length| value.get(..length) == Some(b"1".as_slice()))
    })
}
