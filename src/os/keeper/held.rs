//! A job that the keeper holds copies of the descriptors of.

use super::{Keeper, Link};
use init_shim::socket::{HoldFds, Role, ToKeeper, send_now};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::io;
use std::sync::Arc;

/// A job that the keeper holds.
#[derive(Debug)]
pub struct HeldJob {
    /// The keeper's number for it.
    pub job: u64,
    /// The name of its cgroup.
    pub name: String,
    /// Its PID 1 on the host, for people.
    pub pid: i32,
    /// Its cgroup, the base, the lock on its ids.
    pub cell: HoldFds,
    /// Our ends of its pipes, each by what it is.
    pub kept: Vec<(Role, OwnedFd)>,
}

impl HeldJob {
    /// Copies of all descriptors.
    ///
    /// # Errors
    /// EMFILE.
    pub fn try_clone(&self) -> io::Result<Self> {
        let HoldFds { cgroup, base, ids } = &self.cell;
        let cell = HoldFds { cgroup: cgroup.try_clone()?, base: base.try_clone()?, ids: ids.try_clone()? };
        let copy = |(role, fd): &(Role, OwnedFd)| Ok((*role, fd.try_clone()?));
        let kept = self.kept.iter().map(copy).collect::<io::Result<_>>()?;
        Ok(Self { job: self.job, name: self.name.clone(), pid: self.pid, cell, kept })
    }

    /// Takes one of them.
    pub fn take(&mut self, role: Role) -> Option<OwnedFd> {
        let at = self.kept.iter().position(|(of, _)| *of == role)?;
        Some(self.kept.swap_remove(at).1)
    }

    /// Tells the keeper at the other end of this link; waits while it reads what it was told before.
    pub(super) fn tell(&self, link: &Link) -> rustix::io::Result<()> {
        self.told(|message, fds| link.tell(message, fds))
    }

    /// The same without waiting.
    pub(super) fn tell_now(&self, link: &Link) -> rustix::io::Result<()> {
        self.told(|message, fds| send_now(&link.socket, message, fds))
    }

    fn told(
        &self,
        tell: impl FnOnce(&ToKeeper, &[BorrowedFd<'_>]) -> rustix::io::Result<()>,
    ) -> rustix::io::Result<()> {
        let roles = self.kept.iter().map(|(role, _)| *role).collect();
        let message = ToKeeper::Hold { job: self.job, name: self.name.clone(), pid: self.pid, roles };
        let HoldFds { cgroup, base, ids } = &self.cell;
        let mut fds = vec![cgroup.as_fd(), base.as_fd(), ids.as_fd()];
        fds.extend(self.kept.iter().map(|(_, fd)| fd.as_fd()));
        tell(&message, &fds)
    }
}

/// Whoever has this holds a descriptor that the keeper has a copy of; when it is dropped, the copy is closed, too.
#[derive(Debug)]
pub struct Release {
    /// The keeper.
    pub keeper: Arc<Keeper>,
    /// Its number for the job.
    pub job: u64,
    /// Which of the job's.
    pub role: Role,
}

impl Drop for Release {
    fn drop(&mut self) {
        self.keeper.release(self.job, self.role);
    }
}
