//! The catalogue of exit codes: what `ironcell` returns, as data. README, the manual page and `code` say the same.

use crate::life::{Cause, Exit, Outcome, Refused, Stopper};
use std::fmt::Write;

/// A limit that ironcell watches itself ended the job: a time, as with timeout(1), or its output.
pub const TIMED_OUT: u8 = 124;
/// ironcell itself failed, or refused: the command has not run, or how it ended is not known.
pub const OWN_FAILURE: u8 = 125;
/// The command was found and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
/// A signal ended the command: this and the signal's number, as in every shell.
pub const SIGNALLED: u8 = 128;
/// SIGKILL, which is what the kernel's memory killer sends.
const SIGKILL: u8 = 9;

/// One line of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The code, or the codes.
    pub code: &'static str,
    /// When it is returned.
    pub meaning: &'static str,
}

/// All that `ironcell run` returns.
pub const CATALOGUE: [Entry; 7] = [
    Entry { code: "0", meaning: "the command returned 0" },
    Entry { code: "1–255", meaning: "the command's own code, whatever it is" },
    Entry {
        code: "124",
        meaning: "`--time`, `--cpu-time`, `--idle` or `--output-limit` was over and the job was stopped; with `--preserve-status` the \
                  command's own code, or 128+n",
    },
    Entry {
        code: "125",
        meaning: "ironcell itself failed or refused: bad flags, a limit that cannot be enforced, a cell that cannot \
                  be built, a report that cannot be written although the command returned 0, an end that is not known",
    },
    Entry { code: "126", meaning: "the command was found and cannot be executed" },
    Entry { code: "127", meaning: "the command was not found" },
    Entry {
        code: "128+n",
        meaning: "signal n ended the command; 137 also when the kernel killed it for want of memory",
    },
];

/// What the catalogue cannot say in a table.
pub const CAVEAT: &str = "A command may return 124 to 255 by itself. \
                          What is certain is `cause` and `exit` in the report (`--report`).";

/// What is returned when a limit in time, or of the output, ended the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedOut {
    /// [`TIMED_OUT`].
    Code124,
    /// What its own end has, as timeout(1) does with `--preserve-status`.
    OwnStatus,
}

/// The exit code for an outcome.
pub fn code(outcome: &Outcome, timed_out: TimedOut) -> u8 {
    match (&outcome.cause, outcome.exit) {
        (Cause::StartFailed(failure), _) => match failure.refused {
            Refused::NotFound => NOT_FOUND,
            Refused::NotExecutable => NOT_EXECUTABLE,
            Refused::Cell => OWN_FAILURE,
        },
        (Cause::WallTime { .. } | Cause::CpuTime { .. } | Cause::Idle { .. } | Cause::OutputLimit { .. }, _)
            if timed_out == TimedOut::Code124 =>
        {
            TIMED_OUT
        }
        // Given up before it began: as a shell tells of a command that the same signal ended.
        (Cause::Stopped { by: Stopper::Signal(signal), .. }, Exit::NeverRan) => SIGNALLED.saturating_add(*signal),
        // The leader returned 0 and the kernel killed the rest of its job: that is no success.
        (Cause::Memory { .. }, Exit::Code { code: 0 }) => SIGNALLED + SIGKILL,
        (_, Exit::Code { code }) => code,
        (_, Exit::Signal { signal, .. }) => SIGNALLED.saturating_add(signal),
        (_, Exit::NeverRan | Exit::Unknown) => OWN_FAILURE,
    }
}

/// The catalogue as README shows it.
pub fn table() -> String {
    let mut table = String::from("| Code | When |\n|---|---|\n");
    for Entry { code, meaning } in CATALOGUE {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {code} | {meaning} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{MemoryOf, StartFailure, StopKind};
    use std::time::Duration;

    fn outcome(exit: Exit, cause: Cause) -> Outcome {
        Outcome::of(exit, cause)
    }

    fn failed(refused: Refused) -> Cause {
        let message = "failed to start".to_owned();
        Cause::StartFailed(StartFailure { step: 1, name: "exec", errno: 2, message, refused })
    }

    #[test]
    fn every_end_has_its_code() {
        let by = Stopper::Signal(15);
        let killed = Exit::Signal { signal: 9, core: false };
        let limit = Duration::from_secs(1);
        let own = Cause::Memory { of: MemoryOf::Own };
        for (exit, cause, expected) in [
            (Exit::Code { code: 0 }, Cause::Itself, 0),
            (Exit::Code { code: 7 }, Cause::Itself, 7),
            (Exit::Code { code: 255 }, Cause::Itself, 255),
            (Exit::Signal { signal: 11, core: true }, Cause::Itself, 139),
            (Exit::Signal { signal: 64, core: false }, Cause::Itself, 192),
            (Exit::Code { code: 0 }, Cause::WallTime { limit, how: StopKind::Soft }, TIMED_OUT),
            (killed, Cause::WallTime { limit, how: StopKind::Hard }, TIMED_OUT),
            (killed, Cause::CpuTime { limit, how: StopKind::Soft }, TIMED_OUT),
            (Exit::Code { code: 3 }, Cause::Idle { limit, how: StopKind::Soft }, TIMED_OUT),
            (Exit::Code { code: 0 }, Cause::OutputLimit { limit: 1, how: StopKind::Soft }, TIMED_OUT),
            (Exit::Code { code: 2 }, Cause::Pids, 2),
            (Exit::Signal { signal: 31, core: false }, Cause::Seccomp, 159),
            (killed, Cause::OwnerGone, 137),
            (killed, own.clone(), 137),
            (Exit::Code { code: 0 }, own.clone(), 137),
            (Exit::Code { code: 3 }, own, 3),
            (Exit::Code { code: 0 }, Cause::Stopped { by: by.clone(), how: StopKind::Soft }, 0),
            (Exit::Signal { signal: 15, core: false }, Cause::Stopped { by, how: StopKind::Soft }, 143),
            (Exit::NeverRan, failed(Refused::NotFound), NOT_FOUND),
            (Exit::NeverRan, failed(Refused::NotExecutable), NOT_EXECUTABLE),
            (Exit::NeverRan, failed(Refused::Cell), OWN_FAILURE),
            (Exit::Unknown, Cause::Lost, OWN_FAILURE),
            (Exit::NeverRan, Cause::Stopped { by: Stopper::Signal(2), how: StopKind::Hard }, 130),
        ] {
            let outcome = outcome(exit, cause);
            assert_eq!(code(&outcome, TimedOut::Code124), expected, "{outcome:?}");
        }
    }

    #[test]
    fn a_status_that_is_preserved_is_the_commands_own() {
        let limit = Duration::from_secs(1);
        let killed = Exit::Signal { signal: 9, core: false };
        for (exit, cause, expected) in [
            (Exit::Code { code: 0 }, Cause::WallTime { limit, how: StopKind::Soft }, 0),
            (Exit::Code { code: 3 }, Cause::CpuTime { limit, how: StopKind::Soft }, 3),
            (killed, Cause::Idle { limit, how: StopKind::Hard }, 137),
            (killed, Cause::OutputLimit { limit: 1, how: StopKind::Hard }, 137),
            (Exit::NeverRan, failed(Refused::NotFound), NOT_FOUND),
            (Exit::Unknown, Cause::Lost, OWN_FAILURE),
        ] {
            assert_eq!(code(&outcome(exit, cause), TimedOut::OwnStatus), expected);
        }
    }

    #[test]
    fn only_a_success_or_a_job_that_obeyed_a_stop_returns_0() {
        let limit = Duration::from_secs(1);
        for cause in [
            Cause::WallTime { limit, how: StopKind::Soft },
            Cause::Memory { of: MemoryOf::Outside },
            failed(Refused::Cell),
        ] {
            assert_ne!(code(&outcome(Exit::Code { code: 0 }, cause), TimedOut::Code124), 0);
        }
    }

    #[test]
    fn readme_has_this_catalogue() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("<!-- exit codes -->\n").expect("README has the opening marker");
        let (shown, _) = rest.split_once("<!-- end of exit codes -->").expect("README has the closing marker");
        assert_eq!(shown, table());
        assert!(readme.contains(CAVEAT), "README says: {CAVEAT}");
    }
}
