//! Does CLONE_INTO_CGROUP work from where we are?
//!
//! On some kernels (measured on 6.18) a child that is cloned into a fresh cgroup dies at once by SIGKILL when its
//! *parent's* cgroup was ever killed by cgroup.kill: the kernel compares the kill counts of two different cgroups.

use super::bootstrap::Base;
use super::cell::CellCgroup;
use crate::os::{Doing, OsError};
use linux_raw_sys::general::{CLONE_INTO_CGROUP, CLONE_PIDFD, clone_args};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// The cgroup of the probe; one at a time.
const NAME: &str = "probe";
/// The child only exits; so long is past any scheduling delay.
const DEATH_MOST: Duration = Duration::from_secs(2);
/// `__WALL` of waitid(2): waits for a child that sends no signal, too.
const WALL: i32 = 0x4000_0000;

/// Whether a child that is cloned into a fresh cgroup of this base lives to its first instruction. Makes and removes one
/// cgroup; one short-lived child, whose end no one else's wait can see.
///
/// # Errors
/// When the probe itself cannot be made.
pub fn clone_into_works(base: &Base) -> Result<bool, OsError> {
    let cell = CellCgroup::create(base, &format!("{NAME}-{}", std::process::id()))?;
    let lived = clone_and_wait(&cell);
    let removed = cell.remove_within(DEATH_MOST);
    let lived = lived.map_err(|e| OsError::new(Doing::Clone, cell.path(), e))?;
    removed.map(|()| lived)
}

/// Clones a child that exits at once; true when it was not killed.
fn clone_and_wait(cell: &CellCgroup) -> io::Result<bool> {
    let mut pidfd: RawFd = -1;
    let args = clone_args {
        // In `clone3` the flag must be the kernel's 33rd bit: libc's constant is 0 on this target.
        flags: u64::from(CLONE_PIDFD) | CLONE_INTO_CGROUP,
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        // No signal: neither our program's SIGCHLD handler nor a wait for any child of another thread sees it.
        exit_signal: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cell.dir.fd.as_raw_fd() as u64,
    };
    // SAFETY: `args` is a valid clone_args of the size given, and `pidfd` outlives the call. Without CLONE_VM the child
    // gets a copy of this address space in which only this thread exists, so it must not take any lock: it makes one
    // async-signal-safe call and never returns from it.
    let pid = unsafe {
        let pid = libc::syscall(libc::SYS_clone3, &raw const args, size_of::<clone_args>());
        if pid == 0 {
            libc::_exit(0);
        }
        pid
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor; nobody else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    // SAFETY: zero bytes are a valid siginfo_t: it is plain numbers.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: `info` is a valid place for the result.
        let done =
            unsafe { libc::waitid(libc::P_PIDFD, pidfd.as_raw_fd() as u32, &raw mut info, libc::WEXITED | WALL) };
        if done == 0 {
            return Ok(info.si_code == libc::CLD_EXITED);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_has_not_overflowed_to_nothing() {
        assert_eq!(CLONE_INTO_CGROUP, 1 << 33);
    }
}
