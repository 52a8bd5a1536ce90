//! What is written down of a cgroup of another manager's before a cell is made below it: where it is, and what of it was
//! changed. It goes when all is as it was.

use super::file::Dir;
use crate::os::ids::shared_directory;
use crate::os::{Doing, OsError};
use crate::plan::host::Controller;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// What the names of notes begin with, among what else runs share.
const NOTE: &str = "parent-";
/// Files that are looked at in one sweep: more than one host has managers.
const FILES_MOST: usize = 1024;
/// Bytes of one: a path, and the names of controllers.
const NOTE_MOST: u64 = 8192;

/// The note of one cgroup.
pub(super) struct Note {
    dir: Dir,
    /// The number of its directory, which no other has until the next boot.
    name: String,
}

impl Note {
    /// That of this cgroup, written or not.
    pub(super) fn of(cgroup: &Dir) -> Result<Self, OsError> {
        Ok(Self { dir: Dir::of(shared_directory()?)?, name: name_of(cgroup)? })
    }

    /// Whether it is of this cgroup.
    pub(super) fn is_of(&self, cgroup: &Dir) -> bool {
        name_of(cgroup).is_ok_and(|name| name == self.name)
    }

    /// All that there are, each with the path of its cgroup.
    pub(super) fn all() -> Result<Vec<(Self, PathBuf)>, OsError> {
        let mut all = Vec::new();
        let dir = Dir::of(shared_directory()?)?;
        let names = dir.list(FileType::RegularFile, FILES_MOST)?;
        for name in names.into_iter().filter(|name| name.starts_with(NOTE)) {
            let note = Self { dir: dir.duplicate()?, name };
            if let Some((path, _)) = note.read()? {
                all.push((note, path));
            }
        }
        Ok(all)
    }

    /// Writes down that these controllers are enabled for our cells, beside those of before.
    pub(super) fn write(&self, cgroup: &Dir, more: &[Controller]) -> Result<(), OsError> {
        let before = self.enabled()?;
        let all = Controller::ALL.into_iter().filter(|known| before.contains(known) || more.contains(known));
        let words: Vec<&str> = all.map(Controller::name).collect();
        // The path is last: it may be any bytes.
        let mut text = format!("{}\n", words.join(" ")).into_bytes();
        text.extend(cgroup.path.as_os_str().as_bytes());
        let failed = |error| OsError::new(Doing::Write, self.dir.path.join(&self.name), error);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.dir.fd, &self.name, flags, Mode::from_raw_mode(0o600)).map_err(|e| failed(e.into()))?;
        File::from(file).write_all(&text).map_err(failed)
    }

    /// What was enabled for our cells.
    pub(super) fn enabled(&self) -> Result<Vec<Controller>, OsError> {
        Ok(self.read()?.map(|(_, enabled)| enabled).unwrap_or_default())
    }

    pub(super) fn remove(&self) -> Result<(), OsError> {
        match unlinkat(&self.dir.fd, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(OsError::new(Doing::Remove, self.dir.path.join(&self.name), errno)),
        }
    }

    fn read(&self) -> Result<Option<(PathBuf, Vec<Controller>)>, OsError> {
        let failed = |error| OsError::new(Doing::Read, self.dir.path.join(&self.name), error);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&self.dir.fd, &self.name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            file => File::from(file.map_err(|errno| failed(errno.into()))?),
        };
        let mut bytes = Vec::new();
        file.take(NOTE_MOST).read_to_end(&mut bytes).map_err(failed)?;
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let words = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let named = |known: &Controller| words.split(' ').any(|word| word == known.name());
        let path = bytes.get(end + 1..).unwrap_or_default().to_vec();
        Ok(Some((std::ffi::OsString::from_vec(path).into(), Controller::ALL.into_iter().filter(named).collect())))
    }
}

fn name_of(cgroup: &Dir) -> Result<String, OsError> {
    let stat = fstat(&cgroup.fd).map_err(|errno| OsError::new(Doing::Read, &*cgroup.path, errno))?;
    Ok(format!("{NOTE}{}", stat.st_ino))
}
