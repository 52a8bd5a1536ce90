//! Calls that show whether the kernel has them: each is refused before it does anything, or gives a descriptor that is
//! closed at once.

use linux_raw_sys::general::{CLONE_INTO_CGROUP, clone_args};
use rustix::io::Errno;
use rustix::mount::FsOpenFlags;
use rustix::process::{PidfdFlags, getpid, pidfd_open as open};
use std::io;

/// The kernel's answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The kernel knows the call.
    There,
    /// It does not, or a seccomp filter hides it (ENOSYS).
    Absent,
    /// It does, and forbids it to us (EPERM, EACCES).
    Forbidden,
    /// It does not know what was asked of the call, as an older kernel: its error number.
    Otherwise(i32),
}

impl Answer {
    fn of(errno: i32) -> Self {
        match errno {
            libc::ENOSYS => Self::Absent,
            libc::EPERM | libc::EACCES => Self::Forbidden,
            other => Self::Otherwise(other),
        }
    }
}

/// A descriptor that nobody can have: past any limit of open files (fs.nr_open is at most 2^31 - 64).
const NO_FD: u64 = i32::MAX as u64;

/// clone3 into a cgroup that does not exist: a kernel that knows the flag says EBADF, an older one EINVAL.
pub(super) fn clone_into() -> Answer {
    // SAFETY: all zeros are a valid clone_args: it is plain numbers.
    let mut args: clone_args = unsafe { std::mem::zeroed() };
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = NO_FD;
    // SAFETY: `args` is a valid clone_args of the size given. The kernel looks the descriptor up before it makes a
    // child and refuses; should it ever make one all the same, the child ends here and touches nothing.
    let pid = unsafe {
        let pid = libc::syscall(libc::SYS_clone3, &raw const args, size_of::<clone_args>());
        if pid == 0 {
            libc::_exit(0);
        }
        pid
    };
    known_by(pid, libc::EBADF)
}

/// mount_setattr(2) without a structure: a kernel that has it says EINVAL.
pub(super) fn mount_setattr() -> Answer {
    // SAFETY: a null structure of size 0 is refused before anything is read.
    let done = unsafe { libc::syscall(libc::SYS_mount_setattr, -1, c"".as_ptr(), 0, std::ptr::null::<u8>(), 0) };
    known_by(done, libc::EINVAL)
}

/// fsopen(2) of a tmpfs that is never made.
pub(super) fn fsopen() -> Answer {
    answer(rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).map(drop))
}

/// pidfd_open(2) of ourselves.
pub(super) fn pidfd_open() -> Answer {
    answer(open(getpid(), PidfdFlags::empty()).map(drop))
}

/// There, when the call was refused in the way that shows that the kernel knows it.
fn known_by(returned: libc::c_long, expected: i32) -> Answer {
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    if returned >= 0 || errno == expected { Answer::There } else { Answer::of(errno) }
}

fn answer(result: Result<(), Errno>) -> Answer {
    result.map_or_else(|errno| Answer::of(errno.raw_os_error()), |()| Answer::There)
}
