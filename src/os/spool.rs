//! Files for a job's output: a directory of segments, and the plain log file.

mod finished;
mod segment;

pub use finished::Hold;
pub use segment::Segment;

use super::{Doing, OsError};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, open, openat, openat2};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

/// Whose files are nobody else's.
const OWN_DIR: u32 = 0o700;
/// The same of a file.
const OWN_FILE: u32 = 0o600;
/// Who else may write.
const OTHERS_WRITE: u32 = 0o022;
/// Digits of an offset in a file's name, so that names sort as offsets do: `u64::MAX` has as many.
const DIGITS: usize = 20;
/// The end of a segment's name.
const SUFFIX: &str = ".seg";
/// The end of the name of its index.
const INDEX: &str = ".idx";
/// How what is there is read.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory that all spools are in.
#[derive(Debug, Clone)]
pub struct SpoolDir(PathBuf);

impl SpoolDir {
    /// Opens it, or makes it with mode 0700; its parent must be there.
    ///
    /// # Errors
    /// When it cannot be made, is no directory, or is not ours alone to write to: who else writes there could have us write
    /// elsewhere.
    pub fn open(path: &Path) -> Result<Self, OsError> {
        make(path)
            .or_else(|error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })
            .map_err(|error| OsError::new(Doing::Make, path, error))?;
        let failed = |errno| OsError::new(Doing::Open, path, errno);
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let stat = open(path, flags, Mode::empty()).and_then(fstat).map_err(failed)?;
        if stat.st_uid != geteuid().as_raw() || stat.st_mode & OTHERS_WRITE != 0 {
            return Err(
                failed(Errno::PERM).remedy("give a directory that is our own and that nobody else can write to")
            );
        }
        Ok(Self(path.to_owned()))
    }

    /// Makes the directory of one job, 0700.
    ///
    /// # Errors
    /// As mkdir(2).
    pub fn make(&self, name: &str) -> Result<JobDir, OsError> {
        let path = self.0.join(name);
        make(&path).map_err(|error| OsError::new(Doing::Make, &path, error))?;
        Ok(JobDir(path))
    }

    /// The directory of a job that has one.
    pub fn job(&self, name: &str) -> JobDir {
        JobDir(self.0.join(name))
    }
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(OWN_DIR).create(path)
}

/// The directory of one job's segments.
#[derive(Debug, Clone)]
pub struct JobDir(PathBuf);

impl JobDir {
    /// One that is there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn segment(&self, first: u64) -> PathBuf {
        self.0.join(format!("{first:0DIGITS$}{SUFFIX}"))
    }

    fn index_of(&self, first: u64) -> PathBuf {
        self.0.join(format!("{first:0DIGITS$}{INDEX}"))
    }

    /// Up to `most` bytes of a segment from a place on; fewer at its end.
    ///
    /// # Errors
    /// As open(2) and read(2).
    pub fn read(&self, first: u64, at: u64, most: usize) -> io::Result<Vec<u8>> {
        let file = File::from(open(self.segment(first), READ, Mode::empty())?);
        let (mut bytes, mut got) = (vec![0; most], 0);
        while got < most {
            match file.read_at(&mut bytes[got..], at + got as u64) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(got);
        Ok(bytes)
    }

    /// Bytes of a segment, and of its index.
    ///
    /// # Errors
    /// As lstat(2) of the segment; an index that is not there has none.
    pub fn lengths(&self, first: u64) -> io::Result<(u64, u64)> {
        let index = fs::symlink_metadata(self.index_of(first)).map_or(0, |index| index.len());
        Ok((fs::symlink_metadata(self.segment(first))?.len(), index))
    }

    /// Removes a segment, and then its index.
    ///
    /// # Errors
    /// As unlink(2).
    pub fn remove(&self, first: u64) -> io::Result<()> {
        let data = fs::remove_file(self.segment(first));
        fs::remove_file(self.index_of(first)).and(data)
    }

    /// The first offsets of all segments, in order; what has another name is none.
    ///
    /// # Errors
    /// As readdir(3).
    pub fn segments(&self) -> io::Result<Vec<u64>> {
        self.named(SUFFIX)
    }

    /// The offsets in the names of all files that end so.
    fn named(&self, suffix: &str) -> io::Result<Vec<u64>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(suffix)).filter(|name| name.len() == DIGITS);
            all.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
        }
        all.sort_unstable();
        Ok(all)
    }

    /// Removes segments without a byte, and each index without a segment.
    ///
    /// # Errors
    /// As readdir(3) and unlink(2).
    pub fn remove_empty(&self) -> io::Result<()> {
        for first in self.named(INDEX)? {
            match fs::symlink_metadata(self.segment(first)) {
                Ok(segment) if segment.len() > 0 => {}
                Ok(_) => self.remove(first)?,
                Err(_) => fs::remove_file(self.index_of(first))?,
            }
        }
        Ok(())
    }

    /// Removes it with all its segments.
    ///
    /// # Errors
    /// As unlink(2) and rmdir(2); what is no segment is not touched, and the directory then stays.
    pub fn remove_all(&self) -> io::Result<()> {
        for first in self.named(SUFFIX)? {
            fs::remove_file(self.segment(first))?;
        }
        for first in self.named(INDEX)? {
            fs::remove_file(self.index_of(first))?;
        }
        fs::remove_dir(&self.0)
    }
}

/// A log file that is written, at its end.
#[derive(Debug)]
pub struct PlainFile(File);

impl PlainFile {
    /// Writes all of it.
    ///
    /// # Errors
    /// As write(2); some of it may be there.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

/// Opens a log file to write at its end, and says whether it was made: `anew` if it must not be there before.
///
/// # Errors
/// As open(2): EEXIST, ELOOP for a symbolic link; EPERM for one that is no plain file or not our own.
pub fn log_file(path: &Path, anew: bool) -> Result<(PlainFile, bool), OsError> {
    let failed = |errno| OsError::new(Doing::Open, path, errno);
    let flags =
        OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // Through no link on the way: who may change a directory above must not choose where root writes.
    let (above, name) = (path.parent().filter(|above| !above.as_os_str().is_empty()), path.file_name());
    let name = name.ok_or_else(|| failed(Errno::ISDIR))?;
    let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = openat2(CWD, above.unwrap_or(Path::new(".")), way, Mode::empty(), ResolveFlags::NO_SYMLINKS)
        .map_err(|errno| failed(errno).remedy("name its directory by its own path, without symbolic links"))?;
    match openat(&above, name, flags | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(OWN_FILE)) {
        Ok(file) => return Ok((PlainFile(file.into()), true)),
        Err(Errno::EXIST) if !anew => {}
        Err(errno) => return Err(failed(errno)),
    }
    let file = openat(&above, name, flags, Mode::empty()).map_err(failed)?;
    let stat = fstat(&file).map_err(failed)?;
    let ours = stat.st_uid == geteuid().as_raw() && stat.st_nlink == 1;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || !ours {
        return Err(failed(Errno::PERM).remedy("name a plain file of our own with one name, or one that is not there"));
    }
    Ok((PlainFile(file.into()), false))
}

/// Removes a log file that was made for a job that has never begun.
pub fn unmake(path: &Path) {
    // What cannot be removed is empty.
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::index::Head;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_spool_is_ours_alone_and_its_segments_are_listed_in_order() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("spool");
        let dir = SpoolDir::open(&path).expect("made").make("job").expect("made");
        for first in [70, 0, 5] {
            let segment = dir.create(Head { first, stdout: 0 }).expect("made");
            assert_eq!(segment.write(first, b"0123456789"), 10);
        }
        assert!(dir.create(Head { first: 5, stdout: 0 }).is_err(), "it is there");
        assert_eq!(dir.lengths(5).expect("they are there"), (10, 24));
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(dir.path()), mode(&dir.segment(5))), (0o700, 0o700, 0o600));
        assert_eq!(dir.segments().expect("listed"), [0, 5, 70]);
        assert_eq!(dir.read(5, 3, 4).expect("read"), b"3456");
        assert_eq!(dir.read(5, 8, 100).expect("read"), b"89");
        dir.remove_all().expect("removed");
        assert!(SpoolDir::open(&path).is_ok() && !dir.path().exists());
        fs::set_permissions(&path, PermissionsExt::from_mode(0o770)).expect("changed");
        let error = SpoolDir::open(&path).expect_err("others can write").to_string();
        assert!(error.contains("EPERM") && error.contains("nobody else"), "{error}");
    }

    #[test]
    fn a_log_file_is_made_or_written_on_and_never_through_a_link() {
        let base = tempfile::tempdir().expect("a directory");
        let (path, link) = (base.path().join("log"), base.path().join("link"));
        for (text, made) in [("one", true), ("two", false)] {
            let (mut file, new) = log_file(&path, false).expect("opened");
            file.write(text.as_bytes()).expect("written");
            assert_eq!(new, made);
        }
        assert_eq!(fs::read(&path).expect("read"), b"onetwo");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(log_file(&path, true).expect_err("it is there").is(libc::EEXIST));
        symlink(&path, &link).expect("linked");
        assert!(log_file(&link, false).expect_err("a link").is(libc::ELOOP));
        assert!(log_file(Path::new("/dev/null"), false).expect_err("no plain file").is(libc::EPERM));
    }
}
