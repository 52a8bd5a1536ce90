//! The three calls of landlock(7), kernel 5.13: a ruleset, its rules, and the moment from which they hold.

use super::checked;
use linux_raw_sys::landlock as raw;
use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Result;

/// The newest Landlock that the kernel knows and has switched on.
///
/// # Errors
/// ENOSYS where it was not built in, EOPNOTSUPP where it was not switched on at boot.
pub fn version() -> Result<u32> {
    // SAFETY: with this flag the call takes no attributes: it only answers with a number.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<raw::landlock_ruleset_attr>(),
            0_usize,
            raw::LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    checked(result).map(|version| version as u32)
}

/// A set of rules by which what is handled is refused, and what is scoped stays within.
///
/// # Errors
/// EINVAL for what the kernel does not know.
pub fn create(handled: u64, scoped: u64) -> Result<OwnedFd> {
    let attributes = raw::landlock_ruleset_attr { handled_access_fs: handled, handled_access_net: 0, scoped };
    // Older kernels know a shorter structure and refuse a longer one unless its rest is zero, which it is then.
    let size = size_of::<raw::landlock_ruleset_attr>();
    // SAFETY: `attributes` is of the size given and outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size, 0) };
    // SAFETY: the kernel has made this descriptor, close-on-exec, and nobody else owns it.
    checked(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Allows this beneath a file or directory.
///
/// # Errors
/// EBADFD for what has no place in a file system (a pipe), EINVAL for rights of a directory on a file.
pub fn allow(ruleset: impl AsFd, beneath: impl AsFd, allowed: u64) -> Result<()> {
    let rule = raw::landlock_path_beneath_attr { allowed_access: allowed, parent_fd: beneath.as_fd().as_raw_fd() };
    // SAFETY: `rule` is of the type that LANDLOCK_RULE_PATH_BENEATH reads, and outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_fd().as_raw_fd(),
            raw::landlock_rule_type::LANDLOCK_RULE_PATH_BENEATH as libc::c_int,
            &raw const rule,
            0,
        )
    };
    checked(result).map(drop)
}

/// From here on this thread, and all that comes from it, is bound by the rules; no_new_privs must be set.
///
/// # Errors
/// EPERM without no_new_privs, E2BIG at 16 rulesets.
pub fn restrict_self(ruleset: impl AsFd) -> Result<()> {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_fd().as_raw_fd(), 0) };
    checked(result).map(drop)
}
