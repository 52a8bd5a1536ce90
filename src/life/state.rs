//! The life of a job after its start, as one pure function: [`next`] says for every state and every event what state
//! follows and what is to be done. It knows no clock and no kernel: both arrive as events.
//!
//! `Running -> Stopping -> Draining -> Finished`; a job ends once, and only by way of `Draining`, so whatever happens the
//! cell is emptied, read and removed.

use super::{StopKind, Stopper};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the leader is known to have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderEnd {
    /// PID 1 reaped it and told.
    Told {
        /// The code that it returned, or the signal that ended it.
        how: Told,
        /// Nanoseconds that it ran.
        wall_nanos: u64,
    },
    /// PID 1 was gone before it could tell.
    Untold,
}

/// What PID 1 told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in life::Exit")]
pub enum Told {
    Code(u8),
    Signal { signal: u8, core: bool },
}

/// Why ironcell is ending a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody asked.
    Asked(Stopper),
    /// A time is over.
    TimeOver(Clock),
    /// It has written more than it may.
    OutputOver,
    /// Nobody holds it any more.
    OwnerGone,
}

impl Reason {
    /// The word for the cause that it becomes.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Asked(_) => "stopped",
            Self::TimeOver(Clock::Wall) => "wall_time",
            Self::TimeOver(Clock::Cpu) => "cpu_time",
            Self::TimeOver(Clock::Idle) => "idle",
            Self::OutputOver => "output_limit",
            Self::OwnerGone => "owner_gone",
        }
    }
}

/// A time that can be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Wall-clock time.
    Wall,
    /// Processor time of the whole tree.
    Cpu,
    /// Time in which no process of the tree ran.
    Idle,
}

/// How much of each time a job has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in Clock")]
pub struct TimeLimits {
    pub wall: Option<Duration>,
    pub cpu: Option<Duration>,
    pub idle: Option<Duration>,
}

impl TimeLimits {
    /// The limit of one of them.
    pub fn of(&self, clock: Clock) -> Option<Duration> {
        match clock {
            Clock::Wall => self.wall,
            Clock::Cpu => self.cpu,
            Clock::Idle => self.idle,
        }
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The target was executed, and nothing has been asked of it.
    Running,
    /// It is being ended.
    Stopping {
        /// Why.
        why: Reason,
        /// Whether the leader was asked or the cell was killed.
        how: StopKind,
    },
    /// The leader has ended; what is left of the cell is on its way out.
    Draining {
        /// How it ended.
        leader: LeaderEnd,
        /// Whether ironcell had a hand in it.
        stopped: Option<(Reason, StopKind)>,
    },
    /// Told, once.
    Finished,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// PID 1 has told the leader's end.
    LeaderEnded {
        /// How.
        leader: LeaderEnd,
        /// Whether other processes of the cell are left.
        others: bool,
    },
    /// A time is over.
    TimeOver(Clock),
    /// It has written more than it may.
    OutputOver,
    /// The grace since the soft stop is over.
    GraceOver,
    /// Somebody asks for the end.
    StopAsked {
        /// Who.
        by: Stopper,
        /// Softly, or at once.
        how: StopKind,
    },
    /// Nobody holds the job any more, so nobody could ever stop it.
    OwnerGone,
    /// No process is left in the cell, or waiting for that has found its bound.
    Emptied,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send SIGTERM to the leader.
    AskLeader,
    /// Let the time between soft and hard stop begin.
    StartGrace,
    /// Kill the whole cell.
    KillCell,
    /// Wait until the cell is empty.
    AwaitEmpty,
    /// Read what was used, remove the cell, tell the outcome.
    Finish {
        /// How the leader ended.
        leader: LeaderEnd,
        /// Whether ironcell had a hand in it.
        stopped: Option<(Reason, StopKind)>,
    },
}

/// The state that follows, and what is to be done, in order.
pub fn next(state: State, event: Event) -> (State, Vec<Action>) {
    match (state, event) {
        (State::Running, Event::TimeOver(clock)) => stop(Reason::TimeOver(clock), StopKind::Soft),
        (State::Running, Event::OutputOver) => stop(Reason::OutputOver, StopKind::Soft),
        (State::Running, Event::OwnerGone) => stop(Reason::OwnerGone, StopKind::Hard),
        (State::Running, Event::StopAsked { by, how }) => stop(Reason::Asked(by), how),
        (State::Stopping { why, how: StopKind::Soft }, Event::GraceOver) => harden(why),
        // Asked again, and harder: who asked first is still why it ends.
        (
            State::Stopping { why, how: StopKind::Soft },
            Event::StopAsked { how: StopKind::Hard, .. } | Event::OwnerGone,
        ) => harden(why),
        (State::Running, Event::LeaderEnded { leader, others }) => drain(leader, None, others),
        (State::Stopping { why, how }, Event::LeaderEnded { leader, others }) => {
            drain(leader, Some((why, how)), others)
        }
        (State::Draining { leader, stopped }, Event::Emptied) => {
            (State::Finished, vec![Action::Finish { leader, stopped }])
        }
        // Each ignored on purpose: a grace that nobody began; more stops than one; a limit that ends a job which is being
        // ended; an end that was told before; anything after the end.
        (state @ State::Running, Event::GraceOver | Event::Emptied) => (state, Vec::new()),
        (
            state @ State::Stopping { .. },
            Event::TimeOver(_) | Event::OutputOver | Event::StopAsked { .. } | Event::OwnerGone,
        ) => (state, Vec::new()),
        (state @ State::Stopping { .. }, Event::GraceOver | Event::Emptied) => (state, Vec::new()),
        (
            state @ State::Draining { .. },
            Event::TimeOver(_)
            | Event::OutputOver
            | Event::GraceOver
            | Event::StopAsked { .. }
            | Event::OwnerGone
            | Event::LeaderEnded { .. },
        ) => (state, Vec::new()),
        (State::Finished, _) => (State::Finished, Vec::new()),
    }
}

/// Begins the end.
fn stop(why: Reason, how: StopKind) -> (State, Vec<Action>) {
    let actions = match how {
        StopKind::Soft => vec![Action::AskLeader, Action::StartGrace],
        StopKind::Hard => vec![Action::KillCell],
    };
    (State::Stopping { why, how }, actions)
}

/// From soft to hard.
fn harden(why: Reason) -> (State, Vec<Action>) {
    (State::Stopping { why, how: StopKind::Hard }, vec![Action::KillCell])
}

/// The leader is gone: what is left goes, too.
fn drain(leader: LeaderEnd, stopped: Option<(Reason, StopKind)>, others: bool) -> (State, Vec<Action>) {
    let mut actions = Vec::new();
    // After an untold end PID 1 is gone, and the kernel has killed the rest; the kill makes sure.
    if others || leader == LeaderEnd::Untold {
        actions.push(Action::KillCell);
    }
    actions.push(Action::AwaitEmpty);
    (State::Draining { leader, stopped }, actions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        let leader = prop_oneof![
            Just(LeaderEnd::Untold),
            any::<u8>().prop_map(|code| LeaderEnd::Told { how: Told::Code(code), wall_nanos: 1 }),
        ];
        let how = prop_oneof![Just(StopKind::Soft), Just(StopKind::Hard)];
        prop_oneof![
            (leader, any::<bool>()).prop_map(|(leader, others)| Event::LeaderEnded { leader, others }),
            prop::sample::select(vec![Clock::Wall, Clock::Cpu, Clock::Idle]).prop_map(Event::TimeOver),
            Just(Event::OwnerGone),
            Just(Event::OutputOver),
            Just(Event::GraceOver),
            how.prop_map(|how| Event::StopAsked { by: Stopper::Caller, how }),
            Just(Event::Emptied),
        ]
    }

    /// Runs a job through these events; all actions, and the last state.
    fn run(events: Vec<Event>) -> (State, Vec<Action>) {
        let mut all = Vec::new();
        let mut state = State::Running;
        for event in events {
            let (after, mut actions) = next(state, event);
            state = after;
            all.append(&mut actions);
        }
        (state, all)
    }

    #[test]
    fn a_soft_stop_becomes_hard_when_its_grace_is_over() {
        let asked = Event::StopAsked { by: Stopper::Signal(2), how: StopKind::Soft };
        let (state, actions) = run(vec![asked, Event::GraceOver]);
        assert_eq!(actions, [Action::AskLeader, Action::StartGrace, Action::KillCell]);
        assert_eq!(state, State::Stopping { why: Reason::Asked(Stopper::Signal(2)), how: StopKind::Hard });
    }

    #[test]
    fn who_writes_too_much_is_asked_first_and_why_it_ends_stays_so() {
        let (state, actions) = run(vec![Event::OutputOver, Event::TimeOver(Clock::Wall), Event::OutputOver]);
        assert_eq!(actions, [Action::AskLeader, Action::StartGrace]);
        assert_eq!(state, State::Stopping { why: Reason::OutputOver, how: StopKind::Soft });
    }

    #[test]
    fn processes_that_outlive_the_leader_are_killed() {
        let leader = LeaderEnd::Told { how: Told::Code(0), wall_nanos: 1 };
        let (_, actions) = run(vec![Event::LeaderEnded { leader, others: true }]);
        assert_eq!(actions, [Action::KillCell, Action::AwaitEmpty]);
    }

    proptest! {
        #[test]
        fn whatever_happens_a_job_finishes_at_most_once(events in prop::collection::vec(any_event(), 0..40)) {
            let (state, actions) = run(events);
            let finishes = actions.iter().filter(|action| matches!(action, Action::Finish { .. })).count();
            prop_assert_eq!(finishes, usize::from(state == State::Finished));
        }

        #[test]
        fn whatever_came_before_an_end_and_an_empty_cell_finish_it(events in prop::collection::vec(any_event(), 0..40)) {
            let mut events = events;
            events.push(Event::LeaderEnded { leader: LeaderEnd::Untold, others: false });
            events.push(Event::Emptied);
            prop_assert_eq!(run(events).0, State::Finished);
        }

        #[test]
        fn who_is_ended_is_killed_hard_at_last(events in prop::collection::vec(any_event(), 0..40)) {
            // However a stop began: when the grace is over the cell is killed, unless the leader has ended before.
            let mut events = events;
            events.push(Event::TimeOver(Clock::Cpu));
            events.push(Event::GraceOver);
            let (state, actions) = run(events);
            match state {
                State::Running => prop_assert!(false, "a time that is over is ignored"),
                State::Stopping { how, .. } => {
                    prop_assert_eq!(how, StopKind::Hard);
                    prop_assert!(actions.contains(&Action::KillCell));
                }
                State::Draining { .. } | State::Finished => prop_assert!(actions.contains(&Action::AwaitEmpty)),
            }
        }

        #[test]
        fn why_it_ends_is_decided_once(events in prop::collection::vec(any_event(), 0..40), later in any_event()) {
            let why = |state: &State| match state {
                State::Stopping { why, .. } | State::Draining { stopped: Some((why, _)), .. } => Some(why.clone()),
                _ => None,
            };
            let (state, _) = run(events);
            if let Some(first) = why(&state) {
                let (after, actions) = next(state, later);
                prop_assert!(why(&after) == Some(first) || after == State::Finished);
                prop_assert!(!actions.contains(&Action::AskLeader), "asked twice");
            }
        }

        #[test]
        fn nothing_is_waited_for_twice(events in prop::collection::vec(any_event(), 0..40)) {
            let (_, actions) = run(events);
            prop_assert!(actions.iter().filter(|action| **action == Action::AwaitEmpty).count() <= 1);
            prop_assert!(actions.iter().filter(|action| **action == Action::StartGrace).count() <= 1);
        }
    }
}
