//! Where a report goes, of any kind: opened before the job starts, so that a report that cannot be written stops the job
//! and not the other way round.

use crate::supervise::open_anew;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// An open place for reports.
#[derive(Debug)]
pub enum Target {
    /// Standard output, where the job's own output goes as well.
    Stdout,
    /// A file, emptied.
    File(File),
}

impl Target {
    /// Opens a file; `-` is standard output.
    ///
    /// # Errors
    /// The kernel's; a symbolic link is refused, since a job could have put it there.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") { Ok(Self::Stdout) } else { open_anew(path).map(Self::File) }
    }

    /// Whether both are one regular file, in which each would write over the other.
    pub fn is(&self, other: &Self) -> bool {
        let (Self::File(one), Self::File(other)) = (self, other) else { return false };
        let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) else { return false };
        one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    /// Writes a text, whole.
    ///
    /// # Errors
    /// The kernel's.
    pub fn write(&mut self, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => io::stdout().write_all(text).and_then(|()| io::stdout().flush()),
            Self::File(file) => file.write_all(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_emptied_and_what_is_written_follows_what_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("report");
        std::fs::write(&path, "x".repeat(100_000)).expect("written");
        let mut target = Target::open(&path).expect("opened");
        target.write(b"one\n").expect("written");
        target.write(b"two\n").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "one\ntwo\n");
        assert!(Target::open(&dir.path().join("no/such/dir")).is_err());
        let once_more = Target::open(&path).expect("opened");
        assert!(target.is(&once_more) && !target.is(&Target::Stdout));
        let null = || Target::open("/dev/null".as_ref()).expect("opened");
        assert!(!null().is(&null()), "what is thrown away is not written over");
    }
}
