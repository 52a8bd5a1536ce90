//! Reads the files that flags and descriptions name: in bounds, and a description only when nobody else could have written
//! it.

use crate::spec::words::By;
use crate::supervise;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Bytes of one file: half of what execve(2) takes for arguments and environment together.
const FILE_MOST_BYTES: u64 = 1024 * 1024;
/// Write permission of the group and of all others (inode(7)). An access list that lets others write shows in the group's.
const OTHERS_WRITE: u32 = 0o022;

/// A whole file, if it is not too long to be what was asked for, and may be believed.
///
/// # Errors
/// The kernel's, or why it is not read.
pub fn read(path: &Path, by: By) -> io::Result<Vec<u8>> {
    match by {
        By::Flag => read_bounded(File::open(path)?),
        By::File => {
            let caller = Who::here();
            // Before it is opened, since that alone does something to a device or a pipe that nobody writes to.
            believe(&std::fs::metadata(path)?, caller)?;
            let file = File::open(path)?;
            // Again, since it may be another one by now.
            believe(&file.metadata()?, caller)?;
            read_bounded(file)
        }
    }
}

fn read_bounded(file: File) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(FILE_MOST_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 1 MiB"));
    }
    Ok(text)
}

/// Whose files are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Without root there is nothing to gain from a file.
    Anybody,
    /// Those of root, and of the person that sudo(8) names.
    Root { person: Option<u32> },
}

impl Who {
    fn here() -> Self {
        if !supervise::is_root() {
            return Self::Anybody;
        }
        let person = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse().ok());
        Self::Root { person }
    }
}

/// What a file is, and whether it may be believed.
fn believe(file: &Metadata, caller: Who) -> io::Result<()> {
    let refuse = |problem: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    // A pipe, so that `--spec <(make-one)` works: it belongs to who made it.
    if !file.is_file() && !file.file_type().is_fifo() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a file nor a pipe"));
    }
    let Who::Root { person } = caller else { return Ok(()) };
    let (owner, mode) = (file.uid(), file.mode() & 0o7777);
    if owner != 0 && Some(owner) != person {
        return refuse(format!("it belongs to user {owner}, who could ask for anything as root; chown it to root"));
    }
    if mode & OTHERS_WRITE != 0 {
        return refuse(format!("others than its owner may write to it (mode {mode:04o}), as root; chmod go-w it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn made(mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        file
    }

    #[test]
    fn a_file_that_others_may_write_to_is_not_believed_by_root() {
        for (mode, believed) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false), (0o777, false)] {
            let file = made(mode);
            let found = file.as_file().metadata().expect("its metadata");
            let root = Who::Root { person: Some(found.uid()) };
            assert_eq!(believe(&found, root).is_ok(), believed, "{mode:o}");
            assert!(believe(&found, Who::Anybody).is_ok());
        }
    }

    #[test]
    fn a_file_of_somebody_else_is_not_believed_by_root() {
        let file = made(0o644);
        std::os::unix::fs::chown(file.path(), Some(4242), None)
            .or_else(|error| match error.kind() {
                // Without root it stays the tester's own, who is somebody else to a root that nobody became.
                io::ErrorKind::PermissionDenied => Ok(()),
                _ => Err(error),
            })
            .expect("given away");
        let found = file.as_file().metadata().expect("its metadata");
        let error = believe(&found, Who::Root { person: None }).expect_err("somebody else's");
        assert!(error.to_string().contains("chown"), "{error}");
        assert!(believe(&found, Who::Root { person: Some(found.uid()) }).is_ok());
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        for path in ["/dev/zero", "/proc", "/"] {
            assert!(read(Path::new(path), By::File).is_err(), "{path}");
        }
        assert!(read(Path::new("/dev/zero"), By::Flag).is_err(), "bounded");
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("vars");
        std::fs::write(&path, vec![b'#'; FILE_MOST_BYTES as usize]).expect("written");
        assert_eq!(read(&path, By::Flag).expect("read").len() as u64, FILE_MOST_BYTES);
        std::fs::write(&path, vec![b'#'; FILE_MOST_BYTES as usize + 1]).expect("written");
        assert_eq!(read(&path, By::Flag).expect_err("refused").kind(), io::ErrorKind::FileTooLarge);
        assert!(read(&dir.path().join("missing"), By::Flag).is_err());
    }
}
