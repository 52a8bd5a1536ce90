//! From nothing to a running cell: cgroup, limits, ids, the order, the launch, and the wait for the exec.

use super::made::MadeCgroup;
use super::{ABANDON_WITHIN, Cell, CellError, Counters, Looks, remove_when_empty};
use crate::os::cgroup::{Above, Base, CellCgroup, DeviceGuard, Effective};
use crate::os::ids::CellIds;
use crate::os::keeper::{Keeper, LaunchError};
use crate::os::stdio::{AwaitedTerminal, Theirs};
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use crate::plan::Plan;
use init_shim::report::Failure;
use init_shim::socket::LaunchFds;
use init_shim::wire::Order;
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::sync::Arc;

/// A cell's cgroup with its limits in force, and its ids: nothing runs in it yet.
#[derive(Debug)]
pub struct NewCell {
    cgroup: MadeCgroup,
    ids: CellIds,
    measures: Measures,
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
        let cgroup = MadeCgroup::new(CellCgroup::create(base, name)?, base.guest());
        let measures = Measures::of(&cgroup, base, plan, looks)?;
        plan.order.guard(|| devices.guard(&cgroup))?;
        Ok(Self { cgroup, ids, measures })
    }

    /// Has the keeper build the cell, and waits until the target was executed.
    ///
    /// # Errors
    /// The step that failed. The cell and its cgroup are gone again.
    pub async fn launch(self, keeper: &Keeper, base: &Base, plan: &Plan, mut stdio: Theirs) -> Result<Cell, CellError> {
        let Self { cgroup, ids, measures } = self;
        let terminal = stdio.terminal.take();
        let raised = raise(cgroup, ids, keeper, base, &plan.order, stdio).await?;
        raised.executed(keeper, measures, terminal).await
    }
}

/// What is in force in a cell, and what is looked at.
#[derive(Debug)]
pub(super) struct Measures {
    pub effective: Vec<Effective>,
    pub counters: Counters,
    pub above: (Arc<Above>, Option<u64>),
}

impl Measures {
    /// Sets every limit of the plan and reads it back; from then on is looked at what it says.
    ///
    /// # Errors
    /// The first limit that is not in force, or the call that failed.
    pub fn of(cgroup: &CellCgroup, base: &Base, plan: &Plan, looks: Looks) -> Result<Self, CellError> {
        let effective = cgroup.apply(&plan.settings)?;
        let counters = Counters::open(cgroup, looks)?;
        let above = base.above();
        let before = above.oom_events();
        Ok(Self { effective, counters, above: (above, before) })
    }
}

/// A cell whose PID 1 was released: what becomes of it is not known yet.
#[derive(Debug)]
pub(super) struct Raised {
    pub cgroup: MadeCgroup,
    id_lock: Option<OwnedFd>,
    keeper_job: u64,
    started: Started,
}

/// Has the keeper clone the cell and release its PID 1.
///
/// # Errors
/// The step that failed outside of the cell. It and its cgroup are gone again.
pub(super) async fn raise(
    mut cgroup: MadeCgroup,
    ids: CellIds,
    keeper: &Keeper,
    base: &Base,
    order: &Order,
    stdio: Theirs,
) -> Result<Raised, CellError> {
    let keeper_job = keeper.number();
    let id_lock = keeper.outlives().then(|| ids.lock.try_clone()).transpose();
    let id_lock = id_lock.map_err(|error| OsError::new(Doing::Make, "a descriptor", error))?;
    match start(&cgroup, ids, (keeper, keeper_job), base, order, stdio).await {
        Ok(started) => {
            cgroup.launched = true;
            Ok(Raised { cgroup, id_lock, keeper_job, started })
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

impl Raised {
    /// What its PID 1 has to say: nothing, which is that the target was executed, or the step that failed.
    pub async fn reported(&self) -> Result<Option<Failure>, OsError> {
        reported(&self.started.report).await
    }

    /// Waits until the target was executed.
    ///
    /// # Errors
    /// The step that failed. The cell and its cgroup are gone again.
    pub async fn executed(
        self,
        keeper: &Keeper,
        measures: Measures,
        terminal: Option<AwaitedTerminal>,
    ) -> Result<Cell, CellError> {
        let Self { cgroup, id_lock, keeper_job, started } = self;
        let Measures { effective, counters, above } = measures;
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

    /// Ends it without a job: nobody's ever ran in it.
    pub async fn dismiss(self, keeper: &Keeper) {
        let Self { cgroup, started, keeper_job, .. } = self;
        drop(started);
        let _ = cgroup.kill();
        // What cannot be removed in time is swept by the next start.
        let _ = remove_when_empty(&cgroup, ABANDON_WITHIN).await;
        keeper.forget(keeper_job);
    }
}

/// What a start brought, before it is known whether the exec will succeed.
#[derive(Debug)]
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
    order: &Order,
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
        order: sealed_order(order)?,
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
pub(super) fn sealed_order(order: &Order) -> Result<OwnedFd, OsError> {
    let bytes = order.encode();
    let make = || -> io::Result<OwnedFd> {
        let memfd = memfd_create("ironcell-order", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut rest = bytes.as_slice();
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
