//! One cell, from its cgroup to its removal: create, launch, watch, signal, kill, read, remove.

use super::cgroup::{ApplyError, Base, CellCgroup, Effective};
use super::ids::CellIds;
use super::keeper::{Keeper, LaunchError};
use super::stdio::Wired;
use super::watch::Watch;
use super::{Doing, OsError};
use crate::life::{Evidence, Usage};
use crate::plan::Plan;
use init_shim::pid1::{TO_ALL, TO_LEADER};
use init_shim::report::{End, Failure};
use init_shim::socket::LaunchFds;
use rustix::fd::OwnedFd;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::{Errno, read, write};
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often a cgroup is looked at again in case an event was lost; events come at once.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// First and longest pause between tries to remove a cgroup that is empty and still busy: the last task has told its end
/// and is not quite gone.
const BUSY_PAUSE: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// Why a cell could not be started. Whatever was made for it is gone.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// A call failed.
    #[error(transparent)]
    Os(#[from] OsError),
    /// A limit is not in force.
    #[error(transparent)]
    Limit(#[from] ApplyError),
    /// A step of the shim failed.
    #[error("step {} failed with errno {}", .0.step as u16, .0.errno)]
    Step(Failure),
}

/// A cell's cgroup with its limits in force, and its ids: nothing runs in it yet.
#[derive(Debug)]
pub struct NewCell {
    cgroup: CellCgroup,
    ids: CellIds,
    effective: Vec<Effective>,
}

/// A cell whose target was executed.
#[derive(Debug)]
pub struct Cell {
    cgroup: CellCgroup,
    effective: Vec<Effective>,
    keeper_job: u64,
    pid: i32,
    /// PID 1.
    pidfd: Watch,
    /// Where PID 1 writes the leader's end.
    status: Watch,
    /// Its closing ends the cell.
    lease: OwnedFd,
}

impl NewCell {
    /// Makes the cgroup, sets every limit and reads it back, takes ids. `seed` spreads the ids of concurrent starts.
    ///
    /// # Errors
    /// The first limit that is not in force, or the call that failed. The cgroup is gone again.
    pub fn create(base: &Base, name: &str, seed: u128, plan: &Plan) -> Result<Self, CellError> {
        let ids = CellIds::take(seed)?;
        let cgroup = CellCgroup::create(base, name)?;
        match cgroup.apply(&plan.settings) {
            Ok(effective) => Ok(Self { cgroup, ids, effective }),
            Err(error) => {
                // Nothing ever ran in it, so nothing can hold it.
                let _ = cgroup.remove();
                Err(error.into())
            }
        }
    }

    /// Has the keeper build the cell, and waits until the target was executed.
    ///
    /// # Errors
    /// The step that failed. The cell and its cgroup are gone again.
    pub async fn launch(self, keeper: &Keeper, base: &Base, plan: &Plan, stdio: Wired) -> Result<Cell, CellError> {
        let Self { cgroup, ids, effective } = self;
        match start(&cgroup, ids, keeper, base, plan, stdio).await {
            Ok(started) => {
                let cell = Cell {
                    cgroup,
                    effective,
                    keeper_job: started.keeper_job,
                    pid: started.pid,
                    pidfd: started.pidfd,
                    status: started.status,
                    lease: started.lease,
                };
                match reported(&started.report).await? {
                    None => Ok(cell),
                    Some(failure) => {
                        cell.abandon(keeper).await;
                        Err(CellError::Step(failure))
                    }
                }
            }
            Err(error) => {
                // PID 1 was never released, or never born: the keeper has ended it.
                let _ = cgroup.kill();
                remove_when_empty(&cgroup, ABANDON_WITHIN).await?;
                Err(error)
            }
        }
    }
}

/// How long the remains of a failed start may take to go: nothing of the job ever ran.
const ABANDON_WITHIN: Duration = Duration::from_secs(5);

/// What a start brought, before it is known whether the exec will succeed.
struct Started {
    keeper_job: u64,
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
    keeper: &Keeper,
    base: &Base,
    plan: &Plan,
    stdio: Wired,
) -> Result<Started, CellError> {
    let (status, status_theirs) = pipe()?;
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
    let launched = keeper.launch(first_id, cgroup.name(), fds).await.map_err(|error| match error {
        LaunchError::Step(failure) => CellError::Step(failure),
        LaunchError::Os(error) => CellError::Os(error),
    })?;
    let watched = |fd| watch(fd).map_err(CellError::Os);
    Ok(Started {
        keeper_job: launched.job,
        pid: launched.pid,
        pidfd: watched(launched.pidfd)?,
        status: watched(status)?,
        report: watched(report)?,
        lease,
    })
}

impl Cell {
    /// The limits as the kernel reads them back.
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// PID 1's process id on the host, for people.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The leader's end as PID 1 tells it; `None` when PID 1 was killed before it could.
    pub async fn end(&self) -> Option<End> {
        let mut bytes = [0_u8; End::LEN];
        match self.status.attempt(|fd| read(fd, &mut bytes)).await {
            Ok(length) => End::decode(&bytes[..length]),
            Err(_) => None,
        }
    }

    /// Waits until PID 1 is gone, and with it, by the kernel's promise, every process of the cell.
    pub async fn gone(&self) {
        // An error is the end of the runtime, and so of every wait.
        let _ = self.pidfd.ready().await;
    }

    /// Sends a signal to the leader, through PID 1.
    pub fn signal_leader(&self, signal: u8) {
        self.order([TO_LEADER, signal]);
    }

    /// Sends a signal to every process of the cell, through PID 1.
    pub fn signal_all(&self, signal: u8) {
        self.order([TO_ALL, signal]);
    }

    /// An order to PID 1. The pipe takes thousands; one that is full belongs to a PID 1 that does not run, and whoever
    /// waits for the effect has a deadline of his own.
    fn order(&self, order: [u8; 2]) {
        let _ = write(&self.lease, &order);
    }

    /// Kills the whole cell at once, its PID 1 included.
    ///
    /// # Errors
    /// When the kernel has no `cgroup.kill`.
    pub fn kill(&self) -> Result<(), OsError> {
        // First, or a process in a throttled write dies only when that is done.
        let released = self.cgroup.release_io();
        self.cgroup.kill().and(released)
    }

    /// What it used, as the kernel counted it.
    pub fn usage(&self) -> Usage {
        self.cgroup.usage()
    }

    /// The kernel's counters.
    pub fn evidence(&self) -> Evidence {
        self.cgroup.evidence()
    }

    /// Waits until no process is in it; false when `within` is over before.
    pub async fn emptied(&self, within: Duration) -> bool {
        timeout(within, await_empty(&self.cgroup)).await.is_ok()
    }

    /// Removes its cgroup, waiting for what is not quite gone.
    ///
    /// # Errors
    /// EBUSY when something is left in it after `within`.
    pub async fn remove(self, keeper: &Keeper, within: Duration) -> Result<(), OsError> {
        drop(self.lease);
        let removed = remove_when_empty(&self.cgroup, within).await;
        if removed.is_ok() {
            keeper.forget(self.keeper_job);
        }
        removed
    }

    /// Ends a cell whose target was never executed.
    async fn abandon(self, keeper: &Keeper) {
        // PID 1 has reported and exits by itself; the kill is for what it may have forked. The next start sweeps what
        // could not be removed in time.
        let _ = self.kill();
        let _ = self.remove(keeper, ABANDON_WITHIN).await;
    }
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

/// Waits for `populated 0`; the kernel tells each change by POLLPRI.
async fn await_empty(cgroup: &CellCgroup) {
    let changes = cgroup.events_fd().ok().and_then(|fd| Watch::changed(fd).ok());
    while let Ok(true) = cgroup.is_populated() {
        match &changes {
            Some(changes) => drop(timeout(LOOK_AGAIN, changes.once()).await),
            None => sleep(LOOK_AGAIN).await,
        }
    }
}

/// rmdir until it succeeds or `within` is over.
async fn remove_when_empty(cgroup: &CellCgroup, within: Duration) -> Result<(), OsError> {
    let (mut pause, longest) = BUSY_PAUSE;
    let remove = async {
        loop {
            match cgroup.remove() {
                Err(error) if error.is(libc::EBUSY) => {
                    await_empty(cgroup).await;
                    sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
                other => return other,
            }
        }
    };
    match timeout(within, remove).await {
        Ok(removed) => removed,
        Err(_) => cgroup.remove(),
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

/// A pipe whose ends are non-blocking: reader, writer.
fn pipe() -> Result<(OwnedFd, OwnedFd), OsError> {
    pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).map_err(|errno| OsError::new(Doing::Make, "a pipe", errno))
}

/// Makes a descriptor one to wait on.
fn watch(fd: OwnedFd) -> Result<Watch, OsError> {
    Watch::readable(fd).map_err(|error| OsError::new(Doing::Watch, "a cell", error))
}
