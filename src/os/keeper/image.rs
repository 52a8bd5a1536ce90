//! The program that a keeper is: a copy of ours, and whether a keeper that was found is one.

use crate::os::{Doing, OsError};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create, open};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// This program's file, also when another is at its path by now.
const OWN: &str = "/proc/self/exe";

/// Bytes that are compared at once.
const PIECE: usize = 1 << 20;

/// Whether a keeper's program is this one, byte for byte. No number of a version can be forgotten, and no change of the words
/// between us, of an order, or of what the keeper does with it be missed: whatever changes one of them changes the file. A
/// change of anything else costs one more keeper at an upgrade.
///
/// Reads two files of some ten megabytes each, which are in memory as they are being executed: a few milliseconds.
pub(super) fn is_ours(program: OwnedFd) -> io::Result<bool> {
    same(&File::from(program), &File::open(OWN)?)
}

fn same(one: &File, other: &File) -> io::Result<bool> {
    let length = one.metadata()?.len();
    if other.metadata()?.len() != length {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let mut at = 0;
    while at < length {
        let piece = usize::try_from(length - at).unwrap_or(PIECE).min(PIECE);
        one.read_exact_at(&mut left[..piece], at)?;
        other.read_exact_at(&mut right[..piece], at)?;
        if left[..piece] != right[..piece] {
            return Ok(false);
        }
        at += piece as u64;
    }
    Ok(true)
}

/// This program in a memfd that nobody can write to any more, opened for reading: what is open for writing is not executed.
pub(in crate::os) fn sealed_copy() -> Result<OwnedFd, OsError> {
    let failed = |error: io::Error| OsError::new(Doing::Make, "a sealed copy of this program", error);
    let named = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = match memfd_create("ironcell-keeper", named | MemfdFlags::EXEC) {
        // Before kernel 6.3 there is no such flag, and every memfd can be executed.
        Err(Errno::INVAL) => memfd_create("ironcell-keeper", named),
        other => other,
    };
    let mut memfd = File::from(memfd.map_err(|errno| failed(errno.into()))?);
    let mut program = File::open(OWN).map_err(failed)?;
    io::copy(&mut program, &mut memfd).map_err(failed)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&memfd, seals).map_err(|errno| failed(errno.into()))?;
    let path = format!("/proc/self/fd/{}", memfd.as_raw_fd());
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| failed(errno.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(parts: &[&[u8]]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        parts.iter().for_each(|part| file.write_all(part).expect("written"));
        file
    }

    #[test]
    fn a_file_is_the_same_to_the_last_byte_or_another() {
        let large = vec![7; PIECE + 5];
        assert!(same(&file(&[&large, b"a"]), &file(&[&large, b"a"])).expect("read"));
        assert!(!same(&file(&[&large, b"a"]), &file(&[&large, b"b"])).expect("read"));
        assert!(!same(&file(&[&large, b"a"]), &file(&[&large])).expect("read"));
        assert!(same(&file(&[]), &file(&[])).expect("read"));
    }

    #[test]
    fn the_copy_that_a_keeper_is_executed_from_is_ours() {
        assert!(is_ours(sealed_copy().expect("a copy")).expect("read"));
        assert!(!is_ours(file(&[b"another"]).into()).expect("read"));
    }
}
