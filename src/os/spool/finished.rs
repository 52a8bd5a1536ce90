//! Spools that nobody holds any more: which there are, how large and how old, and their removal.
//!
//! Who writes or reads a spool holds a shared lock on its directory (flock(2)), which goes with its process, however that
//! ends: so a spool whose lock is free has nobody, whoever made it.

use super::{JobDir, SpoolDir};
use crate::os::{Doing, OsError};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// One that was made so lately may be between its making and its lock.
const YOUNG: Duration = Duration::from_secs(1);
/// Characters of a UUID, which each spool is named by: what has another name is not ours to remove.
const NAME: usize = 36;

/// A spool is held while this lives.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "it is the open file that holds the lock")] File);

/// A spool that nobody held when it was looked at.
#[derive(Debug)]
pub struct Free {
    dir: JobDir,
    /// Its size on the disk, bytes.
    pub bytes: u64,
    /// How long ago it was written last; 0 if the clock was set back.
    pub age: Duration,
}

impl JobDir {
    /// Holds it.
    ///
    /// # Errors
    /// As flock(2).
    pub fn hold(&self) -> Result<Hold, OsError> {
        let held = File::open(self.path()).and_then(|dir| dir.lock_shared().map(|()| dir));
        held.map(Hold).map_err(|error| OsError::new(Doing::Lock, self.path(), error))
    }
}

impl SpoolDir {
    /// All spools that nobody holds, looked at one after the other; and how many could not be.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn free(&self) -> Result<(Vec<Free>, usize), OsError> {
        let listed = fs::read_dir(&self.0).map_err(|error| OsError::new(Doing::List, &self.0, error))?;
        let paths = listed.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        let (mut all, mut unseen) = (Vec::new(), 0);
        for path in paths.filter(|path| is_spool(path)) {
            match free(&path) {
                Ok(spool) => all.extend(spool),
                // Somebody else has removed it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => unseen += 1,
            }
        }
        Ok((all, unseen))
    }
}

/// Whether it has a spool's name and is a directory; a link to one is none.
fn is_spool(path: &Path) -> bool {
    let named = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        name.len() == NAME && name.bytes().all(|letter| letter.is_ascii_hexdigit() || letter == b'-')
    });
    named && fs::symlink_metadata(path).is_ok_and(|it| it.is_dir())
}

/// It with its lock; none when it is held, or young.
fn free(path: &Path) -> io::Result<Option<Free>> {
    let Some(file) = locked(path)? else { return Ok(None) };
    let dir = JobDir::at(path);
    let (mut bytes, mut last) = (0, file.metadata()?.modified()?);
    for first in dir.segments()? {
        let (data, index) = dir.lengths(first)?;
        let written = fs::symlink_metadata(dir.segment(first))?.modified()?;
        (bytes, last) = (bytes + data + index, last.max(written));
    }
    let age = SystemTime::now().duration_since(last).unwrap_or_default();
    Ok((age >= YOUNG).then_some(Free { dir, bytes, age }))
}

/// The directory, locked against everybody; none when somebody holds it.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl Free {
    /// Removes it; false when somebody holds it by now, or has removed it.
    ///
    /// # Errors
    /// As [`JobDir::remove_all`].
    pub fn remove(self) -> Result<bool, OsError> {
        let remove = || match locked(self.dir.path()) {
            Ok(Some(_lock)) => self.dir.remove_all().map(|()| true),
            Ok(None) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        };
        remove().map_err(|error| OsError::new(Doing::Remove, self.dir.path(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::index::Head;

    const NAME_OF_ONE: &str = "0191b2c3-0000-7000-8000-000000000001";

    #[test]
    fn only_a_spool_that_nobody_holds_is_free_and_other_directories_are_not_ours() {
        let base = tempfile::tempdir().expect("a directory");
        let spools = SpoolDir::open(&base.path().join("spool")).expect("made");
        let job = spools.make(NAME_OF_ONE).expect("made");
        spools.make("somebody's").expect("made");
        let names =
            || spools.free().expect("listed").0.iter().map(|free| free.dir.path().to_owned()).collect::<Vec<_>>();
        assert!(names().is_empty(), "it is young");
        let old = SystemTime::now() - Duration::from_secs(60);
        let segment = job.create(Head { first: 0, stdout: 0 }).expect("made");
        assert_eq!(segment.write(0, b"12345"), 5);
        File::open(job.segment(0)).and_then(|file| file.set_modified(old)).expect("it is old");
        let hold = job.hold().expect("held");
        File::open(job.path()).and_then(|dir| dir.set_modified(old)).expect("it is old");
        assert!(names().is_empty(), "it is held");
        drop(hold);
        assert_eq!(names(), [job.path()]);
        let free = || spools.free().expect("listed").0.pop().expect("one");
        let (taken, free) = (free(), free());
        assert!(free.bytes == 5 + 24 && free.age >= Duration::from_secs(59), "{free:?}");
        let hold = job.hold().expect("held");
        assert!(!taken.remove().expect("nothing is removed"), "it is held again");
        drop(hold);
        assert!(free.remove().expect("removed"));
        assert!(!job.path().exists());
    }
}
