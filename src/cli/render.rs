//! How a job ended, for a person: at most five lines that say what happened, what shows it, and which flag changes it.

use super::signal;
use crate::life::{Amount, Cause, Evidence, Exit, Leftovers, MemoryOf, Outcome, StopKind, Stopper, Usage};
use crate::spec::units::{Rounded, Size, Span};
use std::time::Duration;

/// Processes that a line names at most.
const LEFTOVERS_SHOWN: usize = 3;
/// SIGTERM.
const TERM: u8 = 15;

/// Lines of a footer at most.
pub const MOST_LINES: usize = 5;

/// The lines for standard error; none when there is nothing to explain. A command that fails in its own words needs no
/// second ones, so its own exit code alone is not explained. `grace` is the time that a soft stop had.
pub fn footer(outcome: &Outcome, grace: Duration) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(ending(outcome, grace));
    if !outcome.success() {
        // A command that failed in its own words may leave what it likes.
        let left = outcome.leftovers.as_ref().filter(|_| !lines.is_empty()).and_then(leftovers);
        lines.extend(hints(outcome));
        lines.extend(left);
    }
    // What is left behind is told in any case.
    lines.truncate(MOST_LINES - usize::from(!outcome.residue.is_empty()));
    let room = MOST_LINES.saturating_sub(lines.len()).max(1);
    lines.extend(residue(&outcome.residue, room));
    lines
}

/// What happened, in one line.
fn ending(outcome: &Outcome, grace: Duration) -> Option<String> {
    let took = |how: StopKind| match how {
        StopKind::Soft if matches!(outcome.exit, Exit::Signal { signal: TERM, .. }) => "it ended on SIGTERM".to_owned(),
        StopKind::Soft => "it ended within its grace".to_owned(),
        StopKind::Hard if grace.is_zero() => "the cell was killed".to_owned(),
        StopKind::Hard => format!("SIGTERM did not end it within {}, so the cell was killed", Span(grace)),
    };
    Some(match &outcome.cause {
        Cause::Itself => return by_itself(outcome.exit),
        Cause::Stopped { by, how } => {
            let by = match by {
                Stopper::Signal(number) => signal::name(*number),
                Stopper::Caller => "its owner".to_owned(),
            };
            format!("stopped: by {by}; {}", stopped(*how))
        }
        Cause::WallTime { limit, how } => {
            format!("timed out: --time {} is over; {}; raise --time", Span(*limit), took(*how))
        }
        Cause::CpuTime { limit, how } => {
            let used =
                outcome.usage.cpu().map(|used| format!(" ({:.3} s used)", used.as_secs_f64())).unwrap_or_default();
            format!("timed out: --cpu-time {} is over{used}; {}; raise --cpu-time", Span(*limit), took(*how))
        }
        Cause::Idle { limit, how } => {
            format!("timed out: nothing of it ran for --idle {}; {}; raise --idle", Span(*limit), took(*how))
        }
        Cause::OutputLimit { limit, how } => too_long(outcome, *limit, &took(*how)),
        Cause::Memory { of } => memory(*of, &outcome.evidence, &outcome.usage),
        Cause::Pids => starved(outcome),
        Cause::Seccomp => {
            "killed: SIGSYS, which a filter of system calls sends; see --profile and --seccomp".to_owned()
        }
        Cause::StartFailed(failure) => failure.message.clone(),
        Cause::OwnerGone => "killed: nobody held the job any more".to_owned(),
        Cause::Lost => "lost: the cell's PID 1 was killed from outside; how the command ended is not known".to_owned(),
    })
}

/// An end that ironcell had no part in; a code says enough.
fn by_itself(exit: Exit) -> Option<String> {
    match exit {
        Exit::Code { .. } => None,
        Exit::Signal { signal, core } => {
            let (name, core) = (signal::name(signal), if core { " (core dumped)" } else { "" });
            Some(format!("killed: {name}{core}, sent by neither ironcell nor the kernel's memory killer"))
        }
        Exit::NeverRan | Exit::Unknown => Some("ended: how the command ended is not known".to_owned()),
    }
}

/// More output than there may be, and how much it was, if that is known.
fn too_long(outcome: &Outcome, limit: u64, took: &str) -> String {
    let written = match outcome.evidence.limit.and_then(|limit| limit.peak) {
        Some(Amount::Count(bytes)) => format!(" ({} written)", counted(bytes, "byte")),
        Some(Amount::Time(_)) | None => String::new(),
    };
    format!("stopped: it wrote more than --output-limit {}{written}; {took}; raise --output-limit", Size(limit))
}

/// What a stop took. A second signal kills at once, so the grace is not named.
fn stopped(how: StopKind) -> &'static str {
    match how {
        StopKind::Soft => "it ended on SIGTERM",
        StopKind::Hard => "the cell was killed",
    }
}

/// A death for want of memory: whose, and the numbers that show it. What is not known is left out.
fn memory(of: MemoryOf, evidence: &Evidence, usage: &Usage) -> String {
    let shown: Vec<String> = [
        usage.memory_peak.map(|peak| format!("peak {}", Rounded(peak))),
        evidence.oom_kills.map(|kills| match &evidence.biggest {
            Some(biggest) => format!("{}: {}", counted(kills, "OOM kill"), biggest.comm),
            None => counted(kills, "OOM kill"),
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let shown = if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) };
    match (of, evidence.memory_max) {
        (MemoryOf::Own, Some(limit)) => {
            format!("killed: memory.max {} reached{shown}; raise --memory", limit_text(limit))
        }
        (MemoryOf::Own, None) => format!("killed: memory.max reached{shown}; raise --memory"),
        (MemoryOf::Ancestor, _) => above("above the job, in a parent cgroup", &shown),
        (MemoryOf::Host, _) => above("on the host", &shown),
        (MemoryOf::Outside, _) => above("above the job, in a parent cgroup or on the host", &shown),
    }
}

/// A death for want of memory that is not the job's own.
fn above(place: &str, shown: &str) -> String {
    format!("killed: memory ran out {place}{shown}; free memory there, or set --memory lower to fail sooner")
}

/// A failure after forks were refused.
fn starved(outcome: &Outcome) -> String {
    let how = match outcome.exit {
        Exit::Signal { signal, .. } => format!("ended by {}", signal::name(signal)),
        Exit::Code { code } => format!("returned {code}"),
        Exit::NeverRan | Exit::Unknown => "ended".to_owned(),
    };
    let limit = outcome.evidence.pids_max.map(|limit| format!(" {limit}")).unwrap_or_default();
    let refused = counted(outcome.evidence.pids_max_events.unwrap_or_default(), "fork");
    format!("failed: it {how} with {refused} refused at pids.max{limit}; raise --pids")
}

/// A limit as it was set: exact, where a peak is rounded.
fn limit_text(bytes: u64) -> String {
    let rounded = Rounded(bytes).to_string();
    match rounded.split_once(".0 ") {
        Some((whole, unit)) => format!("{whole} {unit}"),
        None => rounded,
    }
}

/// Limits that stood in the way of a job that failed, and are not its cause.
fn hints(outcome: &Outcome) -> Vec<String> {
    let mut hints = Vec::new();
    let evidence = &outcome.evidence;
    let starved = outcome.cause == Cause::Pids;
    if let Some(refused) = evidence.pids_max_events.filter(|count| *count > 0 && !starved) {
        let limit = evidence.pids_max.map(|limit| format!(" {limit}")).unwrap_or_default();
        hints.push(format!("{} refused at pids.max{limit}; raise --pids", counted(refused, "fork")));
    }
    if let Some(times) = evidence.memory_high_events.filter(|count| *count > 0) {
        hints.push(format!("slowed down {} at memory.high; raise --memory-high", counted(times, "time")));
    }
    let of_memory = matches!(outcome.cause, Cause::Memory { .. });
    if let Some(kills) = evidence.oom_kills.filter(|count| *count > 0 && !of_memory) {
        hints.push(format!("{} in the job, which went on; raise --memory", counted(kills, "OOM kill")));
    }
    hints
}

/// Who was still alive when the leader had ended.
fn leftovers(left: &Leftovers) -> Option<String> {
    let shown: Vec<String> =
        left.named.iter().take(LEFTOVERS_SHOWN).map(|one| format!("{} (pid {})", one.comm, one.pid)).collect();
    let more = left.count.saturating_sub(shown.len() as u64);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let line = || format!("still alive at its end, and killed: {}{more}; see --report", shown.join(", "));
    (!shown.is_empty()).then(line)
}

/// What could not be cleared away, in at most `room` lines.
fn residue(left: &[String], room: usize) -> Vec<String> {
    let whole = if left.len() > room { room - 1 } else { left.len() };
    let mut lines: Vec<String> = left[..whole].iter().map(|what| format!("left behind: {what}")).collect();
    if whole < left.len() {
        lines.push(format!("left behind: {} more things; see --report", left.len() - whole));
    }
    lines
}

/// `1 OOM kill`, `2 OOM kills`.
fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// What was used, for `--verbose`: what is not known is left out.
pub fn used(usage: &Usage) -> String {
    let seconds = |time: Duration| format!("{:.3} s", time.as_secs_f64());
    let mut parts = vec![format!("used: {} of time", seconds(usage.wall))];
    parts.extend(usage.cpu_user.map(|time| format!("{} of CPU in user mode", seconds(time))));
    parts.extend(usage.cpu_system.map(|time| format!("{} in the kernel", seconds(time))));
    parts.extend(usage.cpu_throttled.filter(|time| !time.is_zero()).map(|time| format!("{} throttled", seconds(time))));
    parts.extend(usage.memory_peak.map(|peak| format!("{} of memory at the peak", Rounded(peak))));
    parts.extend(usage.pids_peak.map(|peak| format!("{peak} pids at the peak")));
    parts.extend(usage.io.map(|io| format!("{} read and {} written", Rounded(io.read_bytes), Rounded(io.write_bytes))));
    parts.join(", ")
}

#[cfg(test)]
mod tests;
