//! Makes the place for cells: a cgroup of ironcell's whose children have every controller that the kernel gives.

use super::above::Above;
use super::file::Dir;
use super::hierarchy::{self, BASE, Discovery, Who};
use super::parent::Guest;
use super::seat::{LEAF, Seat};
use super::sweep::leftover;
use super::systemd;
use super::wait::Tries;
use crate::os::{Doing, OsError};
use crate::plan::host::{Controller, Hierarchy};
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// How long concurrent runs may get in each other's way: each holds the base for microseconds.
const CONTENTION_MOST: Duration = Duration::from_secs(2);
/// How often the processes of a delegated cgroup are moved: a process that forks while it is moved leaves its child
/// behind, so one round is not always enough; a cgroup that refills as often as this is under attack.
const MOVE_ROUNDS: usize = 32;

/// The cgroup whose children the cells are. While it is held, nobody removes it: its directory is locked (shared).
#[derive(Debug)]
pub struct Base {
    pub(super) dir: Dir,
    parent: Dir,
    hierarchy: Hierarchy,
    above: Arc<Above>,
    /// Of a place below another manager's cgroup.
    guest: Option<Arc<Guest>>,
}

impl Base {
    /// The cgroups that its cells are below, itself included.
    pub fn above(&self) -> Arc<Above> {
        Arc::clone(&self.above)
    }

    /// What a plan needs to know of it.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// What holds it below another manager's cgroup, for whoever is in it.
    pub fn guest(&self) -> Option<Arc<Guest>> {
        self.guest.clone()
    }

    pub(super) fn with_guest(self, guest: Arc<Guest>) -> Self {
        Self { guest: Some(guest), ..self }
    }

    /// The base's directory, for the removal of its cells.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.dir.fd.as_fd()
    }

    /// Lets go of the base; what stays is the knowledge of where it is.
    pub fn let_go(self) -> Place {
        Place(self.parent)
    }
}

/// Where a base was, for whoever removes it at last.
#[derive(Debug)]
pub struct Place(Dir);

impl Place {
    /// Removes the base if it is still there, no cell is in it and nobody holds it.
    ///
    /// # Errors
    /// When the kernel refuses for another reason than that it is in use.
    pub fn remove_if_empty(&self) -> Result<(), OsError> {
        // Who holds it has a shared lock on it; who comes while we have ours finds it locked and makes a new one.
        let Some(dir) = leftover(&self.0, BASE)? else { return Ok(()) };
        match rustix::fs::unlinkat(&self.0.fd, BASE, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::BUSY | Errno::NOTEMPTY) => Ok(()),
            Err(error) => Err(OsError::new(Doing::Remove, &*dir.path, error)),
        }
    }
}

/// Makes the place for cells. `companions` are processes of ours (the keeper) that must stay beside us, outside of the
/// cells: they move along where we have to move. Our own process always does. `announce` is told the directory above and
/// the name before the place is made, for whoever clears up when this process dies in the very next moment.
///
/// # Errors
/// Says which step the kernel, or systemd, refused, and the way out.
pub fn prepare(
    companions: &[i32],
    announce: impl FnOnce(BorrowedFd<'_>, &str) -> Result<(), OsError>,
) -> Result<Base, OsError> {
    let all: Vec<Who> = [Who::Ourselves].into_iter().chain(companions.iter().copied().map(Who::Process)).collect();
    prepare_for(&all, announce)
}

/// The same where this process stays where it is, and the cells are to be beside a keeper that outlives it: they must not be
/// in what is ended with our own unit.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_beside(
    keeper: i32,
    announce: impl FnOnce(BorrowedFd<'_>, &str) -> Result<(), OsError>,
) -> Result<Base, OsError> {
    prepare_for(&[Who::Process(keeper)], announce)
}

/// The cells will be where the first of these is.
fn prepare_for(
    all: &[Who],
    announce: impl FnOnce(BorrowedFd<'_>, &str) -> Result<(), OsError>,
) -> Result<Base, OsError> {
    let first = all.first().copied().unwrap_or(Who::Ourselves);
    let mut found = hierarchy::discover_for(first)?;
    if found.seat == Seat::Systemd {
        systemd::move_into_scope(all)?;
        found = hierarchy::discover_for(first)?;
        if found.seat == Seat::Systemd {
            return Err(OsError::new(Doing::Find, found.own, Errno::PERM)
                .value("systemd's mark of delegation")
                .remedy("start ironcell in a unit with Delegate=yes"));
        }
    }
    let (seat, leaf) = match &found.seat {
        Seat::Delegated(dir) => (Dir::open(dir)?, true),
        Seat::Root(dir) => (Dir::open(dir)?, false),
        Seat::Systemd => return Err(OsError::new(Doing::Find, found.own, Errno::PERM)),
    };
    if leaf {
        empty_into_leaf(&seat)?;
    }
    let mut refused = Vec::new();
    enable(&seat, &mut refused)?;
    announce(seat.fd.as_fd(), BASE)?;
    let dir = make_base(&seat)?;
    enable(&dir, &mut refused)?;
    describe(found, dir, seat, refused)
}

/// Reads back what the kernel gave.
pub(super) fn describe(
    found: Discovery,
    dir: Dir,
    parent: Dir,
    refused: Vec<(Controller, String)>,
) -> Result<Base, OsError> {
    let controllers = hierarchy::controllers(&dir, "cgroup.subtree_control")?;
    let files = hierarchy::files(&dir, &controllers)?;
    let hierarchy =
        Hierarchy { mount: found.mount, base: dir.path.to_path_buf(), controllers, on_v1: found.on_v1, refused, files };
    let above = Arc::new(Above::of(&dir));
    Ok(Base { dir, parent, hierarchy, above, guest: None })
}

/// Enables each controller by itself, so that one that the kernel refuses does not take the others with it. What was
/// refused is not lost: a plan that needs it says why.
fn enable(dir: &Dir, refused: &mut Vec<(Controller, String)>) -> Result<(), OsError> {
    let available = hierarchy::controllers(dir, "cgroup.controllers")?;
    let enabled = hierarchy::controllers(dir, "cgroup.subtree_control")?;
    for controller in available.into_iter().filter(|controller| !enabled.contains(controller)) {
        // The kernel refuses a controller for the children of a cgroup that has processes (EBUSY), cpu while real-time
        // tasks are outside of the root (EINVAL), and any that a v1 mount took meanwhile (ENOENT).
        if let Err(error) = dir.write("cgroup.subtree_control", &format!("+{}", controller.name())) {
            refused.push((controller, error.to_string()));
        }
    }
    Ok(())
}

/// Makes or finds the base and takes its lock. Between its making and its locking another run may remove it again.
pub(super) fn make_base(seat: &Dir) -> Result<Dir, OsError> {
    let mut tries = Tries::within(CONTENTION_MOST);
    loop {
        // A cgroup is made by mkdir(2); the directory's mode is the kernel's own affair.
        match rustix::fs::mkdirat(&seat.fd, BASE, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(cannot_make(seat, BASE, error)),
        }
        let locked = match seat.enter(BASE) {
            Ok(dir) => lock_shared(seat, dir, BASE)?,
            Err(error) if error.is(libc::ENOENT) => None,
            Err(error) => return Err(error),
        };
        if let Some(dir) = locked {
            return Ok(dir);
        }
        if !tries.again() {
            return Err(OsError::new(Doing::Lock, seat.path.join(BASE), Errno::AGAIN));
        }
    }
}

/// The directory with our shared lock on it, if nobody is removing it and it is still the one of that name.
pub(super) fn lock_shared(parent: &Dir, dir: Dir, name: &str) -> Result<Option<Dir>, OsError> {
    match rustix::fs::flock(&dir.fd, FlockOperation::NonBlockingLockShared) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(OsError::new(Doing::Lock, &*dir.path, error)),
    }
    Ok(is_named(parent, &dir, name)?.then_some(dir))
}

/// Whether a directory that we hold is the one that the name leads to now.
pub(super) fn is_named(parent: &Dir, dir: &Dir, name: &str) -> Result<bool, OsError> {
    let held = rustix::fs::fstat(&dir.fd).map_err(|e| OsError::new(Doing::Read, &*dir.path, e))?;
    let named = rustix::fs::statat(&parent.fd, name, AtFlags::SYMLINK_NOFOLLOW);
    Ok(named.is_ok_and(|named| (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)))
}

/// The usual reasons that no cgroup can be made, each with its way out.
fn cannot_make(seat: &Dir, name: &str, error: Errno) -> OsError {
    let failed = OsError::new(Doing::Make, seat.path.join(name), error);
    match error {
        Errno::ROFS => {
            failed.remedy("mount cgroup v2 writable: docker run --privileged --cgroupns=private, or outside")
        }
        Errno::PERM | Errno::ACCESS => failed.remedy("run as root of the host"),
        Errno::AGAIN => failed.remedy("raise cgroup.max.descendants or cgroup.max.depth above it"),
        _ => failed,
    }
}

/// Moves every process of a delegated cgroup into its leaf: a cgroup with processes cannot give controllers to its
/// children ("no internal processes", cgroup-v2.rst).
fn empty_into_leaf(seat: &Dir) -> Result<(), OsError> {
    if seat.read("cgroup.procs")?.is_none_or(|procs| procs.trim().is_empty()) {
        return Ok(());
    }
    match rustix::fs::mkdirat(&seat.fd, LEAF, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(cannot_make(seat, LEAF, error)),
    }
    let leaf = seat.enter(LEAF)?;
    for _ in 0..MOVE_ROUNDS {
        let procs = seat.read("cgroup.procs")?.unwrap_or_default();
        if procs.trim().is_empty() {
            return Ok(());
        }
        for pid in procs.lines() {
            match leaf.write("cgroup.procs", pid) {
                // It ended in between.
                Err(error) if error.is(libc::ESRCH) => {}
                other => other?,
            }
        }
    }
    Err(OsError::new(Doing::Move, &*leaf.path, Errno::BUSY)
        .value("by process")
        .remedy("stop what keeps starting processes in this cgroup, or start ironcell in a unit of its own"))
}

/// Children of a directory that are directories: cells, or leftovers of some.
pub(super) fn children(dir: &Dir, most: usize) -> Result<Vec<String>, OsError> {
    dir.list(FileType::Directory, most)
}
