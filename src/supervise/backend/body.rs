//! What a driver knows of what its job runs in: the one list of what a backend has to answer.

use super::mock::{self, Actor, MockCall};
use super::plain;
use crate::life::{Biggest, Evidence, Leftovers, Stats, Usage};
use crate::os::OsError;
use crate::os::cell::{Cell, CpuLook, MemoryLook, Roll};
use crate::os::cgroup::Effective;
use crate::os::keeper::Keeper;
use crate::os::plain::Plain;
use crate::os::probe;
use crate::os::stdio::Terminal;
use crate::plan::Plan;
use crate::spec::{JobSpec, Limits};
use crate::supervise::Error;
use crate::supervise::house::House;
use init_shim::report::{End, How, Used};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

/// How a leader ended, as it was told.
pub(in crate::supervise) struct Ended {
    pub how: How,
    /// Whether anybody else may be alive.
    pub others: bool,
    pub wall_nanos: u64,
    /// What it used, where that was told.
    pub used: Option<Used>,
}

/// What a job runs in.
pub(in crate::supervise) enum Body {
    /// A cell, and the keeper that it is removed with.
    Cell(Box<Cell>, Arc<Keeper>),
    /// A process.
    Plain(Plain),
    /// A script.
    Mock(Box<Actor>),
    /// Nothing: the job is between two runs.
    Nothing,
}

impl Body {
    /// The process id on the host, for people.
    pub fn pid(&self) -> i32 {
        match self {
            Self::Cell(cell, _) => cell.pid(),
            Self::Plain(plain) => plain.pid(),
            Self::Mock(_) => mock::PID,
            Self::Nothing => 0,
        }
    }

    /// Whether every process of it stands still.
    pub fn stands_still(&self) -> bool {
        matches!(self, Self::Cell(cell, _) if cell.stands_still())
    }

    /// The limits in force.
    pub fn effective(&self) -> Vec<Effective> {
        match self {
            Self::Cell(cell, _) => cell.effective().to_vec(),
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => Vec::new(),
        }
    }

    /// Its terminal, if it has one; once.
    pub fn take_terminal(&mut self) -> Option<Terminal> {
        match self {
            Self::Cell(cell, _) => cell.take_terminal(),
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => None,
        }
    }

    /// The leader's end, once it is there; `None` when it was not told. Cancel-safe.
    pub async fn end(&self) -> Option<Ended> {
        match self {
            Self::Cell(cell, _) => {
                let End { how, others, wall_nanos, used } = cell.end().await?;
                Some(Ended { how, others, wall_nanos, used: Some(used) })
            }
            Self::Plain(plain) => {
                let (how, wall_nanos) = plain.end().await?;
                // Who is left in its group is not known: whoever it is, is killed.
                Some(Ended { how, others: true, wall_nanos, used: None })
            }
            Self::Mock(actor) => actor.end().await,
            Self::Nothing => pending().await,
        }
    }

    /// Waits until its first process is gone.
    pub async fn gone(&self) {
        match self {
            Self::Cell(cell, _) => cell.gone().await,
            Self::Plain(plain) => plain.gone().await,
            Self::Mock(actor) => _ = actor.end().await,
            Self::Nothing => {}
        }
    }

    /// Waits until no process is in it; false when `within` is over before.
    pub async fn emptied(&self, within: Duration) -> bool {
        match self {
            Self::Cell(cell, _) => cell.emptied(within).await,
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => true,
        }
    }

    /// Sends a signal to the leader.
    pub fn signal_leader(&self, signal: u8) {
        match self {
            Self::Cell(cell, _) => cell.signal_leader(signal),
            Self::Plain(plain) => plain.signal_leader(signal),
            Self::Mock(actor) => actor.signalled(signal, false),
            Self::Nothing => {}
        }
    }

    /// Sends a signal to every process; to those of a cell while they stand still, so that nobody is born meanwhile.
    pub async fn signal_all(&mut self, signal: u8, still: bool, within: Duration) -> Result<(), Error> {
        match self {
            Self::Cell(cell, _) => {
                if !still {
                    cell.freeze(within).await?;
                }
                let sent = cell.signal_all(signal);
                let thawed = if still { Ok(()) } else { cell.thaw() };
                sent.and(thawed)?;
            }
            Self::Plain(plain) => plain.signal_group(signal)?,
            Self::Mock(actor) => actor.signalled(signal, true),
            Self::Nothing => {}
        }
        Ok(())
    }

    /// Kills all of it at once.
    pub fn kill(&self) -> Result<(), OsError> {
        match self {
            Self::Cell(cell, _) => cell.kill(),
            Self::Plain(plain) => plain.signal_group(plain::KILL),
            Self::Mock(actor) => {
                actor.killed();
                Ok(())
            }
            Self::Nothing => Ok(()),
        }
    }

    /// Holds every process still.
    pub async fn freeze(&mut self, within: Duration) -> Result<(), Error> {
        match self {
            Self::Cell(cell, _) => Ok(cell.freeze(within).await?),
            Self::Plain(_) => Err(plain::unsupported("pause a job")),
            Self::Mock(actor) => {
                actor.note(MockCall::Paused);
                Ok(())
            }
            Self::Nothing => Ok(()),
        }
    }

    /// Lets them go on.
    pub fn thaw(&mut self) -> Result<(), OsError> {
        match self {
            Self::Cell(cell, _) => cell.thaw(),
            Self::Plain(_) | Self::Nothing => Ok(()),
            Self::Mock(actor) => {
                actor.note(MockCall::Resumed);
                Ok(())
            }
        }
    }

    /// The processor time now, where it is looked at.
    pub fn cpu(&self) -> Option<CpuLook> {
        match self {
            Self::Cell(cell, _) => cell.counters().cpu(),
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => None,
        }
    }

    /// What the kernel did for want of memory until now, where it tells.
    pub fn memory(&self) -> Option<MemoryLook> {
        match self {
            Self::Cell(cell, _) => cell.counters().memory(),
            Self::Plain(_) | Self::Nothing => None,
            Self::Mock(actor) => {
                Some(MemoryLook { oom_kills: actor.evidence().oom_kills.unwrap_or_default(), throttled: false })
            }
        }
    }

    /// Waits until that has changed.
    pub async fn memory_changed(&self) {
        match self {
            Self::Cell(cell, _) => cell.counters().memory_changed().await,
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => pending().await,
        }
    }

    /// Who is alive beside the first process; `None` when that is not known.
    pub fn leftovers(&self) -> Option<Leftovers> {
        match self {
            Self::Cell(cell, _) => cell.leftovers(),
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => None,
        }
    }

    /// What it uses now, without wall-clock time.
    pub fn stats(&self) -> Stats {
        match self {
            Self::Cell(cell, _) => cell.stats(),
            Self::Plain(_) | Self::Mock(_) | Self::Nothing => Stats { usage: self.usage(), ..Stats::default() },
        }
    }

    /// What it used, without wall-clock time.
    pub fn usage(&self) -> Usage {
        match self {
            Self::Cell(cell, _) => cell.usage(),
            Self::Plain(_) | Self::Nothing => Usage::default(),
            Self::Mock(actor) => actor.usage(),
        }
    }

    /// What shows why it ended.
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Cell(cell, _) => cell.evidence(),
            Self::Plain(_) | Self::Nothing => Evidence::default(),
            Self::Mock(actor) => actor.evidence(),
        }
    }

    /// The process that the kernel chose to kill for want of memory, where that is known.
    pub async fn biggest(&self) -> Option<Biggest> {
        match self {
            Self::Cell(cell, _) => cell.biggest().await,
            Self::Plain(_) | Self::Nothing => None,
            Self::Mock(actor) => actor.evidence().biggest,
        }
    }

    /// Who is in it.
    pub fn roll(&self) -> Result<Roll, Error> {
        match self {
            Self::Cell(cell, _) => Ok(cell.roll()?),
            Self::Plain(_) => Err(plain::unsupported("tell a job's processes")),
            Self::Mock(_) | Self::Nothing => Ok(Roll::default()),
        }
    }

    /// Changes limits, all or none, from the ask to what is in force, by the same way as at the start.
    pub fn update(&mut self, spec: &JobSpec, asked: &Limits, house: &House) -> Result<Vec<Effective>, Error> {
        match self {
            Self::Cell(cell, _) => {
                let host = probe::facts(&spec.with_limits(asked.clone()), house.hierarchy()?.clone())?;
                Ok(cell.change(&Plan::change(spec.limits(), asked, &host)?)?)
            }
            Self::Plain(_) => Err(plain::unsupported("limit a job")),
            Self::Mock(actor) => {
                actor.note(MockCall::Updated(Box::new(asked.clone())));
                Ok(Vec::new())
            }
            Self::Nothing => Ok(Vec::new()),
        }
    }

    /// Removes what is left of it, and lets go of what it was removed with.
    pub async fn remove(self, within: Duration) -> Result<(), OsError> {
        match self {
            Self::Cell(cell, keeper) => cell.remove(&keeper, within).await,
            Self::Plain(plain) => {
                drop(plain);
                Ok(())
            }
            Self::Mock(actor) => {
                actor.note(MockCall::Removed);
                Ok(())
            }
            Self::Nothing => Ok(()),
        }
    }
}
