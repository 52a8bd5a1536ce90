//! From what is known to what is said: how a job ended, and why. Pure; one place for the whole of it.

use super::state::{Clock, LeaderEnd, Reason, TimeLimits, Told};
use super::{Amount, Cause, Evidence, Exit, LimitHit, MemoryOf, StopKind, Usage};
use std::time::Duration;

/// SIGKILL: what the kernel's memory killer and `cgroup.kill` send.
const KILL: u8 = 9;
/// SIGSYS: what a filter of system calls kills with (seccomp(2)).
const SYS: u8 = 31;
/// Signals that a program gets for its own fault, signal(7): ILL, TRAP, ABRT, BUS, FPE, SEGV. One that could not make a
/// process or thread ends by these, if not by a code.
const OWN_FAULT: [u8; 6] = [4, 5, 6, 7, 8, 11];

/// Everything that the answers are derived from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// How the leader ended.
    pub leader: LeaderEnd,
    /// Whether ironcell had a hand in it.
    pub stopped: Option<(Reason, StopKind)>,
    /// Processes that the kernel had killed for want of memory when the leader's end was told, or when ironcell killed the
    /// cell, whichever came first: what it killed later is not why the job ended.
    pub oom_kills_until_then: Option<u64>,
    /// The kernel's counters.
    pub evidence: &'a Evidence,
    /// What was used.
    pub usage: &'a Usage,
    /// How much time the job had.
    pub limits: TimeLimits,
    /// What it wrote.
    pub written: Written,
}

/// What a job wrote into its log, and what it may.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    /// Bytes of both streams, those beyond the limit included.
    pub bytes: u64,
    /// How many it may.
    pub limit: Option<u64>,
    /// How many of them a disk did not take; nothing where none was to.
    pub unwritten: Option<u64>,
}

impl Facts<'_> {
    /// How the leader ended.
    pub fn exit(&self) -> Exit {
        match self.leader {
            LeaderEnd::Told { how: Told::Code(code), .. } => Exit::Code { code },
            LeaderEnd::Told { how: Told::Signal { signal, core }, .. } => Exit::Signal { signal, core },
            // PID 1 died together with the leader, and both kinds of kill that do so are SIGKILL.
            LeaderEnd::Untold if self.was_killed_hard() || self.kernel_killed() => {
                Exit::Signal { signal: KILL, core: false }
            }
            LeaderEnd::Untold => Exit::Unknown,
        }
    }

    /// Why the job ended.
    pub fn cause(&self) -> Cause {
        let killed = matches!(self.exit(), Exit::Signal { signal: KILL, .. });
        if killed && self.kernel_was_first() {
            return Cause::Memory { of: self.memory_of() };
        }
        match &self.stopped {
            Some((Reason::Asked(by), how)) => Cause::Stopped { by: by.clone(), how: *how },
            Some((Reason::TimeOver(Clock::Wall), _)) if self.ended_in_time() => self.in_time(),
            Some((Reason::TimeOver(clock), how)) => self.time_over(*clock, *how),
            Some((Reason::OutputOver, how)) => self.output_over(*how),
            Some((Reason::OwnerGone, _)) => Cause::OwnerGone,
            // It ended after its time, before anybody saw that: the same as if somebody had.
            None => match self.overdue() {
                Some(clock) => self.time_over(clock, StopKind::Soft),
                None => self.in_time(),
            },
        }
    }

    /// The limit that ended it, and how far it came.
    pub fn limit(&self, cause: &Cause) -> Option<LimitHit> {
        let count = |name, value: Option<u64>, peak: Option<u64>| {
            value.map(|value| LimitHit { name, value: Amount::Count(value), peak: peak.map(Amount::Count) })
        };
        let time = |name, value: Duration, peak: Option<Duration>| {
            Some(LimitHit { name, value: Amount::Time(value), peak: peak.map(Amount::Time) })
        };
        match cause {
            Cause::Memory { of: MemoryOf::Own } => {
                count("memory.max", self.evidence.memory_max, self.usage.memory_peak)
            }
            Cause::Pids => count("pids.max", self.evidence.pids_max, self.usage.pids_peak),
            Cause::WallTime { limit, .. } => time("time", *limit, Some(self.usage.wall)),
            Cause::CpuTime { limit, .. } => time("cpu_time", *limit, self.usage.cpu()),
            Cause::Idle { limit, .. } => time("idle", *limit, None),
            Cause::OutputLimit { limit, .. } => count("output", Some(*limit), Some(self.written.bytes)),
            _ => None,
        }
    }

    /// An end in time. What was too much is told alike, whether that was seen before the end or in what was read after it.
    fn in_time(&self) -> Cause {
        let over = self.written.limit.is_some_and(|limit| self.written.bytes > limit);
        if over { self.output_over(StopKind::Soft) } else { self.by_itself() }
    }

    /// More was written than may be.
    fn output_over(&self, how: StopKind) -> Cause {
        Cause::OutputLimit { limit: self.written.limit.unwrap_or_default(), how }
    }

    /// An end that ironcell had no hand in.
    fn by_itself(&self) -> Cause {
        match self.exit() {
            Exit::Unknown => Cause::Lost,
            Exit::Signal { signal: SYS, .. } => Cause::Seccomp,
            Exit::Code { code } if code != 0 && self.was_starved() => Cause::Pids,
            Exit::Signal { signal, .. } if OWN_FAULT.contains(&signal) && self.was_starved() => Cause::Pids,
            _ => Cause::Itself,
        }
    }

    /// A time that was over.
    fn time_over(&self, clock: Clock, how: StopKind) -> Cause {
        let limit = self.limits.of(clock).unwrap_or_default();
        match clock {
            Clock::Wall => Cause::WallTime { limit, how },
            Clock::Cpu => Cause::CpuTime { limit, how },
            Clock::Idle => Cause::Idle { limit, how },
        }
    }

    /// Whether the leader had ended before its wall-clock time was over, and was only told after that. PID 1 measures from
    /// the fork of the target, which is before the supervisor's clock begins.
    fn ended_in_time(&self) -> bool {
        let limit = self.limits.wall.unwrap_or_default();
        matches!(self.leader, LeaderEnd::Told { wall_nanos, .. } if Duration::from_nanos(wall_nanos) < limit)
    }

    /// The time that was over when the leader ended of its own accord.
    fn overdue(&self) -> Option<Clock> {
        let LeaderEnd::Told { wall_nanos, .. } = self.leader else { return None };
        let over = |limit: Option<Duration>, took: Option<Duration>| {
            limit.zip(took).is_some_and(|(limit, took)| took >= limit)
        };
        if over(self.limits.wall, Some(Duration::from_nanos(wall_nanos))) {
            return Some(Clock::Wall);
        }
        over(self.limits.cpu, self.usage.cpu()).then_some(Clock::Cpu)
    }

    /// Whether ironcell killed the cell before the leader's end was known.
    fn was_killed_hard(&self) -> bool {
        matches!(self.stopped, Some((_, StopKind::Hard)))
    }

    /// Whether the kernel killed for want of memory. With `memory.oom.group` it then killed the whole cell.
    fn kernel_killed(&self) -> bool {
        self.evidence.oom_kills.is_some_and(|kills| kills > 0)
    }

    /// Whether it did before anything else had ended the job. It counts a kill before it sends the signal (mm/oom_kill.c).
    fn kernel_was_first(&self) -> bool {
        match self.oom_kills_until_then {
            Some(kills) => kills > 0,
            // After a hard stop, which kills by itself, a counter that was read later proves nothing.
            None => self.kernel_killed() && !self.was_killed_hard(),
        }
    }

    /// Whether forks were refused, by its own limit.
    fn was_starved(&self) -> bool {
        // Before kernel 6.12 a refusal by the limit of a cgroup above is counted here as well: then the peak is below.
        let own = self.usage.pids_peak.zip(self.evidence.pids_max).is_none_or(|(peak, most)| peak >= most);
        own && self.evidence.pids_max_events.is_some_and(|refused| refused > 0)
    }

    /// `oom` counts only limits that could not be met, in the cgroup whose limit it is and those above it; `oom_kill` every
    /// kill (cgroup-v2.rst).
    fn memory_of(&self) -> MemoryOf {
        match (self.evidence.oom_events, self.evidence.ancestor_oom_events) {
            (Some(own), _) if own > 0 => MemoryOf::Own,
            (_, Some(0)) => MemoryOf::Host,
            (_, Some(_)) => MemoryOf::Ancestor,
            (_, None) => MemoryOf::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Stopper;

    const WALL: Reason = Reason::TimeOver(Clock::Wall);
    const SECOND: Duration = Duration::from_secs(1);

    /// Exit and cause of a job that had 3 seconds.
    fn told(leader: LeaderEnd, stopped: Option<(Reason, StopKind)>, evidence: &Evidence) -> (Exit, Cause) {
        let (limits, usage) = (TimeLimits { wall: Some(3 * SECOND), cpu: Some(SECOND), idle: None }, Usage::default());
        let written = Written::default();
        let facts = Facts { leader, stopped, oom_kills_until_then: None, evidence, usage: &usage, limits, written };
        (facts.exit(), facts.cause())
    }

    fn ended(how: Told) -> LeaderEnd {
        LeaderEnd::Told { how, wall_nanos: 2_000_000_000 }
    }

    /// At the very end of its time.
    fn late(how: Told) -> LeaderEnd {
        LeaderEnd::Told { how, wall_nanos: 3_000_000_000 }
    }

    fn signalled(signal: u8) -> LeaderEnd {
        ended(Told::Signal { signal, core: false })
    }

    fn oom(own: bool) -> Evidence {
        Evidence { oom_kills: Some(2), oom_events: Some(u64::from(own)), ..Evidence::default() }
    }

    #[test]
    fn sigkill_without_a_counter_and_without_a_stop_is_the_jobs_own_affair() {
        assert_eq!(told(signalled(9), None, &Evidence::default()).1, Cause::Itself);
    }

    #[test]
    fn an_oom_kill_that_took_pid_1_along_is_told_as_memory() {
        for (own, above, of) in [
            (true, Some(0), MemoryOf::Own),
            (true, Some(1), MemoryOf::Own),
            (false, Some(1), MemoryOf::Ancestor),
            (false, Some(0), MemoryOf::Host),
            (false, None, MemoryOf::Outside),
        ] {
            let evidence = Evidence { ancestor_oom_events: above, ..oom(own) };
            let expected = (Exit::Signal { signal: 9, core: false }, Cause::Memory { of });
            assert_eq!(told(LeaderEnd::Untold, None, &evidence), expected);
        }
    }

    #[test]
    fn a_child_that_was_oom_killed_does_not_make_a_leader_that_returned_a_memory_case() {
        assert_eq!(told(ended(Told::Code(3)), None, &oom(true)).1, Cause::Itself);
    }

    #[test]
    fn an_oom_kill_during_a_soft_stop_is_memory_and_during_a_hard_one_the_stop() {
        let evidence = oom(true);
        let memory = Cause::Memory { of: MemoryOf::Own };
        assert_eq!(told(signalled(9), Some((WALL, StopKind::Soft)), &evidence).1, memory);
        let hard = Some((WALL, StopKind::Hard));
        let stop = Cause::WallTime { limit: 3 * SECOND, how: StopKind::Hard };
        let killed = late(Told::Signal { signal: 9, core: false });
        assert_eq!(told(killed, hard.clone(), &evidence).1, stop);
        let cause = |leader, stopped, before| {
            let (limits, usage) = (TimeLimits::default(), Usage::default());
            let oom_kills_until_then = Some(before);
            let written = Written::default();
            Facts { leader, stopped, oom_kills_until_then, evidence: &evidence, usage: &usage, limits, written }.cause()
        };
        assert_eq!(cause(LeaderEnd::Untold, hard, 1), memory, "the kernel had killed before");
        assert_eq!(cause(signalled(9), None, 1), memory);
        assert_eq!(cause(signalled(9), None, 0), Cause::Itself, "the kernel killed after the leader's end");
    }

    #[test]
    fn a_stop_is_told_with_who_and_how_even_when_the_leader_returned_0() {
        let stopped = Some((Reason::Asked(Stopper::Signal(2)), StopKind::Soft));
        let expected = Cause::Stopped { by: Stopper::Signal(2), how: StopKind::Soft };
        assert_eq!(told(ended(Told::Code(0)), stopped, &Evidence::default()), (Exit::Code { code: 0 }, expected));
    }

    #[test]
    fn a_leader_that_ended_before_its_time_was_over_was_not_stopped_by_it() {
        let leader = |wall_nanos| LeaderEnd::Told { how: Told::Code(0), wall_nanos };
        let cause = |wall_nanos| told(leader(wall_nanos), Some((WALL, StopKind::Soft)), &Evidence::default()).1;
        assert_eq!(cause(2_999_999_999), Cause::Itself);
        assert_eq!(cause(3_000_000_000), Cause::WallTime { limit: 3 * SECOND, how: StopKind::Soft });
    }

    #[test]
    fn a_leader_that_ended_after_its_time_is_told_alike_whoever_saw_it_first() {
        let leader = LeaderEnd::Told { how: Told::Code(0), wall_nanos: 3_000_000_000 };
        let wall = Cause::WallTime { limit: 3 * SECOND, how: StopKind::Soft };
        for stopped in [None, Some((WALL, StopKind::Soft))] {
            assert_eq!(told(leader, stopped, &Evidence::default()), (Exit::Code { code: 0 }, wall.clone()));
        }
        let usage = Usage { cpu_user: Some(SECOND), cpu_system: Some(Duration::ZERO), ..Usage::default() };
        let limits = TimeLimits { wall: None, cpu: Some(SECOND), idle: None };
        let (leader, evidence) = (ended(Told::Code(0)), &Evidence::default());
        let written = Written::default();
        let facts =
            Facts { leader, stopped: None, oom_kills_until_then: None, evidence, usage: &usage, limits, written };
        assert_eq!(facts.cause(), Cause::CpuTime { limit: SECOND, how: StopKind::Soft });
    }

    #[test]
    fn each_time_that_is_over_is_told_as_its_own_cause_with_its_limit() {
        let stopped = |clock| Some((Reason::TimeOver(clock), StopKind::Hard));
        let evidence = Evidence::default();
        let how = StopKind::Hard;
        assert_eq!(told(signalled(9), stopped(Clock::Cpu), &evidence).1, Cause::CpuTime { limit: SECOND, how });
        let idle = Cause::Idle { limit: Duration::ZERO, how };
        assert_eq!(told(signalled(9), stopped(Clock::Idle), &evidence).1, idle);
        assert_eq!(told(signalled(9), Some((Reason::OwnerGone, how)), &evidence).1, Cause::OwnerGone);
    }

    #[test]
    fn who_wrote_too_much_is_told_alike_whoever_saw_it_first() {
        let (usage, evidence) = (Usage::default(), Evidence::default());
        let cause = |stopped: Option<Reason>, bytes| {
            let limits = TimeLimits { wall: Some(3 * SECOND), ..TimeLimits::default() };
            let stopped = stopped.map(|why| (why, StopKind::Soft));
            let (leader, written) = (ended(Told::Code(0)), Written { bytes, limit: Some(10), unwritten: None });
            let (evidence, usage) = (&evidence, &usage);
            Facts { leader, stopped, oom_kills_until_then: None, evidence, usage, limits, written }.cause()
        };
        let over = Cause::OutputLimit { limit: 10, how: StopKind::Soft };
        for stopped in [None, Some(Reason::OutputOver), Some(WALL)] {
            assert_eq!(cause(stopped, 11), over);
        }
        assert_eq!(cause(None, 10), Cause::Itself, "what it may write is not too much");
        let asked = Reason::Asked(Stopper::Caller);
        assert!(matches!(cause(Some(asked), 11), Cause::Stopped { .. }), "why it ends is decided once");
    }

    #[test]
    fn a_job_that_failed_after_forks_were_refused_was_starved() {
        let starved = Evidence { pids_max_events: Some(1), ..Evidence::default() };
        for (leader, cause) in [
            (ended(Told::Code(2)), Cause::Pids),
            (signalled(6), Cause::Pids),
            (ended(Told::Code(0)), Cause::Itself),
            (signalled(9), Cause::Itself),
            (signalled(15), Cause::Itself),
            (signalled(31), Cause::Seccomp),
        ] {
            assert_eq!(told(leader, None, &starved).1, cause);
        }
        let limit = Some((WALL, StopKind::Soft));
        assert!(matches!(told(late(Told::Code(2)), limit, &starved).1, Cause::WallTime { .. }));
    }

    #[test]
    fn a_pid_1_that_vanished_without_any_reason_is_told_as_lost() {
        assert_eq!(told(LeaderEnd::Untold, None, &Evidence::default()), (Exit::Unknown, Cause::Lost));
    }

    #[test]
    fn the_limit_that_was_hit_is_told_with_its_peak() {
        let usage = Usage { memory_peak: Some(63), wall: 4 * SECOND, ..Usage::default() };
        let evidence = Evidence { memory_max: Some(64), ..Evidence::default() };
        let (leader, limits) = (LeaderEnd::Untold, TimeLimits::default());
        let (evidence, usage) = (&evidence, &usage);
        let written = Written { bytes: 12, limit: Some(10), unwritten: None };
        let facts = Facts { leader, stopped: None, oom_kills_until_then: None, evidence, usage, limits, written };
        let output = LimitHit { name: "output", value: Amount::Count(10), peak: Some(Amount::Count(12)) };
        assert_eq!(facts.limit(&Cause::OutputLimit { limit: 10, how: StopKind::Soft }), Some(output));
        let memory = LimitHit { name: "memory.max", value: Amount::Count(64), peak: Some(Amount::Count(63)) };
        assert_eq!(facts.limit(&Cause::Memory { of: MemoryOf::Own }), Some(memory));
        let time = LimitHit { name: "time", value: Amount::Time(SECOND), peak: Some(Amount::Time(4 * SECOND)) };
        assert_eq!(facts.limit(&Cause::WallTime { limit: SECOND, how: StopKind::Soft }), Some(time));
        assert_eq!(facts.limit(&Cause::Memory { of: MemoryOf::Host }), None);
        assert_eq!(facts.limit(&Cause::Pids), None, "a limit that is not known is not told");
    }
}
