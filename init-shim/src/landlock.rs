//! The second wall around the job's files: rules on the very mounts that were made for it, put in force in its own
//! process shortly before the exec. landlock(7).

use crate::mounts;
use crate::sys::landlock as sys;
use crate::wire::Landlock;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{Errno, Result};

/// A ruleset under construction: what it allows beneath each entry is added when the entry's mount is there.
pub struct Rules<'a> {
    ruleset: OwnedFd,
    order: &'a Landlock,
}

impl<'a> Rules<'a> {
    /// The ruleset: nothing is allowed yet.
    ///
    /// # Errors
    /// As landlock_create_ruleset(2).
    pub fn make(order: &'a Landlock) -> Result<Self> {
        Ok(Self { ruleset: sys::create(order.handled, order.scoped)?, order })
    }

    /// What is allowed of standard input, output and error.
    ///
    /// # Errors
    /// As landlock_add_rule(2).
    pub fn allow_stdio(&self, stdio: [BorrowedFd<'_>; 3]) -> Result<()> {
        stdio.into_iter().try_for_each(|fd| self.allow_again(fd))
    }

    /// A file that the job was given may be opened again by its name in /dev/fd, for what it is open for.
    fn allow_again(&self, fd: BorrowedFd<'_>) -> Result<()> {
        let (read, write) = self.order.stdio;
        let allowed = match fcntl_getfl(fd)? & OFlags::RWMODE {
            OFlags::RDONLY => read,
            OFlags::WRONLY => write,
            _ => read | write,
        };
        match sys::allow(&self.ruleset, fd, allowed) {
            // A pipe or socket has no place in a file system: no rule is needed for what has no path.
            Err(Errno::BADFD) => Ok(()),
            other => other,
        }
    }

    /// What is allowed in all of the root.
    ///
    /// # Errors
    /// As landlock_add_rule(2).
    pub fn allow_root(&self, root: &mounts::NewRoot) -> Result<()> {
        sys::allow(&self.ruleset, root.mount(), self.order.root)
    }

    /// What is allowed beneath an entry, if anything is, now that its mount is there.
    ///
    /// # Errors
    /// As landlock_add_rule(2).
    pub fn allow_entry(&self, entry: u16, mount: BorrowedFd<'_>) -> Result<()> {
        match self.order.beneath.iter().find(|rule| rule.entry == entry) {
            Some(rule) => sys::allow(&self.ruleset, mount, rule.allowed),
            None => Ok(()),
        }
    }

    /// From here on the rules hold for this process.
    ///
    /// # Errors
    /// EPERM without no_new_privs.
    pub fn restrict(&self) -> Result<()> {
        sys::restrict_self(&self.ruleset)
    }
}
