//! From nothing to a running cell: cgroup, limits, ids, the order, the launch, and the wait for the exec.

use super::{ABANDON_WITHIN, Cell, CellError, Counters, Looks, remove_when_empty};
use crate::os::cgroup::{Above, Base, CellCgroup, DeviceGuard, Effective, Guest};
use crate::os::ids::CellIds;
use crate::os::keeper::{Keeper, LaunchError};
use crate::os::stdio::{AwaitedTerminal, Theirs};
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use crate::plan::Plan;
use init_shim::report::Failure;
use init_shim::socket::LaunchFds;
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::ops::Deref;
use std::sync::Arc;

/// A cell's cgroup with its limits in force, and its ids: nothing runs in it yet.
#[derive(Debug)]
pub struct NewCell {
    cgroup: MadeCgroup,
    ids: CellIds,
    effective: Vec<Effective>,
    counters: Counters,
    above: (Arc<Above>, Option<u64>),
}

/// A cell's cgroup. As long as nothing was launched into it, it goes with whoever loses interest in it, as a runtime that
/// ends in the middle of a start.
#[derive(Debug)]
pub(super) struct MadeCgroup {
    cgroup: CellCgroup,
    launched: bool,
    /// Whether it stands still: then its PID 1 does not see that its owner is gone.
    pub frozen: bool,
    /// Whether it goes on without whoever drives it.
    pub outlives: bool,
    /// Of one below another manager's cgroup: what holds its place there, let go of when the cgroup is.
    _guest: Option<Arc<Guest>>,
}

impl MadeCgroup {
    /// One that was launched by another, and goes on without us as well.
    pub(super) fn taken_over(cgroup: CellCgroup, frozen: bool, guest: Option<Guest>) -> Self {
        Self { cgroup, launched: true, frozen, outlives: true, _guest: guest.map(Arc::new) }
    }
}

impl Deref for MadeCgroup {
    type Target = CellCgroup;

    fn deref(&self) -> &CellCgroup {
        &self.cgroup
    }
}

impl Drop for MadeCgroup {
    fn drop(&mut self) {
        if !self.launched {
            // EBUSY: the keeper has launched it meanwhile, and clears it away.
            let _ = self.cgroup.remove();
        }
        if self.frozen && !self.outlives {
            // Whoever drove it is gone with its runtime. The rest is the next sweep's.
            let _ = self.cgroup.kill();
        }
    }
}

impl NewCell {
    /// Makes the cgroup, sets every limit and reads it back, guards the devices, takes ids. `seed` spreads the ids of
    /// concurrent starts; `looks` is what will be looked at while it runs.
    ///
    /// # Errors
    /// The first limit or guard that is not in force, or the call that failed. The cgroup is gone again.
    pub fn create(
        base: &Base,
        devices: &DeviceGuard,
        (name, seed): (&str, u128),
        plan: &Plan,
        looks: Looks,
    ) -> Result<Self, CellError> {
        let ids = CellIds::take(seed)?;
        let (made, guest) = (CellCgroup::create(base, name)?, base.guest());
        let cgroup = MadeCgroup { cgroup: made, launched: false, frozen: false, outlives: false, _guest: guest };
        let effective = cgroup.apply(&plan.settings)?;
        plan.order.guard(|| devices.guard(&cgroup))?;
        let counters = Counters::open(&cgroup, looks)?;
        let above = base.above();
        let before = above.oom_events();
        Ok(Self { cgroup, ids, effective, counters, above: (above, before) })
    }

    /// Has the keeper build the cell, and waits until the target was executed.
    ///
    /// # Errors
    /// The step that failed. The cell and its cgroup are gone again.
    pub async fn launch(self, keeper: &Keeper, base: &Base, plan: &Plan, mut stdio: Theirs) -> Result<Cell, CellError> {
        let Self { mut cgroup, ids, effective, counters, above } = self;
        let terminal = stdio.terminal.take();
        let keeper_job = keeper.number();
        let id_lock = keeper.outlives().then(|| ids.lock.try_clone()).transpose();
        let id_lock = id_lock.map_err(|error| OsError::new(Doing::Make, "a descriptor", error))?;
        match start(&cgroup, ids, (keeper, keeper_job), base, plan, stdio).await {
            Ok(started) => {
                cgroup.launched = true;
                let mut cell = Cell {
                    cgroup,
                    effective,
                    counters,
                    above,
                    keeper_job,
                    pid: started.pid,
                    pidfd: started.pidfd,
                    status: started.status,
                    lease: started.lease,
                    ids: id_lock,
                    terminal: None,
                };
                let failed = match reported(&started.report).await {
                    Ok(None) => match terminal.map(AwaitedTerminal::arrive).transpose() {
                        Ok(terminal) => {
                            cell.terminal = terminal;
                            return Ok(cell);
                        }
                        Err(error) => CellError::Os(error),
                    },
                    Ok(Some(failure)) => CellError::Step(failure),
                    Err(error) => CellError::Os(error),
                };
                cell.abandon(keeper).await;
                Err(failed)
            }
            Err(error) => {
                // PID 1 was never released, or never born: the keeper has ended it.
                let _ = cgroup.kill();
                // What cannot be removed in time is swept by the next start; why the start failed is what matters here.
                let _ = remove_when_empty(&cgroup, ABANDON_WITHIN).await;
                keeper.forget(keeper_job);
                Err(error)
            }
        }
    }
}

/// What a start brought, before it is known whether the exec will succeed.
struct Started {
    pid: i32,
    pidfd: Watch,
    status: Watch,
    report: Watch,
    lease: OwnedFd,
}

/// The pipes, the order, the launch.
async fn start(
    cgroup: &CellCgroup,
    ids: CellIds,
    (keeper, keeper_job): (&Keeper, u64),
    base: &Base,
    plan: &Plan,
    stdio: Theirs,
) -> Result<Started, CellError> {
    // First of all: starts that wait for their turn hold no descriptors but their cgroup's.
    let turn = keeper.turn().await;
    let (status, status_theirs) = status()?;
    let (report, report_theirs) = pipe()?;
    let (lease_theirs, lease) = pipe()?;
    let first_id = ids.first;
    let duplicate = |fd: rustix::fd::BorrowedFd<'_>| {
        fd.try_clone_to_owned().map_err(|error| OsError::new(Doing::Make, "a descriptor", error))
    };
    let fds = LaunchFds {
        order: sealed_order(&plan.order.encode())?,
        cgroup: duplicate(cgroup.fd())?,
        base: duplicate(base.fd())?,
        stdin: stdio.stdin,
        stdout: stdio.stdout,
        stderr: stdio.stderr,
        status: status_theirs,
        report: report_theirs,
        lease: lease_theirs,
        ids: ids.lock,
    };
    let launched =
        keeper.launch(turn, keeper_job, first_id, cgroup.name(), fds).await.map_err(|error| match error {
            LaunchError::Step(failure) => CellError::Step(nearer(&report).unwrap_or(failure)),
            LaunchError::Os(error) => CellError::Os(error),
        })?;
    let watched = |fd| watch(fd).map_err(CellError::Os);
    Ok(Started {
        pid: launched.pid,
        pidfd: watched(launched.pidfd)?,
        status: watched(status)?,
        report: watched(report)?,
        lease,
    })
}

/// What PID 1 itself reported, if it did: nearer to the cause than what the keeper saw of it.
fn nearer(report: &OwnedFd) -> Option<Failure> {
    let mut bytes = [0_u8; Failure::LEN];
    let length = read(report, &mut bytes).ok()?;
    Failure::decode(&bytes[..length])
}

/// What the report says: nothing, which is success, or the step that failed.
async fn reported(report: &Watch) -> Result<Option<Failure>, OsError> {
    let mut bytes = [0_u8; Failure::LEN];
    let length = report.attempt(|fd| read(fd, &mut bytes)).await;
    match length.map_err(|error| OsError::new(Doing::Read, "the shim's report", error))? {
        0 => Ok(None),
        length => match Failure::decode(&bytes[..length]) {
            Some(failure) => Ok(Some(failure)),
            None => Err(OsError::new(Doing::Read, "the shim's report", Errno::BADMSG)),
        },
    }
}

/// The order in a memfd that cannot change any more.
fn sealed_order(bytes: &[u8]) -> Result<OwnedFd, OsError> {
    let make = || -> io::Result<OwnedFd> {
        let memfd = memfd_create("ironcell-order", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[write(&memfd, rest)?..];
        }
        fcntl_add_seals(&memfd, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(memfd)
    };
    make().map_err(|error| OsError::new(Doing::Make, "the order", error))
}

/// Both ends of what PID 1 tells the end through, ours first. A socket and no pipe: what was told can be looked at and left
/// where it is (MSG_PEEK), so that one who dies between hearing and noting it leaves it to the next.
fn status() -> Result<(OwnedFd, OwnedFd), OsError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(|errno| OsError::new(Doing::Make, "a socket pair", errno))
}

/// A pipe whose ends are non-blocking: reader, writer.
fn pipe() -> Result<(OwnedFd, OwnedFd), OsError> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|errno| OsError::new(Doing::Make, "a pipe", errno))
}

/// Makes a descriptor one to wait on.
fn watch(fd: OwnedFd) -> Result<Watch, OsError> {
    Watch::readable(fd).map_err(|error| OsError::new(Doing::Watch, "a cell", error))
}
