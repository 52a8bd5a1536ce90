//! The directory of a supervisor whose jobs outlive it: one file a job, each written whole or not at all, and a lock that says
//! that somebody is at work in it.

use super::keeper::NewKeeper;
use super::spool::{JobDir, SpoolDir};
use super::{Doing, OsError};
use rustix::fs::{Mode, OFlags, open};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Where the records of jobs are.
const JOBS: &str = "jobs";
/// Where their output is.
const SPOOL: &str = "spool";
/// Where the keeper is found.
const KEEPER: &str = "keeper.sock";
/// What is locked.
const LOCK: &str = "lock";
/// The end of a record's name.
const RECORD: &str = ".json";
/// The end of the name of what is being written.
const NEW: &str = ".new";
/// The end of the name of a record that is to go, once the job's output has.
const GONE: &str = ".gone";
/// What is given up for a record when nothing else is free.
const RESERVE: &str = "reserve";
/// Its bytes: some tens of records of jobs that end, whose output has filled the disk.
const RESERVE_BYTES: usize = 256 * 1024;
/// Bytes of a record that is read: a description has 256 KiB at most, and what else is told of a job is far less.
const RECORD_MOST: u64 = 1024 * 1024;
/// Bytes of a path of a socket (unix(7), `sun_path`), with its final zero.
const SOCKET_PATH_MOST: usize = 108;

/// Records by their names, each with its bytes, or why it could not be read.
pub type Records = Vec<(String, io::Result<Vec<u8>>)>;

/// The directory, locked as long as this lives.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Opens it, or makes it with mode 0700 where its parent is there, and locks it.
    ///
    /// # Errors
    /// EAGAIN when another has it; EPERM when others can write to it; else as mkdir(2) and open(2).
    pub fn open(path: &Path) -> Result<Self, OsError> {
        // The keeper has another working directory.
        let path = &std::path::absolute(path).map_err(|error| OsError::new(Doing::Find, path, error))?;
        let most = SOCKET_PATH_MOST - 2 - KEEPER.len() - NewKeeper::NAME_MORE;
        if path.as_os_str().len() > most {
            return Err(OsError::new(Doing::Make, path, rustix::io::Errno::NAMETOOLONG)
                .remedy("name a directory with a shorter path: a socket is made in it"));
        }
        SpoolDir::open(path)?;
        let lock = locked(&path.join(LOCK))?;
        SpoolDir::open(&path.join(JOBS))?;
        let state = Self { path: path.to_owned(), _lock: lock };
        state.reserve();
        Ok(state)
    }

    /// Takes room that is given up when a record finds none. Without it, as on a disk that is full now, there is none to give.
    fn reserve(&self) {
        let path = self.path.join(RESERVE);
        if fs::metadata(&path).is_ok_and(|file| file.len() == RESERVE_BYTES as u64) {
            return;
        }
        if fs::write(&path, vec![0; RESERVE_BYTES]).is_err() {
            let _ = fs::remove_file(&path);
        }
    }

    /// Where the keeper is found.
    pub fn keeper(&self) -> PathBuf {
        self.path.join(KEEPER)
    }

    /// Where output is written.
    pub fn spool(&self) -> PathBuf {
        self.path.join(SPOOL)
    }

    /// Where a record is.
    pub fn record(&self, name: &str) -> PathBuf {
        self.path.join(JOBS).join(format!("{name}{RECORD}"))
    }

    /// Writes a record: whoever reads it has the old one or the new one, whole, whenever this process is killed.
    ///
    /// # Errors
    /// As open(2), write(2), rename(2): ENOSPC. The old one then is as it was.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OsError> {
        let (path, new) = (self.record(name), self.path.join(JOBS).join(format!("{name}{NEW}")));
        let write = || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(open(&new, flags, Mode::from_raw_mode(0o600))?);
            file.write_all(bytes)?;
            fs::rename(&new, &path)
        };
        let full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        let written = match write() {
            Err(error) if full(&error) && fs::remove_file(self.path.join(RESERVE)).is_ok() => write(),
            other => other,
        };
        written.map_err(|error: io::Error| {
            let _ = fs::remove_file(&new);
            OsError::new(Doing::Write, &path, error)
        })
    }

    /// All records: each by its name with its bytes, or why it could not be read. What was never finished is removed.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn records(&self) -> Result<Records, OsError> {
        let dir = self.path.join(JOBS);
        let failed = |error| OsError::new(Doing::List, &dir, error);
        let mut all = Vec::new();
        for entry in fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if file.ends_with(NEW) {
                // Its writer was killed, and what it would have said was never true.
                let _ = fs::remove_file(&path);
            } else if let Some(name) = file.strip_suffix(GONE) {
                // Its job was removed, and who did that was killed before its output was.
                self.finish(name, || JobDir::at(self.spool().join(name)).remove_all());
            } else if let Some(name) = file.strip_suffix(RECORD) {
                all.push((name.to_owned(), read(&path)));
            }
        }
        Ok(all)
    }

    /// Says that a record is to go: nobody reads it any more. It goes when [`StateDir::gone`] finds no output of its job.
    ///
    /// # Errors
    /// As rename(2).
    pub fn retire(&self, name: &str) -> Result<(), OsError> {
        let path = self.record(name);
        match fs::rename(&path, self.retired(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OsError::new(Doing::Remove, path, error)),
            _ => Ok(()),
        }
    }

    /// Whether a retired record is gone, as its job's output is.
    pub fn gone(&self, name: &str) -> bool {
        self.finish(name, || Ok(()))
    }

    /// Removes a retired record, once no output of its job is there.
    fn finish(&self, name: &str, remove_output: impl FnOnce() -> io::Result<()>) -> bool {
        let removed = remove_output();
        let left = self.spool().join(name).exists();
        if let (true, Err(error)) = (left, removed) {
            tracing::error!(%error, name, "the output of a job that was removed is still there");
        }
        if !left {
            let _ = fs::remove_file(self.retired(name));
        }
        !left
    }

    fn retired(&self, name: &str) -> PathBuf {
        self.path.join(JOBS).join(format!("{name}{GONE}"))
    }

    /// Removes a record. That it is gone already is no error.
    ///
    /// # Errors
    /// As unlink(2).
    pub fn remove(&self, name: &str) -> Result<(), OsError> {
        let path = self.record(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OsError::new(Doing::Remove, path, error)),
            _ => Ok(()),
        }
    }
}

/// One that was killed lets go of its descriptors a moment after whoever killed it goes on.
const LOCK_WITHIN: Duration = Duration::from_millis(500);
const LOCK_AGAIN: Duration = Duration::from_millis(10);

/// The lock, which goes with this process, however that ends. The keeper has no copy: what is opened here is closed in it.
fn locked(path: &Path) -> Result<File, OsError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::from_raw_mode(0o600)).map_err(|errno| OsError::new(Doing::Open, path, errno))?;
    let file = File::from(file);
    let mut tried = Instant::now();
    let until = tried + LOCK_WITHIN;
    let mut locked = file.try_lock();
    while matches!(locked, Err(TryLockError::WouldBlock)) && tried < until {
        thread::sleep(LOCK_AGAIN);
        tried = Instant::now();
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OsError::new(Doing::Lock, path, rustix::io::Errno::AGAIN)
            .remedy("another daemon is at work in this directory: stop it, or take another directory")),
        Err(TryLockError::Error(error)) => Err(OsError::new(Doing::Lock, path, error)),
    }
}

/// A plain file of a bounded size.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::from(open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?);
    let mut bytes = Vec::new();
    file.take(RECORD_MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Nanoseconds of the clock that no one sets (CLOCK_MONOTONIC), which goes on from process to process until the next boot.
pub fn monotonic_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (secs, nanos) = (u64::try_from(now.tv_sec).unwrap_or_default(), u64::try_from(now.tv_nsec).unwrap_or_default());
    secs.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// What names this boot (`/proc/sys/kernel/random/boot_id`).
///
/// # Errors
/// When /proc does not tell.
pub fn boot() -> Result<String, OsError> {
    const FILE: &str = "/proc/sys/kernel/random/boot_id";
    fs::read_to_string(FILE).map(|text| text.trim().to_owned()).map_err(|error| OsError::new(Doing::Read, FILE, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_last_that_was_written_whole_and_half_a_one_is_none() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("state");
        let state = StateDir::open(&path).expect("made");
        state.write("a", b"one").expect("written");
        state.write("a", b"two").expect("written");
        fs::write(path.join(JOBS).join("b.new"), b"hal").expect("written");
        let all = state.records().expect("listed");
        let all: Vec<_> = all.into_iter().map(|(name, bytes)| (name, bytes.expect("read"))).collect();
        assert_eq!(all, [("a".to_owned(), b"two".to_vec())]);
        assert!(!path.join(JOBS).join("b.new").exists());
        state.remove("a").and_then(|()| state.remove("a")).expect("gone");
        assert!(state.records().expect("listed").is_empty());
    }

    #[test]
    fn two_at_work_in_one_directory_are_one_too_many() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("state");
        let first = StateDir::open(&path).expect("made");
        let error = StateDir::open(&path).expect_err("it is taken");
        assert!(error.is(libc::EAGAIN) && error.to_string().contains("another daemon"), "{error}");
        drop(first);
        StateDir::open(&path).expect("free again");
        let long = base.path().join("x".repeat(120));
        assert!(StateDir::open(&long).expect_err("no socket fits").is(libc::ENAMETOOLONG));
    }

    #[test]
    fn this_clock_does_not_go_back() {
        let first = monotonic_nanos();
        assert!(monotonic_nanos() >= first && first > 0);
    }
}
