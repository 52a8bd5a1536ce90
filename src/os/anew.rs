//! A file for what is told of a job, begun anew: in a directory that a job may write to it must not lead elsewhere.

use rustix::fs::{FileType, Mode, OFlags, fstat, ftruncate, open};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::path::Path;

/// Links that the system itself makes, as `/dev/stdout`.
const SYSTEMS_OWN: [&str; 2] = ["/dev", "/proc"];

/// Opens a file for writing at its end, emptied, made if it is not there (0666 less the umask). One that is a symbolic link
/// is refused (ELOOP), unless it is one of the system's own in `/dev` or `/proc`: a job could have put it there.
///
/// # Errors
/// As open(2); ELOOP for a symbolic link.
pub fn open_anew(path: &Path) -> io::Result<File> {
    let follow = SYSTEMS_OWN.iter().any(|own| path.starts_with(own));
    let links = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    // At its end, whatever a job that may write to it does meanwhile.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOCTTY | OFlags::CLOEXEC | links;
    let file = open(path, flags, Mode::from_raw_mode(0o666)).map_err(|errno| match errno {
        Errno::LOOP => io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link; name what it points to"),
        other => other.into(),
    })?;
    if FileType::from_raw_mode(fstat(&file)?.st_mode) == FileType::RegularFile {
        ftruncate(&file, 0)?;
    }
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_is_emptied_and_written_at_its_end_and_a_link_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&path, "before").expect("written");
        let mut file = open_anew(&path).expect("opened");
        file.write_all(b"one").expect("written");
        // As a job would that may write to it.
        std::fs::write(&path, "").expect("emptied");
        file.write_all(b"two").expect("written");
        assert_eq!(std::fs::read(&path).expect("read"), b"two", "without a hole");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        assert!(open_anew(&link).expect_err("refused").to_string().contains("symbolic link"));
        assert_eq!(std::fs::read(&path).expect("read"), b"two", "and not touched");
        assert!(open_anew("/dev/null".as_ref()).is_ok() && open_anew(dir.path()).is_err());
    }
}
