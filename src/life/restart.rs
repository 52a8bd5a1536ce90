//! Whether a job is started again after one of its runs. Pure: how long the run was is told by its outcome.

use super::{Cause, Exit, Outcome, Status};
use crate::spec::{Restart, RestartPolicy};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Runs that are told one by one, the newest: enough to see a pattern.
pub const RUNS_MOST: usize = 16;

/// One run of a job that is started again after its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Which it is, counted from 1.
    pub number: u32,
    /// Where its output begins in the job's log.
    pub offset: u64,
    /// When it was begun, by the host's clock, since 1970-01-01 in UTC.
    pub started: Duration,
    /// How it ended and why; `None` while it goes on.
    pub end: Option<(Exit, Cause)>,
}

/// Why a job is not started again, though it would have been after other ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// It did its work: its leader returned 0 by itself, and only failures begin it anew.
    Success,
    /// So many starts in a row did not help.
    StartLimitHit,
    /// Somebody ended it, or nobody held it any more.
    Stopped,
    /// Its supervisor is shutting down, or was.
    ShuttingDown,
    /// It wrote all that it may: that is a limit of all its runs together.
    OutputLimit,
    /// The host was started anew, and the job was not running.
    HostRestarted,
}

impl Over {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Success, Self::StartLimitHit, Self::Stopped, Self::ShuttingDown, Self::OutputLimit, Self::HostRestarted];

    /// The word for machines; where systemd has one for it (the `Result` of a service), that one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::StartLimitHit => "start-limit-hit",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::OutputLimit => "output-limit",
            Self::HostRestarted => "host-restarted",
        }
    }
}

/// What follows a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    Again {
        /// After this pause.
        after: Duration,
        /// The starts in a row that it will be one of.
        in_a_row: u32,
    },
    /// None: this was the job's end.
    Over(Over),
}

/// What follows a run that came after so many starts in a row. `None` for a job that has one run only.
pub fn next(policy: &RestartPolicy, in_a_row: u32, run: &Outcome) -> Option<Next> {
    let over = |why| Some(Next::Over(why));
    match policy.when {
        Restart::Never => return None,
        Restart::OnFailure if run.success() => return over(Over::Success),
        Restart::OnFailure | Restart::Always => {}
    }
    match run.cause {
        Cause::OutputLimit { .. } => return over(Over::OutputLimit),
        _ if Status::of(run) == Status::Terminated => return over(Over::Stopped),
        _ => {}
    }
    let before = if run.usage.wall >= policy.min_uptime { 0 } else { in_a_row };
    if before >= policy.count {
        return over(Over::StartLimitHit);
    }
    Some(Next::Again { after: policy.pause(before), in_a_row: before + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{StopKind, Stopper, Usage};

    const SECOND: Duration = Duration::from_secs(1);

    fn run(code: u8, cause: Cause, wall: Duration) -> Outcome {
        let usage = Usage { wall, ..Usage::default() };
        Outcome { usage, ..Outcome::of(Exit::Code { code }, cause) }
    }

    fn policy(when: Restart) -> RestartPolicy {
        RestartPolicy { when, count: 3, delay: SECOND, min_uptime: 10 * SECOND }
    }

    #[test]
    fn only_what_the_policy_says_begins_a_job_anew() {
        let after = |when, code| next(&policy(when), 0, &run(code, Cause::Itself, SECOND));
        let again = Some(Next::Again { after: SECOND, in_a_row: 1 });
        assert_eq!((after(Restart::Never, 0), after(Restart::Never, 1)), (None, None));
        assert_eq!(after(Restart::OnFailure, 0), Some(Next::Over(Over::Success)));
        assert_eq!(after(Restart::OnFailure, 1), again);
        assert_eq!((after(Restart::Always, 0), after(Restart::Always, 1)), (again, again));
    }

    #[test]
    fn a_job_that_ends_by_a_limit_of_each_run_begins_anew_and_by_one_of_all_runs_does_not() {
        let after = |cause| next(&policy(Restart::OnFailure), 0, &run(0, cause, SECOND));
        let how = StopKind::Soft;
        assert!(matches!(after(Cause::WallTime { limit: SECOND, how }), Some(Next::Again { .. })));
        assert!(matches!(after(Cause::Lost), Some(Next::Again { .. })));
        assert_eq!(after(Cause::OutputLimit { limit: 1, how }), Some(Next::Over(Over::OutputLimit)));
    }

    #[test]
    fn a_stop_ends_the_starting_whatever_the_policy() {
        let stopped = Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard };
        for cause in [stopped, Cause::OwnerGone] {
            assert_eq!(next(&policy(Restart::Always), 0, &run(0, cause, SECOND)), Some(Next::Over(Over::Stopped)));
        }
    }

    #[test]
    fn short_runs_are_counted_and_a_long_one_begins_the_count_and_the_pause_anew() {
        let policy = policy(Restart::Always);
        let mut in_a_row = 0;
        for pause in [1, 2, 4] {
            let Some(Next::Again { after, in_a_row: row }) = next(&policy, in_a_row, &run(1, Cause::Itself, SECOND))
            else {
                panic!("{in_a_row} were not too many")
            };
            assert_eq!(after, pause * SECOND);
            in_a_row = row;
        }
        let short = run(1, Cause::Itself, policy.min_uptime - Duration::from_nanos(1));
        assert_eq!(next(&policy, in_a_row, &short), Some(Next::Over(Over::StartLimitHit)));
        let long = run(1, Cause::Itself, policy.min_uptime);
        assert_eq!(next(&policy, in_a_row, &long), Some(Next::Again { after: SECOND, in_a_row: 1 }));
    }
}
