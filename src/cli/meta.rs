//! `--meta`: the end of a job as the contest sandbox isolate tells it, so that judges that read its meta-files can read
//! ours.
//!
//! Source: isolate(1), "META-FILES", and the order and words of isolate 2. Lines `key:value`; times are seconds with three
//! digits, memory is KiB. What is not known has no line. Beyond isolate, whose box is one process: `time` is the whole
//! tree's, as in its control groups; `max-rss` and `csw-*` are over the leader and the descendants that were
//! reaped below it. isolate limits a file's size alone (`--fsize`), past which the kernel sends SIGXFSZ: a job that was stopped
//! for the size of its output is told as one that this signal ended, which is what judges look for.

use crate::life::{Cause, Exit, Outcome, Stopper};
use std::fmt::{Display, Write};
use std::time::Duration;

/// SIGXFSZ: a file is larger than it may be.
const XFSZ: u8 = 25;

/// The lines for a job that had its end.
pub fn ended(outcome: &Outcome) -> String {
    let usage = &outcome.usage;
    let mut meta = Meta::default();
    if outcome.exit != Exit::NeverRan {
        meta.line("time", usage.cpu().map(seconds));
        meta.line("time-wall", Some(seconds(usage.wall)));
        meta.line("max-rss", usage.max_rss.map(kib));
        meta.line("csw-voluntary", usage.switches_voluntary);
        meta.line("csw-forced", usage.switches_forced);
        meta.line("cg-mem", usage.memory_peak.map(kib));
        meta.line("cg-oom-killed", outcome.evidence.oom_kills.filter(|kills| *kills > 0).map(|_| 1));
    }
    meta.line("killed", was_stopped(&outcome.cause).then_some(1));
    match &outcome.cause {
        Cause::WallTime { .. } => meta.status("TO", "Time limit exceeded (wall clock)"),
        Cause::CpuTime { .. } => meta.status("TO", "Time limit exceeded"),
        Cause::Idle { .. } => meta.status("TO", "Time limit exceeded (idle)"),
        Cause::OutputLimit { .. } => {
            meta.line("exitsig", Some(XFSZ));
            meta.status("SG", "Output limit exceeded");
        }
        Cause::StartFailed(failure) => meta.status("XX", &failure.message),
        Cause::Stopped { by, .. } => {
            let signal = if let Stopper::Signal(signal) = by { Some(*signal) } else { None };
            meta.line("exitsig", signal);
            meta.status("SG", "Interrupted");
        }
        _ => by_itself(&mut meta, outcome.exit),
    }
    meta.0
}

/// The lines for a job that was refused.
pub fn refused(message: &str) -> String {
    let mut meta = Meta::default();
    meta.status("XX", message);
    meta.0
}

/// An end in which ironcell had no hand.
fn by_itself(meta: &mut Meta, exit: Exit) {
    match exit {
        Exit::Code { code } => {
            meta.line("exitcode", Some(code));
            if code != 0 {
                meta.status("RE", &format!("Exited with error status {code}"));
            }
        }
        Exit::Signal { signal, .. } => {
            meta.line("exitsig", Some(signal));
            meta.status("SG", &format!("Caught fatal signal {signal}"));
        }
        Exit::NeverRan | Exit::Unknown => meta.status("XX", "How the program ended is not known"),
    }
}

/// Whether it was ironcell that ended the job.
fn was_stopped(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::WallTime { .. }
            | Cause::CpuTime { .. }
            | Cause::Idle { .. }
            | Cause::OutputLimit { .. }
            | Cause::Stopped { .. }
            | Cause::OwnerGone
    )
}

/// The lines so far.
#[derive(Default)]
struct Meta(String);

impl Meta {
    /// One line, if the value is known.
    fn line(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "{key}:{value}");
        }
    }

    /// The verdict, in a code and in words; a message is one line.
    fn status(&mut self, code: &str, message: &str) {
        self.line("status", Some(code));
        self.line("message", Some(message.replace(char::is_control, " ")));
    }
}

/// Seconds with three digits; the rest is dropped, as isolate does.
fn seconds(time: Duration) -> String {
    format!("{}.{:03}", time.as_secs(), time.subsec_millis())
}

fn kib(bytes: u64) -> u64 {
    bytes / 1024
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::{Evidence, MemoryOf, Refused, StartFailure, StopKind, Usage};

    const KILLED: Exit = Exit::Signal { signal: 9, core: false };

    #[test]
    fn a_success_has_its_numbers_and_no_status() {
        let usage = Usage {
            wall: Duration::from_micros(1_234_999),
            cpu_user: Some(Duration::from_millis(900)),
            cpu_system: Some(Duration::from_millis(101)),
            memory_peak: Some(5 << 20),
            max_rss: Some(3 << 20),
            switches_voluntary: Some(7),
            switches_forced: Some(0),
            ..Usage::default()
        };
        let outcome = Outcome { usage, ..Outcome::of(Exit::Code { code: 0 }, Cause::Itself) };
        let text =
            "time:1.001\ntime-wall:1.234\nmax-rss:3072\ncsw-voluntary:7\ncsw-forced:0\ncg-mem:5120\nexitcode:0\n";
        assert_eq!(ended(&outcome), text);
    }

    #[test]
    fn every_end_has_its_status() {
        let limit = Duration::from_secs(1);
        let how = StopKind::Hard;
        for (exit, cause, lines) in [
            (Exit::Code { code: 3 }, Cause::Itself, "exitcode:3\nstatus:RE\nmessage:Exited with error status 3\n"),
            (KILLED, Cause::Itself, "exitsig:9\nstatus:SG\nmessage:Caught fatal signal 9\n"),
            (KILLED, Cause::WallTime { limit, how }, "killed:1\nstatus:TO\nmessage:Time limit exceeded (wall clock)\n"),
            (KILLED, Cause::CpuTime { limit, how }, "killed:1\nstatus:TO\nmessage:Time limit exceeded\n"),
            (
                KILLED,
                Cause::OutputLimit { limit: 1, how },
                "killed:1\nexitsig:25\nstatus:SG\nmessage:Output limit exceeded\n",
            ),
            (
                KILLED,
                Cause::Stopped { by: Stopper::Signal(2), how },
                "killed:1\nexitsig:2\nstatus:SG\nmessage:Interrupted\n",
            ),
            (Exit::Unknown, Cause::Lost, "status:XX\nmessage:How the program ended is not known\n"),
        ] {
            let outcome = Outcome::of(exit, cause);
            assert_eq!(ended(&outcome), format!("time-wall:0.000\n{lines}"));
        }
    }

    #[test]
    fn a_death_for_want_of_memory_is_marked() {
        let evidence = Evidence { oom_kills: Some(2), ..Evidence::default() };
        let outcome = Outcome { evidence, ..Outcome::of(KILLED, Cause::Memory { of: MemoryOf::Own }) };
        let text = "time-wall:0.000\ncg-oom-killed:1\nexitsig:9\nstatus:SG\nmessage:Caught fatal signal 9\n";
        assert_eq!(ended(&outcome), text);
    }

    #[test]
    fn what_never_ran_is_an_error_of_the_sandbox_in_one_line() {
        let message = "failed to execute a\nb".to_owned();
        let failure = StartFailure { step: 1, name: "exec", errno: 2, message, refused: Refused::NotFound };
        let outcome = Outcome::of(Exit::NeverRan, Cause::StartFailed(failure));
        assert_eq!(ended(&outcome), "status:XX\nmessage:failed to execute a b\n");
        assert_eq!(refused("no"), "status:XX\nmessage:no\n");
    }
}
