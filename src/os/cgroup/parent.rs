//! Cells below another manager's cgroup (`--cgroup-parent`): looked at, entered, and left as it was.
//!
//! What is about to be done there is written down before, so that whoever sweeps finds what a killed one has left. One at a
//! time does or undoes something: each has an exclusive lock on the manager's directory for so long.

use super::bootstrap::{Base, describe, make_base};
use super::file::Dir;
use super::hierarchy::{self, BASE, Discovery, controllers, verified};
use super::note::Note;
use super::seat::undelegated;
use super::sweep::{Swept, end_in, leftovers_in, sweep_in};
use super::wait::Tries;
use crate::os::{Doing, OsError};
use crate::plan::Refusal;
use crate::plan::host::{Controller, Hierarchy};
use rustix::fs::{AtFlags, FlockOperation, flock};
use rustix::io::Errno;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long others may be at work in the same directory: each is for microseconds.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// The flag, for refusals.
const FLAG: &str = "--cgroup-parent";

/// Why there can be no cell below a cgroup.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// What is missing there.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A call failed.
    #[error(transparent)]
    Os(#[from] OsError),
}

/// Whoever has this has a cell below another manager's cgroup. With the last, all that was made there goes.
#[derive(Debug)]
pub struct Guest {
    parent: Dir,
    /// The place of the cells in it, by the descriptor that has its lock.
    place: Dir,
}

impl Guest {
    /// Of a cell that another process has made, by the place that it is in.
    pub(in crate::os) fn of(place: &Dir) -> Result<Self, OsError> {
        let above = rustix::fs::openat(&place.fd, "..", super::file::DIRECTORY, rustix::fs::Mode::empty());
        let above = above.map_err(|errno| OsError::new(Doing::Open, &*place.path, errno))?;
        Ok(Self { parent: Dir::of(above)?, place: place.duplicate()? })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Copies of this descriptor may be anywhere, and each has the lock: it goes with this word.
        let _ = flock(&self.place.fd, FlockOperation::Unlock);
        if let Err(error) = turn(&self.parent).and_then(|turn| leave(&turn)) {
            tracing::warn!(%error, "what was made below another manager's cgroup is left for the next sweep");
        }
    }
}

impl Base {
    /// The place for a cell below another manager's cgroup: with these controllers, which are enabled there where they are not.
    ///
    /// # Errors
    /// Names what is missing there, and the way out. Everything is as it was.
    pub fn below(&self, parent: &Path, needed: &[Controller]) -> Result<Self, ParentError> {
        let mount = &self.hierarchy().mount;
        let dir = found(mount, parent)?;
        available(&dir, parent, needed)?;
        let turn = turn(&dir)?;
        let made = enter(&turn, parent, needed);
        if made.is_err() {
            // What cannot be undone now is found by its note.
            let _ = leave(&turn);
        }
        let place = made?;
        let guest = Guest { parent: dir.duplicate()?, place: place.duplicate()? };
        let found = Discovery { mount: mount.clone(), on_v1: self.hierarchy().on_v1.clone(), ..hierarchy::discover()? };
        let base = describe(found, place, dir.duplicate()?, Vec::new())?;
        Ok(base.with_guest(Arc::new(guest)))
    }
}

/// The place for cells as it would be, for a plan that touches nothing.
///
/// # Errors
/// As [`Base::below`].
pub fn foretold(now: &Hierarchy, parent: &Path, needed: &[Controller]) -> Result<Hierarchy, ParentError> {
    let dir = found(&now.mount, parent)?;
    available(&dir, parent, needed)?;
    let has = controllers(&dir, "cgroup.controllers")?;
    let controllers = now.controllers.iter().copied().filter(|controller| has.contains(controller)).collect();
    Ok(Hierarchy { base: dir.path.join(BASE), controllers, ..now.clone() })
}

/// What a person should know of it.
pub fn note(now: &Hierarchy, parent: &Path) -> Option<String> {
    undelegated(&now.mount, &inside(&now.mount, parent)).then(|| {
        format!(
            "{FLAG} {}: systemd manages it, and may take controllers away: give its unit Delegate=yes",
            parent.display()
        )
    })
}

/// Where a path from the root of cgroup v2 is.
fn inside(mount: &Path, parent: &Path) -> PathBuf {
    mount.join(parent.strip_prefix("/").unwrap_or(parent))
}

/// Opens another manager's cgroup, if a cell can be in it.
fn found(mount: &Path, parent: &Path) -> Result<Dir, ParentError> {
    let path = inside(mount, parent);
    let refused = |problem: &str, remedy: &str| refusal(parent, problem, remedy);
    let dir = match Dir::open(&path) {
        Err(error) if error.is(libc::ENOENT) || error.is(libc::ENOTDIR) => {
            return Err(refused("there is no such cgroup", "name one that is there: cat /proc/PID/cgroup").into());
        }
        dir => dir?,
    };
    match verified(&path) {
        Err(error) if error.is(libc::ENODEV) => {
            return Err(refused("it is no cgroup, something is mounted there", "name a cgroup").into());
        }
        other => other?,
    };
    if dir.read("cgroup.type")?.is_none_or(|kind| kind.trim() != "domain") {
        return Err(refused("it is of threads, or below such a one", "name one whose cgroup.type is domain").into());
    }
    if dir.read("cgroup.events")?.is_some_and(|events| events.lines().any(|line| line == "frozen 1")) {
        return Err(refused("it is frozen, and so would the job be", "thaw it first: cgroup.freeze").into());
    }
    Ok(dir)
}

/// Whether it has these controllers at all.
fn available(dir: &Dir, parent: &Path, needed: &[Controller]) -> Result<(), ParentError> {
    let has = controllers(dir, "cgroup.controllers")?;
    match needed.iter().find(|controller| !has.contains(controller)) {
        None => Ok(()),
        Some(controller) => {
            let problem = format!("it does not have the controller {}", controller.name());
            Err(refusal(parent, &problem, "enable it for it, in cgroup.subtree_control of the cgroup above").into())
        }
    }
}

fn refusal(parent: &Path, problem: &str, remedy: &str) -> Refusal {
    Refusal {
        field: FLAG.to_owned(),
        value: parent.display().to_string(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// Writes down what is to be done, enables what is missing, and makes the place.
fn enter(turn: &Turn<'_>, parent: &Path, needed: &[Controller]) -> Result<Dir, ParentError> {
    let dir = turn.0;
    let enabled = controllers(dir, "cgroup.subtree_control")?;
    let missing: Vec<Controller> = needed.iter().copied().filter(|controller| !enabled.contains(controller)).collect();
    Note::of(dir)?.write(dir, &missing)?;
    for controller in &missing {
        dir.write("cgroup.subtree_control", &format!("+{}", controller.name())).map_err(|error| {
            let busy = error.is(libc::EBUSY);
            let why = if busy { "processes of its own are in it".to_owned() } else { error.to_string() };
            let problem =
                format!("its children do not have the controller {}, and cannot be given it: {why}", controller.name());
            refusal(parent, &problem, "enable it in its cgroup.subtree_control, or name a cgroup without processes")
        })?;
    }
    let place = make_base(dir)?;
    for controller in needed {
        place.write("cgroup.subtree_control", &format!("+{}", controller.name()))?;
    }
    Ok(place)
}

/// The right to change what is below a cgroup.
struct Turn<'d>(&'d Dir);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let _ = flock(&self.0.fd, FlockOperation::Unlock);
    }
}

fn turn(dir: &Dir) -> Result<Turn<'_>, OsError> {
    let mut tries = Tries::within(TURN_WITHIN);
    while let Err(errno) = flock(&dir.fd, FlockOperation::NonBlockingLockExclusive) {
        if errno != Errno::WOULDBLOCK || !tries.again() {
            return Err(OsError::new(Doing::Lock, &*dir.path, errno));
        }
    }
    Ok(Turn(dir))
}

/// Removes the place if no cell is in it and nobody is about to make one, and disables what was enabled for it.
fn leave(turn: &Turn<'_>) -> Result<(), OsError> {
    let dir = turn.0;
    match dir.enter(BASE) {
        Err(error) if error.is(libc::ENOENT) => {}
        place => {
            if flock(&place?.fd, FlockOperation::NonBlockingLockExclusive).is_err() {
                return Ok(());
            }
            match rustix::fs::unlinkat(&dir.fd, BASE, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::BUSY | Errno::NOTEMPTY) => return Ok(()),
                Err(errno) => return Err(OsError::new(Doing::Remove, dir.path.join(BASE), errno)),
            }
        }
    }
    let note = Note::of(dir)?;
    for controller in note.enabled()? {
        // EBUSY: a child of the manager's own has it enabled by now, and keeps it.
        let _ = dir.write("cgroup.subtree_control", &format!("-{}", controller.name()));
    }
    note.remove()
}

/// Kills and removes every cell below other managers' cgroups that nobody holds, and leaves where none is left.
///
/// # Errors
/// When the notes cannot be listed. What fails at one of them stands in its own result.
pub fn sweep_parents() -> Result<Vec<Swept>, OsError> {
    let mut swept = Vec::new();
    for (note, path) in Note::all()? {
        let dir = match Dir::open(&path) {
            // Another may have its name by now.
            Ok(dir) if note.is_of(&dir) => dir,
            _ => {
                note.remove()?;
                continue;
            }
        };
        let cells = dir.enter(BASE).and_then(|place| sweep_in(&place));
        let left = turn(&dir).and_then(|turn| leave(&turn));
        match cells {
            Ok(cells) => swept.extend(cells),
            Err(error) if error.is(libc::ENOENT) => {}
            Err(error) => swept.push(Swept { name: path.display().to_string(), result: Err(error) }),
        }
        if let Err(error) = left {
            swept.push(Swept { name: path.display().to_string(), result: Err(error) });
        }
    }
    Ok(swept)
}

/// The cells below other managers' cgroups that nobody holds, by their names.
///
/// # Errors
/// When the notes cannot be listed, or a cell not be looked at.
pub fn leftovers_below() -> Result<Vec<String>, OsError> {
    let mut all = Vec::new();
    for (note, path) in Note::all()? {
        match Dir::open(&path).and_then(|dir| if note.is_of(&dir) { dir.enter(BASE) } else { Err(gone(&path)) }) {
            Err(error) if error.is(libc::ENOENT) => {}
            place => all.extend(leftovers_in(&place?)?),
        }
    }
    Ok(all)
}

/// What was there is not there any more.
fn gone(path: &Path) -> OsError {
    OsError::new(Doing::Open, path, Errno::NOENT)
}

/// Ends the cell of this name below another manager's cgroup, whoever holds it; that there is none is no error.
///
/// # Errors
/// When it cannot be killed or removed.
pub fn end_below(now: &Hierarchy, parent: &Path, name: &str) -> Result<bool, OsError> {
    match Dir::open(&inside(&now.mount, parent).join(BASE)) {
        Err(error) if error.is(libc::ENOENT) => Ok(false),
        place => end_in(&place?, name),
    }
}
