//! Cells that outlive their supervisor: given to the keeper to hold, and taken back by the next supervisor.

use super::made::MadeCgroup;
use super::{Cell, Counters, Looks};
use crate::os::cgroup::{Base, CellCgroup, Effective};
use crate::os::keeper::{HeldJob, Keeper};
use crate::os::stdio::AwaitedTerminal;
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use init_shim::socket::{HoldFds, Role};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use std::sync::Arc;

/// What a new supervisor knows of a cell from the one before.
#[derive(Debug)]
pub struct Known {
    /// Its limits in force.
    pub effective: Vec<Effective>,
    /// How often a limit of the cgroups above had not been met when it was made.
    pub above_before: Option<u64>,
    /// What of it will be looked at.
    pub looks: Looks,
    /// Whether it is below another manager's cgroup.
    pub guest: bool,
}

impl Cell {
    /// How often a limit of the cgroups above had not been met when it was made.
    pub fn above_before(&self) -> Option<u64> {
        self.above.1
    }

    /// Has the keeper hold it, with our ends of its streams.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn outlive(&mut self, keeper: &Keeper, streams: &[(Role, BorrowedFd<'_>)]) -> Result<(), OsError> {
        let Some(ids) = &self.ids else { return Ok(()) };
        let copy = |fd: BorrowedFd<'_>| {
            fd.try_clone_to_owned().map_err(|error| OsError::new(Doing::Make, "a descriptor", error))
        };
        let cell =
            HoldFds { cgroup: copy(self.cgroup.fd())?, base: copy(self.cgroup.base_fd())?, ids: copy(ids.as_fd())? };
        let own =
            [(Role::Status, self.status.as_fd()), (Role::Lease, self.lease.as_fd()), (Role::PidFd, self.pidfd.as_fd())];
        let terminal = self.terminal.as_ref().map(|terminal| (Role::Terminal, terminal.socket.as_fd()));
        let kept = own
            .iter()
            .chain(streams)
            .chain(terminal.as_ref())
            .map(|(role, fd)| Ok((*role, copy(*fd)?)))
            .collect::<Result<_, OsError>>()?;
        let name = self.cgroup.name().to_owned();
        self.cgroup.outlives = true;
        keeper.hold(HeldJob { job: self.keeper_job, name, pid: self.pid, cell, kept });
        Ok(())
    }

    /// The keeper's number for it.
    pub fn keeper_job(&self) -> u64 {
        self.keeper_job
    }

    /// Whether it stands still.
    pub fn stands_still(&self) -> bool {
        self.cgroup.frozen
    }

    /// Takes over a cell that the keeper held; beside it our ends of its streams, each by what it is.
    ///
    /// # Errors
    /// EBADMSG when something of it is missing; else what the kernel refused.
    pub fn take_over(held: HeldJob, base: &Base, known: Known) -> Result<(Self, Vec<(Role, OwnedFd)>), OsError> {
        let mut held = held;
        let (status, lease, pidfd) = match (held.take(Role::Status), held.take(Role::Lease), held.take(Role::PidFd)) {
            (Some(status), Some(lease), Some(pidfd)) => (status, lease, pidfd),
            _ => return Err(OsError::new(Doing::Read, "the keeper", Errno::BADMSG).value(held.name)),
        };
        let HeldJob { job, name, pid, cell: HoldFds { cgroup, base: dir, ids }, kept } = held;
        let cgroup = CellCgroup::of(cgroup, dir, &name)?;
        let Known { effective, above_before, looks, guest } = known;
        let counters = Counters::open(&cgroup, looks)?;
        let frozen = cgroup.read("cgroup.freeze")?.is_some_and(|text| text.trim() == "1");
        let (guest, above) = match guest.then(|| cgroup.as_guest()).transpose()? {
            Some((guest, above)) => (Some(guest), Arc::new(above)),
            None => (None, base.above()),
        };
        let watch = |fd| Watch::readable(fd).map_err(|error| OsError::new(Doing::Watch, "a cell", error));
        let mut cell = Self {
            cgroup: MadeCgroup::taken_over(cgroup, frozen, guest),
            effective,
            counters,
            above: (above, above_before),
            keeper_job: job,
            pid,
            pidfd: watch(pidfd)?,
            status: watch(status)?,
            lease,
            ids: Some(ids),
            terminal: None,
        };
        let (terminal, kept) = kept.into_iter().partition::<Vec<_>, _>(|(role, _)| *role == Role::Terminal);
        if let Some((_, socket)) = terminal.into_iter().next() {
            cell.terminal = Some(AwaitedTerminal::of(socket).arrive()?);
        }
        Ok((cell, kept))
    }
}
