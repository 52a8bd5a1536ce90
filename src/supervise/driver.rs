//! The one task that touches a job's cell: waits for what happens, asks `life` what follows, does it.
//!
//! At the end of a job always in this order: the leader's end, the rest killed, the cell empty, relays at their end,
//! usage read, cgroup removed, outcome told. Each wait is bounded.

use super::job::StopRequest;
use crate::life::state::{Action, Event, LeaderEnd, State, Told, next};
use crate::life::verdict::Facts;
use crate::life::{Outcome, StopKind};
use crate::os::cell::Cell;
use crate::os::keeper::Keeper;
use init_shim::report::{End, How};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// SIGTERM, the soft stop.
const TERM: u8 = 15;
/// How long killed processes may take to go. A process in an uninterruptible wait takes as long as its device; then the
/// job is told as ended, with what is left.
const EMPTY_WITHIN: Duration = Duration::from_secs(10);
/// How long the last output may take to reach a terminal: a terminal that is stopped (Ctrl-S) must not hold the end.
const RELAYS_WITHIN: Duration = Duration::from_secs(2);
/// How long the removal of an empty cgroup may take: the kernel is done with its last task in milliseconds.
const REMOVE_WITHIN: Duration = Duration::from_secs(5);
/// A timer that is not set is as far away as tokio allows for sure.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// A job's driver.
pub(super) struct Driver {
    pub cell: Cell,
    pub keeper: Arc<Keeper>,
    pub requests: mpsc::Receiver<StopRequest>,
    pub relays: Vec<oneshot::Receiver<()>>,
    pub time: Option<Duration>,
    pub grace: Duration,
    pub outcome: watch::Sender<Option<Outcome>>,
}

/// What the driver waits for beside the cell.
struct Waits {
    deadline: Option<Instant>,
    grace: Option<Instant>,
    /// Whether anybody still holds the job, who could ask for something.
    owned: bool,
}

impl Driver {
    /// Runs until the outcome is told.
    pub async fn run(mut self) {
        let started = Instant::now();
        let mut waits = Waits { deadline: self.time.map(|time| started + time), grace: None, owned: true };
        let mut state = State::Running;
        loop {
            let event = match state {
                State::Draining { .. } => self.empty().await,
                _ => self.await_event(&mut waits).await,
            };
            let (after, actions) = next(state, event);
            state = after;
            for action in actions {
                match action {
                    Action::AskLeader => self.cell.signal_leader(TERM),
                    Action::StartGrace => waits.grace = Some(Instant::now() + self.grace),
                    Action::KillCell => self.kill(),
                    // The next turn of the loop does it.
                    Action::AwaitEmpty => {}
                    Action::Finish { leader, stopped } => {
                        return self.finish(leader, stopped, started).await;
                    }
                }
            }
        }
    }

    /// The next thing that happens while the leader runs.
    async fn await_event(&mut self, waits: &mut Waits) -> Event {
        let at = |when: Option<Instant>| sleep_until(when.unwrap_or_else(|| Instant::now() + NEVER));
        tokio::select! {
            // In this order: an end that is there is told as such, also when the time is over in the same instant.
            biased;
            end = self.cell.end() => leader_ended(end),
            request = self.requests.recv(), if waits.owned => match request {
                Some(StopRequest { by, how }) => Event::StopAsked { by, how },
                None => {
                    waits.owned = false;
                    // Nobody holds the job any more, so nobody could ever stop it.
                    Event::StopAsked { by: crate::life::Stopper::Caller, how: StopKind::Hard }
                }
            },
            () = at(waits.deadline), if waits.deadline.is_some() => {
                waits.deadline = None;
                Event::TimeOver
            }
            () = at(waits.grace), if waits.grace.is_some() => {
                waits.grace = None;
                Event::GraceOver
            }
        }
    }

    /// Kills the cell. What failed of it is told to the log: PID 1 is dead in any case, and with it the cell.
    fn kill(&self) {
        if let Err(error) = self.cell.kill() {
            tracing::error!(%error, pid = self.cell.pid(), "a cell was not killed by its cgroup as it should be");
        }
    }

    /// Waits for the last process.
    async fn empty(&self) -> Event {
        let gone = async {
            self.cell.gone().await;
            self.cell.emptied(EMPTY_WITHIN).await
        };
        if !matches!(timeout(EMPTY_WITHIN, gone).await, Ok(true)) {
            tracing::warn!(pid = self.cell.pid(), "processes of a cell are still there after they were killed");
        }
        Event::Emptied
    }

    /// Everything after the last process, in order.
    async fn finish(
        self,
        leader: LeaderEnd,
        stopped: Option<(crate::life::state::Reason, StopKind)>,
        started: Instant,
    ) {
        let ended = started.elapsed();
        let relays = async {
            for relay in self.relays {
                // An error is the end of the relay's thread, too.
                let _ = relay.await;
            }
        };
        // Bounded: what is not shown after that stays in the terminal's hands.
        let _ = timeout(RELAYS_WITHIN, relays).await;
        let mut usage = self.cell.usage();
        usage.wall = match leader {
            LeaderEnd::Told { wall_nanos, .. } => Duration::from_nanos(wall_nanos),
            LeaderEnd::Untold => ended,
        };
        let evidence = self.cell.evidence();
        let facts = Facts { leader, stopped, evidence: &evidence, time: self.time };
        let (exit, cause) = (facts.exit(), facts.cause());
        let residue = match self.cell.remove(&self.keeper, REMOVE_WITHIN).await {
            Ok(()) => Vec::new(),
            Err(error) => vec![error.to_string()],
        };
        // No receiver is left when every handle is gone: then nobody wants to know.
        let _ = self.outcome.send(Some(Outcome { exit, cause, usage, evidence, residue }));
    }
}

/// PID 1's word as an event.
fn leader_ended(end: Option<End>) -> Event {
    match end {
        None => Event::LeaderEnded { leader: LeaderEnd::Untold, others: false },
        Some(End { how, others, wall_nanos }) => {
            let how = match how {
                How::Exited(code) => Told::Code(code),
                How::Killed { signal, core } => Told::Signal { signal, core },
            };
            Event::LeaderEnded { leader: LeaderEnd::Told { how, wall_nanos }, others }
        }
    }
}
