//! The end of a job on the wire, and back: so that a client tells it in the words of `ironcell run`.
//!
//! The time line stays with the daemon: what of it matters to a client was told by the events.

use super::{duration, told, usage, usage_of};
use crate::life::{
    Amount, Biggest, Cause, Evidence, Exit, Leftover, Leftovers, LimitHit, MemoryOf, Outcome, Refused, StartFailure,
    StopKind, Stopper,
};
use crate::rpc::proto::{self, cause, outcome as wire};
use init_shim::step::Step;
use std::time::Duration;

/// For the wire, with all that is known.
pub fn outcome(outcome: &Outcome) -> proto::Outcome {
    proto::Outcome {
        exit: Some(exit(outcome.exit)),
        cause: Some(why(&outcome.cause)),
        usage: Some(usage(&outcome.usage)),
        evidence: Some(evidence(&outcome.evidence)),
        leftovers: outcome.leftovers.as_ref().map(leftovers),
        residue: outcome.residue.clone(),
    }
}

/// How and why alone, as a list has them.
pub(super) fn in_short(how: Exit, cause: &Cause) -> proto::Outcome {
    proto::Outcome { exit: Some(exit(how)), cause: Some(why(cause)), ..Default::default() }
}

/// From the wire. What a newer daemon says and this client does not know is an end that is not known.
pub fn outcome_of(wire: &proto::Outcome) -> Outcome {
    let cause = wire.cause.as_ref().and_then(|cause| cause.cause.as_ref()).map_or(Cause::Lost, cause_of);
    let limit = |evidence: &proto::Evidence| match cause {
        Cause::OutputLimit { limit, .. } => Some(LimitHit {
            name: "output",
            value: Amount::Count(limit),
            peak: evidence.output_written.map(Amount::Count),
        }),
        _ => None,
    };
    let evidence = wire.evidence.as_ref().map(|told| Evidence { limit: limit(told), ..evidence_of(told) });
    Outcome {
        exit: wire.exit.as_ref().map_or(Exit::Unknown, exit_of),
        usage: wire.usage.as_ref().map(usage_of).unwrap_or_default(),
        evidence: evidence.unwrap_or_default(),
        leftovers: wire.leftovers.as_ref().map(leftovers_of),
        residue: wire.residue.clone(),
        cause,
    }
}

fn exit(exit: Exit) -> wire::Exit {
    match exit {
        Exit::Code { code } => wire::Exit::Code(code.into()),
        Exit::Signal { signal, core } => wire::Exit::Signal(proto::SignalExit { signal: signal.into(), core }),
        Exit::NeverRan => wire::Exit::NeverRan(true),
        Exit::Unknown => wire::Exit::Unknown(true),
    }
}

fn exit_of(exit: &wire::Exit) -> Exit {
    match exit {
        wire::Exit::Code(code) => u8::try_from(*code).map_or(Exit::Unknown, |code| Exit::Code { code }),
        wire::Exit::Signal(proto::SignalExit { signal, core }) => {
            u8::try_from(*signal).map_or(Exit::Unknown, |signal| Exit::Signal { signal, core: *core })
        }
        wire::Exit::NeverRan(_) => Exit::NeverRan,
        wire::Exit::Unknown(_) => Exit::Unknown,
    }
}

fn took(how: StopKind) -> i32 {
    match how {
        StopKind::Soft => proto::StopKind::Soft as i32,
        StopKind::Hard => proto::StopKind::Hard as i32,
    }
}

fn took_of(how: i32) -> StopKind {
    if how == proto::StopKind::Soft as i32 { StopKind::Soft } else { StopKind::Hard }
}

fn why(why: &Cause) -> proto::Cause {
    let over = |limit: Duration, how| proto::TimeOver { limit: Some(duration(limit)), how: took(how) };
    let cause = match why {
        Cause::Itself => cause::Cause::Itself(true),
        Cause::Stopped { by, how } => {
            let signal = match by {
                Stopper::Signal(number) => (*number).into(),
                Stopper::Caller => 0,
            };
            cause::Cause::Stopped(proto::Stopped { signal, how: took(*how) })
        }
        Cause::WallTime { limit, how } => cause::Cause::WallTime(over(*limit, *how)),
        Cause::CpuTime { limit, how } => cause::Cause::CpuTime(over(*limit, *how)),
        Cause::Idle { limit, how } => cause::Cause::Idle(over(*limit, *how)),
        Cause::OutputLimit { limit, how } => {
            cause::Cause::OutputLimit(proto::OutputOver { limit: *limit, how: took(*how) })
        }
        Cause::Memory { of } => cause::Cause::Memory(match of {
            MemoryOf::Own => proto::MemoryOf::Own,
            MemoryOf::Ancestor => proto::MemoryOf::Ancestor,
            MemoryOf::Host => proto::MemoryOf::Host,
            MemoryOf::Outside => proto::MemoryOf::Outside,
        } as i32),
        Cause::Pids => cause::Cause::Pids(true),
        Cause::Seccomp => cause::Cause::Seccomp(true),
        Cause::StartFailed(failure) => cause::Cause::StartFailed(start_failure(failure)),
        Cause::OwnerGone => cause::Cause::OwnerGone(true),
        Cause::Lost => cause::Cause::Lost(true),
    };
    proto::Cause { cause: Some(cause) }
}

fn cause_of(cause: &cause::Cause) -> Cause {
    let limit = |over: &proto::TimeOver| over.limit.as_ref().map(told).unwrap_or_default();
    match cause {
        cause::Cause::Itself(_) => Cause::Itself,
        cause::Cause::Stopped(proto::Stopped { signal, how }) => {
            let by = u8::try_from(*signal).ok().filter(|number| *number > 0).map_or(Stopper::Caller, Stopper::Signal);
            Cause::Stopped { by, how: took_of(*how) }
        }
        cause::Cause::WallTime(over) => Cause::WallTime { limit: limit(over), how: took_of(over.how) },
        cause::Cause::CpuTime(over) => Cause::CpuTime { limit: limit(over), how: took_of(over.how) },
        cause::Cause::Idle(over) => Cause::Idle { limit: limit(over), how: took_of(over.how) },
        cause::Cause::OutputLimit(over) => Cause::OutputLimit { limit: over.limit, how: took_of(over.how) },
        cause::Cause::Memory(of) => Cause::Memory {
            of: match proto::MemoryOf::try_from(*of) {
                Ok(proto::MemoryOf::Own) => MemoryOf::Own,
                Ok(proto::MemoryOf::Ancestor) => MemoryOf::Ancestor,
                Ok(proto::MemoryOf::Host) => MemoryOf::Host,
                _ => MemoryOf::Outside,
            },
        },
        cause::Cause::Pids(_) => Cause::Pids,
        cause::Cause::Seccomp(_) => Cause::Seccomp,
        cause::Cause::StartFailed(failure) => Cause::StartFailed(start_failure_of(failure)),
        cause::Cause::OwnerGone(_) => Cause::OwnerGone,
        cause::Cause::Lost(_) => Cause::Lost,
    }
}

fn start_failure(failure: &StartFailure) -> proto::StartFailure {
    let refused = match failure.refused {
        Refused::NotFound => proto::start_failure::Refused::NotFound,
        Refused::NotExecutable => proto::start_failure::Refused::NotExecutable,
        Refused::Cell => proto::start_failure::Refused::Cell,
    };
    proto::StartFailure {
        step: failure.step.into(),
        errno: failure.errno,
        message: failure.message.clone(),
        refused: refused as i32,
    }
}

fn start_failure_of(failure: &proto::StartFailure) -> StartFailure {
    let step = u16::try_from(failure.step).unwrap_or_default();
    StartFailure {
        step,
        name: Step::of(step).map_or("unknown", Step::name),
        errno: failure.errno,
        message: failure.message.clone(),
        refused: match proto::start_failure::Refused::try_from(failure.refused) {
            Ok(proto::start_failure::Refused::NotFound) => Refused::NotFound,
            Ok(proto::start_failure::Refused::NotExecutable) => Refused::NotExecutable,
            _ => Refused::Cell,
        },
    }
}

fn evidence(evidence: &Evidence) -> proto::Evidence {
    let written = evidence.limit.filter(|limit| limit.name == "output").and_then(|limit| limit.peak);
    proto::Evidence {
        memory_max_events: evidence.memory_max_events,
        memory_high_events: evidence.memory_high_events,
        oom_kills: evidence.oom_kills,
        oom_group_kills: evidence.oom_group_kills,
        oom_events: evidence.oom_events,
        local_oom_events: evidence.local_oom_events,
        ancestor_oom_events: evidence.ancestor_oom_events,
        pids_max_events: evidence.pids_max_events,
        memory_max: evidence.memory_max,
        pids_max: evidence.pids_max,
        output_written: written.and_then(|amount| match amount {
            Amount::Count(bytes) => Some(bytes),
            Amount::Time(_) => None,
        }),
        biggest: evidence.biggest.as_ref().map(|biggest| proto::Biggest {
            comm: biggest.comm.clone(),
            host_pid: biggest.host_pid,
            rss: biggest.rss,
        }),
        stderr_tail: evidence.stderr_tail.clone(),
        output_unwritten: evidence.output_unwritten,
    }
}

fn evidence_of(wire: &proto::Evidence) -> Evidence {
    let biggest = |told: &proto::Biggest| Biggest { comm: told.comm.clone(), host_pid: told.host_pid, rss: told.rss };
    Evidence {
        memory_max_events: wire.memory_max_events,
        memory_high_events: wire.memory_high_events,
        oom_kills: wire.oom_kills,
        oom_group_kills: wire.oom_group_kills,
        oom_events: wire.oom_events,
        local_oom_events: wire.local_oom_events,
        ancestor_oom_events: wire.ancestor_oom_events,
        pids_max_events: wire.pids_max_events,
        memory_max: wire.memory_max,
        pids_max: wire.pids_max,
        biggest: wire.biggest.as_ref().map(biggest),
        stderr_tail: wire.stderr_tail.clone(),
        output_unwritten: wire.output_unwritten,
        ..Evidence::default()
    }
}

fn leftovers(left: &Leftovers) -> proto::Leftovers {
    let one = |one: &Leftover| proto::Leftover { pid: one.pid, comm: one.comm.clone(), age: Some(duration(one.age)) };
    proto::Leftovers { count: left.count, named: left.named.iter().map(one).collect() }
}

fn leftovers_of(left: &proto::Leftovers) -> Leftovers {
    let one = |one: &proto::Leftover| Leftover {
        pid: one.pid,
        comm: one.comm.clone(),
        age: one.age.as_ref().map(told).unwrap_or_default(),
    };
    Leftovers { count: left.count, named: left.named.iter().map(one).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{IoUsage, Pressure, Usage};

    fn causes() -> Vec<Cause> {
        let (limit, how) = (Duration::from_millis(1500), StopKind::Soft);
        let failure = StartFailure {
            step: Step::ALL[0] as u16,
            name: Step::ALL[0].name(),
            errno: 2,
            message: "no".to_owned(),
            refused: Refused::NotFound,
        };
        vec![
            Cause::Itself,
            Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard },
            Cause::Stopped { by: Stopper::Signal(2), how },
            Cause::WallTime { limit, how },
            Cause::CpuTime { limit, how },
            Cause::Idle { limit, how },
            Cause::OutputLimit { limit: 7, how },
            Cause::Memory { of: MemoryOf::Own },
            Cause::Memory { of: MemoryOf::Ancestor },
            Cause::Memory { of: MemoryOf::Host },
            Cause::Memory { of: MemoryOf::Outside },
            Cause::Pids,
            Cause::Seccomp,
            Cause::StartFailed(failure),
            Cause::OwnerGone,
            Cause::Lost,
        ]
    }

    #[test]
    fn every_end_is_the_same_after_the_wire() {
        let exits = [Exit::Code { code: 255 }, Exit::Signal { signal: 9, core: true }, Exit::NeverRan, Exit::Unknown];
        for (index, cause) in causes().into_iter().enumerate() {
            let limit = match cause {
                Cause::OutputLimit { limit, .. } => {
                    Some(LimitHit { name: "output", value: Amount::Count(limit), peak: Some(Amount::Count(9)) })
                }
                _ => None,
            };
            let usage = Usage {
                wall: Duration::from_millis(3),
                cpu_user: Some(Duration::ZERO),
                io: Some(IoUsage { read_bytes: 1, ..IoUsage::default() }),
                cpu_pressure: Some(Pressure { some: Duration::from_secs(1), full: Duration::ZERO }),
                ..Usage::default()
            };
            let biggest = Some(Biggest { comm: "hog".to_owned(), host_pid: 7, rss: None });
            let evidence = Evidence { oom_kills: Some(0), limit, biggest, ..Evidence::default() };
            let named = vec![Leftover { pid: 3, comm: "left".to_owned(), age: Duration::from_secs(2) }];
            let leftovers = (index % 2 == 0).then_some(Leftovers { count: 5, named });
            let residue = vec!["a cgroup".to_owned()];
            let end = Outcome { exit: exits[index % 4], cause, usage, evidence, leftovers, residue };
            assert_eq!(outcome_of(&outcome(&end)), end);
        }
    }

    #[test]
    fn an_end_of_a_newer_daemon_is_one_that_is_not_known() {
        let end = outcome_of(&proto::Outcome::default());
        assert_eq!((end.exit, end.cause), (Exit::Unknown, Cause::Lost));
    }
}
