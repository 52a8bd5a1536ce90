//! Clears away the cells of owners that died: a cell whose lock is free belongs to nobody.

use super::bootstrap::{Base, children, is_named};
use super::cell::CellCgroup;
use super::file::Dir;
use super::wait::Tries;
use crate::os::{Doing, OsError};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::time::Duration;

/// Cells that are looked at in one sweep; the rest waits for the next one.
const CELLS_MOST: usize = 4096;
/// How long a whole sweep may take; what it does not reach waits for the next one.
const SWEEP_MOST: Duration = Duration::from_secs(4);
/// How long one leftover may take to die. One that takes longer (a process in an uninterruptible wait) stays for the
/// next sweep.
const DEATH_MOST: Duration = Duration::from_secs(2);

/// A leftover that was found.
#[derive(Debug)]
pub struct Swept {
    /// Its name below the base.
    pub name: String,
    /// Whether it is gone, or why not.
    pub result: Result<(), OsError>,
}

/// Kills and removes every cell of this base that nobody holds. Never touches one that somebody holds.
///
/// # Errors
/// When the base cannot be listed. What fails with one cell stands in its own result.
pub fn sweep(base: &Base) -> Result<Vec<Swept>, OsError> {
    sweep_in(&base.dir)
}

/// The same of any place for cells.
pub(super) fn sweep_in(base: &Dir) -> Result<Vec<Swept>, OsError> {
    let mut swept = Vec::new();
    let tries = Tries::within(SWEEP_MOST);
    for name in children(base, CELLS_MOST)? {
        if tries.left().is_zero() {
            break;
        }
        match leftover(base, &name) {
            Ok(None) => {}
            Ok(Some(dir)) => {
                let result = base.duplicate().and_then(|parent| clear(&CellCgroup::adopt(dir, parent, &name)));
                swept.push(Swept { name, result });
            }
            Err(error) => swept.push(Swept { name, result: Err(error) }),
        }
    }
    Ok(swept)
}

/// The cells of this base that nobody holds, by their names. Lets each go at once.
///
/// # Errors
/// When the base cannot be listed, or a cell not be looked at.
pub fn leftovers(base: &Base) -> Result<Vec<String>, OsError> {
    leftovers_in(&base.dir)
}

/// The same of any place for cells.
pub(super) fn leftovers_in(base: &Dir) -> Result<Vec<String>, OsError> {
    let mut found = Vec::new();
    for name in children(base, CELLS_MOST)? {
        if leftover(base, &name)?.is_some() {
            found.push(name);
        }
    }
    Ok(found)
}

/// The directory with the exclusive lock on it, if nobody holds it. While we have that lock, nobody adopts it, and nobody but us
/// removes it.
pub(super) fn leftover(base: &Dir, name: &str) -> Result<Option<Dir>, OsError> {
    let dir = match base.enter(name) {
        Err(error) if error.is(libc::ENOENT) => return Ok(None),
        dir => dir?,
    };
    match rustix::fs::flock(&dir.fd, FlockOperation::NonBlockingLockExclusive) {
        // Another who clears up may have removed it before we had its lock, and its maker have made a new one of that name.
        Ok(()) => Ok(is_named(base, &dir, name)?.then_some(dir)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(OsError::new(Doing::Lock, &*dir.path, error)),
    }
}

/// Ends the cell of this name, whoever holds it, and removes it; false when there is none.
///
/// # Errors
/// When it cannot be killed or removed.
pub fn end(base: &Base, name: &str) -> Result<bool, OsError> {
    end_in(&base.dir, name)
}

/// The same of any place for cells.
pub(super) fn end_in(base: &Dir, name: &str) -> Result<bool, OsError> {
    match base.enter(name) {
        Err(error) if error.is(libc::ENOENT) => Ok(false),
        dir => clear(&CellCgroup::adopt(dir?, base.duplicate()?, name)).map(|()| true),
    }
}

/// Ends a leftover. An empty one is not killed: its maker may be about to lock it, and a killed cgroup is poisoned.
fn clear(cell: &CellCgroup) -> Result<(), OsError> {
    if cell.is_populated()? {
        // A limit that stays makes the death slow, not impossible.
        let _ = cell.release_io();
        cell.kill()?;
    }
    cell.remove_within(DEATH_MOST)
}
