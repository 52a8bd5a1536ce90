//! One cell's cgroup: made, held, killed, removed (limits: `set`, reading: `stat`). Named by its directory's descriptor, never by a path alone.

use super::above::Above;
use super::bootstrap::{Base, children};
use super::file::Dir;
use super::make::make;
use super::parent::Guest;
use super::wait::Tries;
use crate::os::{Doing, OsError};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// The deepest tree of cgroups that a job may have left. Cells forbid it altogether (`cgroup.max.descendants` is 0).
const DEPTH_MOST: usize = 32;
/// How many cgroups of one directory are removed in one go.
const CHILDREN_MOST: usize = 4096;

/// The cgroup of one cell. Holds a shared lock on its directory: a cell whose lock is free belongs to nobody any more.
/// Whoever else holds the descriptor (the keeper) holds the lock as well.
#[derive(Debug)]
pub struct CellCgroup {
    pub(super) dir: Dir,
    base: Dir,
    name: String,
}

impl CellCgroup {
    /// Makes a cell's cgroup. `name` is new: a cgroup that was once killed kills every later child of
    /// CLONE_INTO_CGROUP, so none is ever used twice.
    ///
    /// # Errors
    /// When the kernel does not make or lock it.
    pub fn create(base: &Base, name: &str) -> Result<Self, OsError> {
        let dir = make(&base.dir, name)?;
        Ok(Self { dir, base: base.dir.duplicate()?, name: name.to_owned() })
    }

    /// The handle of a cell that somebody else made and whose lock `dir` holds.
    pub(super) fn adopt(dir: Dir, base: Dir, name: &str) -> Self {
        Self { dir, base, name: name.to_owned() }
    }

    /// The handle of a cell that another process made, by its directory and the base's, whose lock the directory holds.
    ///
    /// # Errors
    /// When /proc does not tell their paths.
    pub fn of(dir: OwnedFd, base: OwnedFd, name: &str) -> Result<Self, OsError> {
        Ok(Self { dir: Dir::of(dir)?, base: Dir::of(base)?, name: name.to_owned() })
    }

    /// What holds its place below another manager's cgroup, and what is above it.
    ///
    /// # Errors
    /// When the cgroup above cannot be opened.
    pub fn as_guest(&self) -> Result<(Guest, Above), OsError> {
        Ok((Guest::of(&self.base)?, Above::of(&self.base)))
    }

    /// The base's directory, for the keeper.
    pub fn base_fd(&self) -> BorrowedFd<'_> {
        self.base.fd.as_fd()
    }

    /// The directory, for CLONE_INTO_CGROUP and for the keeper.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.dir.fd.as_fd()
    }

    /// The directory's path, for people.
    pub fn path(&self) -> &Path {
        &self.dir.path
    }

    /// The name below the base.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The base's path.
    pub(super) fn base_path(&self) -> &Path {
        &self.base.path
    }

    /// The text of one of its files; `None` where the kernel has no such file.
    ///
    /// # Errors
    /// When there is one and it cannot be read.
    pub fn read(&self, file: &str) -> Result<Option<String>, OsError> {
        self.dir.read(file)
    }

    /// One of its files, for a look again and again.
    ///
    /// # Errors
    /// When it cannot be opened, or the kernel has no such file.
    pub fn open_file(&self, file: &str) -> Result<OwnedFd, OsError> {
        self.dir.open_file(file)
    }

    /// Kills every process in it and below at once, whatever they do meanwhile (kernel 5.14): a loop over pids loses
    /// against a fork bomb.
    ///
    /// # Errors
    /// When the kernel has no `cgroup.kill`. That the cgroup is gone already is no error.
    pub fn kill(&self) -> Result<(), OsError> {
        match self.dir.write("cgroup.kill", "1") {
            Err(error) if error.is(libc::ENODEV) => Ok(()),
            Err(error) if error.is(libc::ENOENT) && !self.dir.has("cgroup.procs") => Ok(()),
            other => other,
        }
    }

    /// Whether a process is in it or below; a cgroup that is gone has none.
    ///
    /// # Errors
    /// When `cgroup.events` cannot be read.
    pub fn is_populated(&self) -> Result<bool, OsError> {
        Ok(self.dir.read("cgroup.events")?.is_some_and(|text| populated(&text)))
    }

    /// `cgroup.events`, which is POLLPRI when it has changed since it was last read through this descriptor.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn events_fd(&self) -> Result<OwnedFd, OsError> {
        self.open_file("cgroup.events")
    }

    /// Takes every io limit away: a killed process that waits for a throttled write dies only when the write is done
    /// (measured: 3 s instead of 0.03 s).
    ///
    /// # Errors
    /// When a limit cannot be taken away; the others are tried all the same.
    pub fn release_io(&self) -> Result<(), OsError> {
        let mut result = Ok(());
        for line in self.dir.read("io.max")?.unwrap_or_default().lines() {
            let Some(device) = line.split_whitespace().next() else { continue };
            let value = format!("{device} rbps=max wbps=max riops=max wiops=max");
            result = result.and(self.dir.write("io.max", &value));
        }
        result
    }

    /// Removes it and what was made below it, deepest first. That it is gone already is no error.
    ///
    /// # Errors
    /// EBUSY while processes are in it: wait for [`CellCgroup::events_fd`] and try again.
    pub fn remove(&self) -> Result<(), OsError> {
        remove_tree(&self.base, &self.name, DEPTH_MOST)
    }

    /// Removes it as soon as it is empty, within `time`. For those who have nothing else to do meanwhile.
    ///
    /// # Errors
    /// The last refusal of the kernel when the time is over: EBUSY as long as processes are in it.
    pub fn remove_within(&self, time: Duration) -> Result<(), OsError> {
        let mut tries = Tries::within(time);
        loop {
            self.await_empty(&mut tries)?;
            match self.remove() {
                Err(error) if error.is(libc::EBUSY) && tries.again() => {}
                other => return other,
            }
        }
    }

    /// Waits until no process is in it, or the time is over. The kernel tells of a change at most once in 10 ms
    /// (CGROUP_FILE_NOTIFY_MIN_INTV), so a cell that ends soon after it began is told late: the file is read again
    /// after short pauses, and the event only cuts them shorter.
    fn await_empty(&self, tries: &mut Tries) -> Result<(), OsError> {
        let events = match self.events_fd() {
            Ok(events) => events,
            Err(error) if error.is(libc::ENOENT) || error.is(libc::ENODEV) => return Ok(()),
            Err(error) => return Err(error),
        };
        let failed = |e: Errno| OsError::new(Doing::Watch, self.dir.path.join("cgroup.events"), e);
        loop {
            let mut text = [0u8; 256];
            match rustix::io::pread(&events, &mut text, 0) {
                Ok(length) if populated(&String::from_utf8_lossy(&text[..length])) => {}
                Ok(_) | Err(Errno::NODEV) => return Ok(()),
                Err(error) => return Err(failed(error)),
            }
            let wait = tries.pause();
            if wait.is_zero() {
                return Ok(());
            }
            let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
            match rustix::event::poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&wait)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

/// Removes a cgroup and those below it. Recursion is bounded by `depth`.
pub(super) fn remove_tree(parent: &Dir, name: &str, depth: usize) -> Result<(), OsError> {
    let failed = |e: Errno| OsError::new(Doing::Remove, parent.path.join(name), e);
    match rustix::fs::unlinkat(&parent.fd, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // Processes, or cgroups below.
        Err(Errno::BUSY | Errno::NOTEMPTY) if depth > 0 => {}
        Err(error) => return Err(failed(error)),
    }
    let dir = match parent.enter(name) {
        Err(error) if error.is(libc::ENOENT) => return Ok(()),
        dir => dir?,
    };
    for child in children(&dir, CHILDREN_MOST)? {
        remove_tree(&dir, &child, depth - 1)?;
    }
    match rustix::fs::unlinkat(&parent.fd, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// `populated 1` among the lines of `cgroup.events`.
pub(super) fn populated(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "populated 1")
}
