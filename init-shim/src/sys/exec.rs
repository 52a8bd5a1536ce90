//! execve(2) with everything made before: behind a filter of the caller's own not even memory can be counted on.

use rustix::io::Errno;
use std::ffi::{CStr, CString, c_char};
use std::ptr::null;

/// Files to try, arguments and environment, as the kernel wants them.
pub struct Command {
    programs: Vec<CString>,
    argv: Strings,
    env: Strings,
}

/// Strings, and a list of where they are that ends with a null pointer. The strings lie on the heap and are never changed,
/// so what points to them stays right wherever the list is moved.
struct Strings {
    list: Vec<*const c_char>,
    _owned: Vec<CString>,
}

impl Strings {
    /// `None` when one has a NUL.
    fn of(all: &[Vec<u8>]) -> Option<Self> {
        let owned: Vec<CString> = strings(all)?;
        let list = owned.iter().map(|one| one.as_ptr()).chain([null()]).collect();
        Some(Self { list, _owned: owned })
    }
}

impl Command {
    /// `None` when something has a NUL, which the spec has refused before.
    pub fn of(programs: &[Vec<u8>], argv: &[Vec<u8>], env: &[Vec<u8>]) -> Option<Self> {
        Some(Self { programs: strings(programs)?, argv: Strings::of(argv)?, env: Strings::of(env)? })
    }

    /// The files to try, in order.
    pub fn programs(&self) -> impl Iterator<Item = &CStr> {
        self.programs.iter().map(CString::as_c_str)
    }

    /// Executes this file; comes back only with the reason why it could not be.
    pub fn execute(&self, program: &CStr) -> Errno {
        // SAFETY: both lists end with a null pointer and point to strings that live as long as `self`.
        unsafe { libc::execve(program.as_ptr(), self.argv.list.as_ptr(), self.env.list.as_ptr()) };
        Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
    }
}

/// C strings; `None` when one has a NUL.
fn strings(all: &[Vec<u8>]) -> Option<Vec<CString>> {
    all.iter().map(|bytes| CString::new(bytes.as_slice()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_null_and_a_nul_within_is_refused() {
        let list = Strings::of(&[b"a".to_vec(), b"b".to_vec()]).expect("strings").list;
        assert_eq!(list.len(), 3);
        assert!(list[2].is_null() && list[..2].iter().all(|one| !one.is_null()));
        assert!(Strings::of(&[b"a\0b".to_vec()]).is_none());
    }

    #[test]
    fn a_file_that_is_not_there_is_told_so() {
        let nowhere = [b"/ironcell/no/such".to_vec()];
        let command = Command::of(&nowhere, &nowhere, &[]).expect("a command");
        let program = command.programs().next().expect("a program");
        assert_eq!(command.execute(program), Errno::NOENT);
    }
}
