//! The one task that touches a job's cell: waits for what happens, asks `life` what follows, does it.
//!
//! At the end of a job always in this order: the leader's end, who is left noted and killed, the cell empty, relays at
//! their end, the log sealed, usage read, cgroup removed, outcome told. Each wait is bounded.

mod again;
mod answers;
mod finish;
mod notes;
mod waits;

use super::backend::{Body, Ended};
use super::events::Change;
use super::house::House;
use super::input::Inputs;
use super::lasting::{Recorded, Stopping};
use super::output::Recording;
use super::request::{Request, StopRequest};
use crate::life::pace::{Look, Pace};
use crate::life::state::{Action, Clock, Event, LeaderEnd, Reason, State, TimeLimits, Told, next};
use crate::life::{Leftovers, Outcome, StopKind, Timeline};
use crate::os::cgroup::Effective;
use crate::os::stdio::{HeldTerminal, Tail};
use crate::spec::{JobId, JobSpec};
pub(super) use again::{Again, Wait};
use init_shim::report::{How, Used};
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
pub(super) use waits::NEVER;
use waits::{Waits, at};

/// SIGTERM, the soft stop.
const TERM: u8 = 15;
/// How long killed processes may take to go. A process in an uninterruptible wait takes as long as its device; then the
/// job is told as ended, with what is left.
const EMPTY_WITHIN: Duration = Duration::from_secs(10);

/// A job's driver.
pub(super) struct Driver {
    pub cell: Body,
    /// What was asked for, with the limits as they were changed since.
    pub spec: JobSpec,
    /// Where it is listed.
    pub listed: Listed,
    pub ends: Ends,
    /// Its limits in force, as its handles tell them.
    pub effective: Arc<Mutex<Vec<Effective>>>,
    /// Whether every process stands still.
    pub paused: bool,
    pub relays: Vec<oneshot::Receiver<()>>,
    pub tail: Option<Tail>,
    pub inputs: Inputs,
    pub held: Option<HeldTerminal>,
    pub recording: Recording,
    pub limits: TimeLimits,
    pub pace: Pace,
    pub grace: Duration,
    /// When the start was asked for.
    pub asked: Instant,
    /// When the target was executed.
    pub started: Instant,
    /// Whether an earlier supervisor was ending it.
    pub stopping: Option<Stopping>,
    /// What is written down of it.
    pub recorded: Option<Recorded>,
    pub seen: Seen,
    /// What is known of its runs, if it can have several.
    pub again: Option<Box<Again>>,
    /// Set while it waits for the next one.
    pub wait: Option<Box<Wait>>,
    /// Its process id, as its handles tell it.
    pub pid: Arc<AtomicI32>,
}

/// A driver's ends of what its job's handles ask by and are told by.
pub(super) struct Ends {
    pub stops: mpsc::Receiver<StopRequest>,
    pub requests: mpsc::Receiver<Request>,
    pub timeline: watch::Sender<Timeline>,
    pub outcome: watch::Sender<Option<Outcome>>,
}

/// What was seen of a job before it was empty, and cannot be seen afterwards.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Who was alive when the leader had ended.
    leftovers: Option<Leftovers>,
    /// Processes that the kernel had killed for want of memory when the leader's end was told or the cell was killed.
    oom_kills: Option<u64>,
    /// What PID 1 told of the leader's use.
    used: Option<Used>,
}

/// A job's place in the list: a driver that is dropped before the end, with its runtime, is noted there.
#[derive(Debug)]
pub(super) struct Listed {
    pub house: Arc<House>,
    pub id: JobId,
}

impl Listed {
    /// Tells the list, and whoever listens to it.
    fn tell(&self, change: Change) {
        self.house.registry.happened(self.id, change);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.house.registry.lost(self.id);
    }
}

impl Driver {
    /// Runs until the outcome is told.
    pub async fn run(mut self) {
        loop {
            if self.wait.is_none() {
                let (leader, stopped) = self.attend().await;
                self.finish(leader, stopped).await;
            }
            let Some(wait) = self.wait.take() else { return };
            // What it takes to begin a run is large, and most jobs never need it.
            Box::pin(self.rest(*wait)).await;
            if self.ends.outcome.borrow().is_some() {
                return;
            }
        }
    }

    /// One run of the job, to its last process: how its leader ended, and who was ending it.
    async fn attend(&mut self) -> (LeaderEnd, Option<(Reason, StopKind)>) {
        let mut waits = Waits::new(self.started, &self.limits, &self.pace);
        let mut abandoned = self.listed.house.registry.abandonment();
        // What happened before anybody could watch.
        self.note_memory();
        let mut state = self.first_state(&mut waits);
        loop {
            let event = match state {
                State::Draining { .. } => self.empty().await,
                _ => self.await_event(&mut waits, &mut abandoned).await,
            };
            let (after, actions) = next(state, event);
            self.note_state(&after, &mut waits);
            state = after;
            for action in actions {
                match action {
                    Action::AskLeader => self.ask_leader(),
                    Action::StartGrace => waits.grace = Some(waits::from_now(self.grace)),
                    Action::KillCell => self.kill(),
                    // The next turn of the loop does it.
                    Action::AwaitEmpty => {}
                    Action::Finish { leader, stopped } => {
                        return (leader, stopped);
                    }
                }
            }
        }
    }

    /// Where it stands when this driver begins: it runs, or an earlier one was ending it.
    fn first_state(&mut self, waits: &mut Waits) -> State {
        if self.paused {
            waits.look = None;
        }
        let Some(stopping) = self.stopping.take() else { return State::Running };
        (waits.look, waits.ending) = (None, true);
        let (grace, Stopping { why, how, .. }) = (stopping.until(), stopping);
        match how {
            // It may have been asked or not: that it hears it twice is better than not at all.
            StopKind::Soft => {
                waits.grace = Some(grace);
                self.ask_leader();
            }
            StopKind::Hard => self.kill(),
        }
        State::Stopping { why, how }
    }

    /// The next thing that happens while the leader runs.
    async fn await_event(&mut self, waits: &mut Waits, abandoned: &mut watch::Receiver<bool>) -> Event {
        loop {
            tokio::select! {
                // In this order: an end that is there is told as such, also when a time is over in the same instant.
                biased;
                end = self.cell.end() => return self.leader_ended(end),
                stop = self.ends.stops.recv(), if waits.owned => match stop {
                    Some(StopRequest { by, how, grace }) => {
                        self.take_grace(grace, waits);
                        return Event::StopAsked { by, how };
                    }
                    None => {
                        waits.owned = false;
                        return Event::OwnerGone;
                    }
                },
                () = gone(abandoned), if waits.owned => {
                    waits.owned = false;
                    return Event::OwnerGone;
                }
                () = at(waits.deadline), if waits.deadline.is_some() => {
                    waits.deadline = None;
                    return Event::TimeOver(Clock::Wall);
                }
                () = at(waits.grace), if waits.grace.is_some() => {
                    waits.grace = None;
                    return Event::GraceOver;
                }
                () = self.recording.over_limit() => return Event::OutputOver,
                () = at(waits.look), if waits.look.is_some() => {
                    if let Some(clock) = self.look(waits) {
                        return Event::TimeOver(clock);
                    }
                }
                () = self.cell.memory_changed() => self.note_memory(),
                // Last: who asks without a pause holds up nothing else. None is left to ask when every handle is gone.
                Some(request) = self.ends.requests.recv() => self.answer(request, waits).await,
            }
        }
    }

    /// A look at the processor time: the time that is over, or the next look.
    fn look(&mut self, waits: &mut Waits) -> Option<Clock> {
        let now = Instant::now();
        // It is open since the start, so it can be read; were it not, the next look is as good as this one.
        let seen = self.cell.cpu();
        self.note_cpu(seen);
        let look = match seen {
            Some(seen) => self.pace.look(now - waits.started, seen.used, seen.waited, seen.throttled),
            None => Look::In(waits::LOOK_AGAIN),
        };
        waits.look = match look {
            Look::In(pause) => Some(now + pause),
            Look::Over(_) | Look::Never => None,
        };
        match look {
            Look::Over(clock) => Some(clock),
            Look::In(_) | Look::Never => None,
        }
    }

    /// PID 1's word as an event; who is still alive is noted before anybody is killed.
    fn leader_ended(&mut self, end: Option<Ended>) -> Event {
        let Some(Ended { how, others, wall_nanos, used }) = end else {
            return Event::LeaderEnded { leader: LeaderEnd::Untold, others: false };
        };
        self.see_oom_kills();
        self.seen.used = used;
        self.seen.leftovers = if others { self.cell.leftovers() } else { Some(Leftovers::default()) };
        let how = match how {
            How::Exited(code) => Told::Code(code),
            How::Killed { signal, core } => Told::Signal { signal, core },
        };
        Event::LeaderEnded { leader: LeaderEnd::Told { how, wall_nanos }, others }
    }

    /// Counts the kernel's kills until now, once: what comes later is not why the job ends.
    fn see_oom_kills(&mut self) {
        if self.seen.oom_kills.is_none() {
            self.seen.oom_kills = self.cell.memory().map(|seen| seen.oom_kills);
        }
    }

    /// Kills the cell. What failed of it is told to the log: PID 1 is dead in any case, and with it the cell.
    fn kill(&self) {
        if let Err(error) = self.cell.kill() {
            tracing::error!(%error, pid = self.cell.pid(), "a cell was not killed by its cgroup as it should be");
        }
    }

    /// Waits for the last process.
    async fn empty(&mut self) -> Event {
        // From here on there is nothing that could be asked of it: who asks is told of the end, if this is it.
        if self.again.is_none() {
            self.ends.requests.close();
        }
        while self.ends.requests.try_recv().is_ok() {}
        let gone = async {
            self.cell.gone().await;
            self.cell.emptied(EMPTY_WITHIN).await
        };
        if !matches!(timeout(EMPTY_WITHIN, gone).await, Ok(true)) {
            tracing::warn!(pid = self.cell.pid(), "processes of a cell are still there after they were killed");
        }
        Event::Emptied
    }
}

/// Waits until the supervisor is gone.
async fn gone(abandoned: &mut watch::Receiver<bool>) {
    // The list outlives its drivers, so this is no error.
    let _ = abandoned.wait_for(|gone| *gone).await.is_ok();
}
