//! One cell that runs, to its removal: watch, signal, kill, read, remove. How it came to run is in `start`.

mod counters;
mod hold;
mod leftovers;
mod made;
mod outlive;
mod processes;
mod start;
mod warm;

pub use counters::{Counters, CpuLook, Looks, MemoryLook};
pub use outlive::Known;
pub use processes::Roll;
pub use start::NewCell;
pub use warm::{Shape, Untaken, WarmCell};

use super::OsError;
use super::cgroup::{Above, ApplyError, CellCgroup, Effective};
use super::keeper::Keeper;
use super::kmsg;
use super::stdio::Terminal;
use super::watch::Watch;
use crate::life::{Biggest, Evidence, Leftovers, Usage};
use init_shim::pid1::TO_LEADER;
use init_shim::report::{End, Failure};
use rustix::fd::OwnedFd;
use rustix::io::write;
use rustix::net::{RecvFlags, recv};
use rustix::process::{Signal, pidfd_send_signal};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// First and longest pause between looks at a cgroup that is emptying. The kernel tells a change at most every 10 ms, so
/// waiting for its event alone costs up to 20 ms where a look costs microseconds.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_micros(200), Duration::from_millis(20));
/// First and longest pause between tries to remove a cgroup that is empty and still busy: the last task has told its end
/// and is not quite gone.
const BUSY_PAUSE: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));

/// How long the remains of a failed start may take to go: nothing of the job ever ran.
const ABANDON_WITHIN: Duration = Duration::from_secs(5);

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

/// A cell whose target was executed.
#[derive(Debug)]
pub struct Cell {
    cgroup: made::MadeCgroup,
    effective: Vec<Effective>,
    counters: Counters,
    /// The cgroups above, and how often a limit of theirs had not been met when the cell was made.
    above: (Arc<Above>, Option<u64>),
    keeper_job: u64,
    pid: i32,
    /// PID 1.
    pidfd: Watch,
    /// Where PID 1 writes the leader's end.
    status: Watch,
    /// Its closing ends the cell.
    lease: OwnedFd,
    /// The lock on its ids, where the keeper may have to be given it once more.
    ids: Option<OwnedFd>,
    /// Its terminal, until somebody takes it.
    terminal: Option<Terminal>,
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

    /// Its terminal, if it has one; once.
    pub fn take_terminal(&mut self) -> Option<Terminal> {
        self.terminal.take()
    }

    /// The leader's end as PID 1 tells it; `None` when PID 1 was killed before it could. Looked at and left where it is, so
    /// it can be asked again, also by another process that has the descriptor.
    pub async fn end(&self) -> Option<End> {
        let mut bytes = [0_u8; End::LEN];
        match self.status.attempt(|fd| recv(fd, &mut bytes, RecvFlags::PEEK | RecvFlags::DONTWAIT)).await {
            Ok((length, _)) => End::decode(&bytes[..length]),
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

    /// An order to PID 1. The pipe takes thousands; one that is full belongs to a PID 1 that does not run, and whoever
    /// waits for the effect has a deadline of his own.
    fn order(&self, order: [u8; 2]) {
        let _ = write(&self.lease, &order);
    }

    /// Kills the whole cell at once, its PID 1 included. Where the cgroup cannot do it PID 1 is killed alone: the kernel
    /// then kills its whole PID namespace.
    ///
    /// # Errors
    /// When an io limit could not be taken away or the cgroup could not kill; PID 1 is killed all the same.
    pub fn kill(&self) -> Result<(), OsError> {
        // First, or a process in a throttled write dies only when that is done.
        let released = self.cgroup.release_io();
        let killed = self.cgroup.kill();
        if killed.is_err() {
            // ESRCH: it is gone already.
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
        killed.and(released)
    }

    /// What it used, as the kernel counted it.
    pub fn usage(&self) -> Usage {
        self.cgroup.usage()
    }

    /// The kernel's counters.
    pub fn evidence(&self) -> Evidence {
        let (above, before) = &self.above;
        Evidence { ancestor_oom_events: above.oom_events_since(*before), ..self.cgroup.evidence() }
    }

    /// What of it is looked at while it runs.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The process that the kernel chose to kill for want of memory, if its log says. The log can be long: it is read
    /// beside the runtime's own threads.
    pub async fn biggest(&self) -> Option<Biggest> {
        let name = self.cgroup.name().to_owned();
        // Lost with the runtime only, and then nobody waits for it.
        tokio::task::spawn_blocking(move || kmsg::victim(&name)).await.ok().flatten()
    }

    /// Who is alive in it but its PID 1; `None` when that cannot be known.
    pub fn leftovers(&self) -> Option<Leftovers> {
        leftovers::alive(&self.cgroup, self.pid)
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
        // Also when it is not removed: it has no process of ours any more, and the next start sweeps it.
        keeper.forget(self.keeper_job);
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

/// Waits for `populated 0`; the kernel tells a change by POLLPRI, but not soon.
async fn await_empty(cgroup: &CellCgroup) {
    let changes = cgroup.events_fd().ok().and_then(|fd| Watch::changed(fd).ok());
    let (mut pause, longest) = LOOK_AGAIN;
    while let Ok(true) = cgroup.is_populated() {
        match &changes {
            Some(changes) => drop(timeout(pause, changes.once()).await),
            None => sleep(pause).await,
        }
        pause = (pause * 2).min(longest);
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
