//! From what is known to what is said: how a job ended, and why. Pure; one place for the whole of it.

use super::state::{LeaderEnd, Reason, Told};
use super::{Cause, Evidence, Exit, MemoryOf, StopKind};
use std::time::Duration;

/// SIGKILL: what the kernel's memory killer and `cgroup.kill` send.
const KILL: u8 = 9;

/// Everything that the two answers are derived from.
#[derive(Debug)]
pub struct Facts<'a> {
    /// How the leader ended.
    pub leader: LeaderEnd,
    /// Whether ironcell had a hand in it.
    pub stopped: Option<(Reason, StopKind)>,
    /// The kernel's counters.
    pub evidence: &'a Evidence,
    /// The job's wall-clock limit.
    pub time: Option<Duration>,
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
        // A hard stop kills by itself, so the kernel's counter proves nothing then; a soft one does not.
        if killed && self.kernel_killed() && !self.was_killed_hard() {
            return Cause::Memory { of: self.memory_of() };
        }
        match (&self.stopped, self.time) {
            (Some((Reason::Asked(by), how)), _) => Cause::Stopped { by: by.clone(), how: *how },
            (Some((Reason::WallTime, how)), limit) => Cause::WallTime { limit: limit.unwrap_or_default(), how: *how },
            (None, _) if self.exit() == Exit::Unknown => Cause::Lost,
            (None, _) => Cause::Itself,
        }
    }

    /// Whether ironcell killed the cell before the leader's end was known.
    fn was_killed_hard(&self) -> bool {
        matches!(self.stopped, Some((_, StopKind::Hard)))
    }

    /// Whether the kernel killed for want of memory. With `memory.oom.group` it then killed the whole cell.
    fn kernel_killed(&self) -> bool {
        self.evidence.oom_kills.is_some_and(|kills| kills > 0)
    }

    /// `oom` counts only limits of the job's own that could not be met, `oom_kill` every kill (cgroup-v2.rst).
    fn memory_of(&self) -> MemoryOf {
        if self.evidence.oom_events.is_some_and(|events| events > 0) { MemoryOf::Own } else { MemoryOf::Outside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Stopper;

    fn facts<'a>(leader: LeaderEnd, stopped: Option<(Reason, StopKind)>, evidence: &'a Evidence) -> Facts<'a> {
        Facts { leader, stopped, evidence, time: Some(Duration::from_secs(3)) }
    }

    fn killed() -> LeaderEnd {
        LeaderEnd::Told { how: Told::Signal { signal: 9, core: false }, wall_nanos: 1 }
    }

    fn oom(own: bool) -> Evidence {
        Evidence { oom_kills: Some(2), oom_events: Some(u64::from(own)), ..Evidence::default() }
    }

    #[test]
    fn sigkill_without_a_counter_and_without_a_stop_is_the_jobs_own_affair() {
        assert_eq!(facts(killed(), None, &Evidence::default()).cause(), Cause::Itself);
    }

    #[test]
    fn an_oom_kill_that_took_pid_1_along_is_told_as_memory() {
        for (own, of) in [(true, MemoryOf::Own), (false, MemoryOf::Outside)] {
            let evidence = oom(own);
            let facts = facts(LeaderEnd::Untold, None, &evidence);
            assert_eq!(facts.exit(), Exit::Signal { signal: 9, core: false });
            assert_eq!(facts.cause(), Cause::Memory { of });
        }
    }

    #[test]
    fn a_child_that_was_oom_killed_does_not_make_a_leader_that_returned_a_memory_case() {
        let leader = LeaderEnd::Told { how: Told::Code(3), wall_nanos: 1 };
        let evidence = oom(true);
        assert_eq!(facts(leader, None, &evidence).cause(), Cause::Itself);
    }

    #[test]
    fn an_oom_kill_during_a_soft_stop_is_memory_and_during_a_hard_one_the_stop() {
        let evidence = oom(true);
        let soft = Some((Reason::WallTime, StopKind::Soft));
        assert_eq!(facts(killed(), soft, &evidence).cause(), Cause::Memory { of: MemoryOf::Own });
        let hard = Some((Reason::WallTime, StopKind::Hard));
        let limit = Duration::from_secs(3);
        assert_eq!(facts(killed(), hard, &evidence).cause(), Cause::WallTime { limit, how: StopKind::Hard });
    }

    #[test]
    fn a_stop_is_told_with_who_and_how_even_when_the_leader_returned_0() {
        let leader = LeaderEnd::Told { how: Told::Code(0), wall_nanos: 1 };
        let evidence = Evidence::default();
        let facts = facts(leader, Some((Reason::Asked(Stopper::Signal(2)), StopKind::Soft)), &evidence);
        assert_eq!(facts.exit(), Exit::Code { code: 0 });
        assert_eq!(facts.cause(), Cause::Stopped { by: Stopper::Signal(2), how: StopKind::Soft });
    }

    #[test]
    fn a_pid_1_that_vanished_without_any_reason_is_told_as_lost() {
        let evidence = Evidence::default();
        let facts = facts(LeaderEnd::Untold, None, &evidence);
        assert_eq!((facts.exit(), facts.cause()), (Exit::Unknown, Cause::Lost));
    }
}
