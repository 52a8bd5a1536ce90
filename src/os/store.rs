//! A private directory for programs that are handed over as bytes: mode 0700, held by a lock as long as its owner lives, and
//! swept by the next one when its owner was killed.
//!
//! A program in it is 0555: nobody but its owner gets through the directory, and a job, which is nobody on the host, has to
//! be let execute what it is shown. It is written under a name that is none of a program's, and renamed when it is whole and
//! closed: no descriptor that could write to it is left (ETXTBSY, execve(2)), and it is never seen half.

use super::{Doing, OsError, random};
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, StatVfsMountFlags, flock, fstat, fstatvfs, open, openat, stat};
use rustix::io::Errno;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What every such directory's name begins with; what follows is random.
const PREFIX: &str = "ironcell-store-";
/// What is being written.
const HALF: &str = ".half";
/// Tries to make one: another sweeps it between its making and its lock at most once, when both begin together.
const TRIES: u32 = 8;

/// A directory that is held; removed with all that is in it when it is dropped.
#[derive(Debug)]
pub struct StoreDir {
    path: PathBuf,
    /// Its lock.
    held: OwnedFd,
}

impl StoreDir {
    /// Makes one below `place`, and removes those there whose owners are dead.
    ///
    /// # Errors
    /// When nothing can be made there, or nothing that is there could be executed.
    pub fn make(place: &Path) -> Result<Self, OsError> {
        let failed = |errno| OsError::new(Doing::Make, place, errno).value("a directory for programs");
        sweep(place);
        for _ in 0..TRIES {
            let name: String = random::<8>()?.iter().map(|byte| format!("{byte:02x}")).collect();
            let path = place.join(format!("{PREFIX}{name}"));
            rustix::fs::mkdir(&path, Mode::RWXU).map_err(failed)?;
            // Gone already: swept in between.
            let Ok(held) = directory(&path) else { continue };
            if flock(&held, FlockOperation::NonBlockingLockExclusive).is_err() || !is_still(&held, &path) {
                continue;
            }
            let store = Self { path, held };
            if fstatvfs(&store.held).map_err(failed)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
                return Err(failed(Errno::ACCESS).remedy("it is mounted noexec: choose a place that is not"));
            }
            return Ok(store);
        }
        Err(failed(Errno::AGAIN))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a program there.
    ///
    /// # Errors
    /// When it cannot be written whole; then nothing of it is left.
    pub fn add(&self, name: &str, bytes: &[u8]) -> Result<(), OsError> {
        let failed = |error: std::io::Error| OsError::new(Doing::Write, self.path.join(name), error);
        let half = self.path.join(HALF);
        let write = || -> std::io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = fs::File::from(openat(&self.held, HALF, flags, Mode::RUSR | Mode::WUSR)?);
            file.write_all(bytes)?;
            // Whatever the umask says.
            rustix::fs::fchmod(&file, Mode::from_raw_mode(0o555))?;
            drop(file);
            fs::rename(&half, self.path.join(name))
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&half);
            failed(error)
        })
    }

    /// Takes a program away. Who executes it, or is shown it, keeps it.
    ///
    /// # Errors
    /// As unlink(2).
    pub fn remove(&self, name: &str) -> Result<(), OsError> {
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(|error| OsError::new(Doing::Remove, path, error))
    }
}

impl Drop for StoreDir {
    fn drop(&mut self) {
        // What cannot be removed is swept by the next one.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Opens a directory, through no link.
fn directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// Whether the path still leads to what was opened.
fn is_still(held: &OwnedFd, path: &Path) -> bool {
    fstat(held).is_ok_and(|held| stat(path).is_ok_and(|now| (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)))
}

/// Removes what dead owners of ours have left. What is not ours, or is held, stays; what cannot be removed is left for the
/// next time.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    let ours = rustix::process::geteuid().as_raw();
    for entry in entries.flatten().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())) {
        let Ok(found) = directory(&entry.path()) else { continue };
        let is_ours = fstat(&found).is_ok_and(|found| found.st_uid == ours);
        if is_ours && flock(&found, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_is_whole_executable_by_all_and_writable_by_none_behind_a_private_door() {
        let place = tempfile::tempdir().expect("a directory");
        let store = StoreDir::make(place.path()).expect("it is made");
        store.add("tool", b"#!/bin/sh\n").expect("it is written");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!((mode(store.path()), mode(&store.path().join("tool"))), (0o700, 0o555));
        assert_eq!(fs::read_dir(store.path()).expect("a directory").count(), 1, "nothing half is left");
        store.remove("tool").expect("it is removed");
        drop(store);
        assert_eq!(fs::read_dir(place.path()).expect("a directory").count(), 0);
    }

    #[test]
    fn what_a_dead_owner_left_is_swept_and_what_a_living_one_holds_is_not() {
        let place = tempfile::tempdir().expect("a directory");
        let dead = place.path().join(format!("{PREFIX}dead"));
        fs::create_dir(&dead).expect("a directory");
        fs::write(dead.join("tool"), "x").expect("a file");
        fs::create_dir(place.path().join("other")).expect("a directory");
        let living = StoreDir::make(place.path()).expect("it is made");
        let second = StoreDir::make(place.path()).expect("it is made");
        assert!(!dead.exists() && living.path().exists() && second.path().exists());
        assert!(place.path().join("other").exists());
    }
}
