//! The two promises about amounts: forks up to `pids.max` and memory up to `memory.max`, each in a cell of its own, which
//! is judged by the kernel's counters.

use super::cell;
use super::judge::{Finding, Inside, Outside, Tried, Verdict};
use crate::life::{Cause, Outcome};
use crate::os::attempt::{Mode, Scene, Seen, errno_name, forks_outside, memory_outside};
use crate::plan::host::Controller;
use crate::spec::{JobSpec, Limits, MemoryLimit, PidsLimit};
use crate::supervise::{Error, Supervisor};

/// Processes at most in the cell that forks, unless fewer were asked for: enough to be told from a probe's own.
const PIDS: u32 = 32;
/// Bytes at most in the cell that uses memory, unless fewer were asked for: a few times what the probe itself needs.
const MEMORY: u64 = 48 << 20;
/// So many forks and bytes more than the limit are tried.
const MORE_PIDS: u32 = 8;
/// As above.
const MORE_MEMORY: u64 = 32 << 20;

/// What came of using up as much outside.
#[derive(Debug)]
pub struct Controls {
    forks: Seen,
    memory: Seen,
}

impl Controls {
    /// Uses up as much, in processes that end with it. Only for a process with one thread.
    pub fn hold(spec: &JobSpec, scene: &Scene) -> Self {
        Self {
            forks: forks_outside(pids_of(spec) + MORE_PIDS),
            memory: memory_outside(scene, memory_of(spec) + MORE_MEMORY),
        }
    }
}

/// The limit of the cell that forks.
fn pids_of(spec: &JobSpec) -> u32 {
    match spec.limits().pids_max {
        Some(PidsLimit::Count(count)) => count.min(PIDS),
        Some(PidsLimit::Max) | None => PIDS,
    }
}

/// The limit of the cell that uses memory.
fn memory_of(spec: &JobSpec) -> u64 {
    match spec.limits().memory_max {
        Some(MemoryLimit::Bytes(bytes)) => bytes.min(MEMORY),
        Some(_) | None => MEMORY,
    }
}

/// Forks up to `pids.max`.
pub async fn pids(supervisor: &Supervisor, spec: &JobSpec, controls: &Controls) -> Finding {
    let sentence = "The job has no more processes than pids.max.";
    let limit = pids_of(spec);
    let relaxed = (spec.limits().pids_max == Some(PidsLimit::Max)).then_some("--pids max");
    let limits = Limits { pids_max: Some(PidsLimit::Count(limit)), ..spec.limits().clone() };
    let ask = Ask { controller: Controller::Pids, relaxed, limits, mode: Mode::Forks, amount: 0 };
    let judge = |told: &str, outcome: &Outcome| {
        let forked: Option<u32> = told.trim().strip_prefix("forked ").and_then(|count| count.parse().ok());
        match (outcome.evidence.pids_max_events, forked) {
            (Some(1..), Some(count)) if count < limit => {
                Inside::Absent { detail: format!("{count} forks, then none: pids.max is {limit}") }
            }
            (_, Some(count)) if count >= limit => Inside::Allowed { detail: format!("{count} forks") },
            _ => Inside::Unclear { detail: "neither the probe nor pids.events told of a refused fork".to_owned() },
        }
    };
    let (verdict, inside) = proven(supervisor, spec, ask, judge).await;
    let tried = "fork(2) until it is refused, in a cell of its own with a small pids.max";
    let tried = Tried { attempt: "fork_all", tried, inside, control: control(&controls.forks) };
    Finding { promise: super::promises::PIDS_MAX, sentence, verdict, attempts: vec![tried] }
}

/// Uses memory up to `memory.max`.
pub async fn memory(supervisor: &Supervisor, spec: &JobSpec, controls: &Controls) -> Finding {
    let sentence = "The job has no more memory than memory.max, and what takes more is killed as a whole.";
    let limit = memory_of(spec);
    let relaxed = (spec.limits().memory_max == Some(MemoryLimit::Max)).then_some("--memory max");
    let limits = Limits { memory_max: Some(MemoryLimit::Bytes(limit)), ..spec.limits().clone() };
    let amount = limit + MORE_MEMORY;
    let ask = Ask { controller: Controller::Memory, relaxed, limits, mode: Mode::Memory, amount };
    let judge = |_: &str, outcome: &Outcome| {
        let (peak, kills) = (outcome.usage.memory_peak, outcome.evidence.oom_kills);
        match (&outcome.cause, kills) {
            _ if peak.is_some_and(|peak| peak > limit) => {
                Inside::Allowed { detail: format!("its peak is {} bytes: memory.max is {limit}", peak.unwrap_or(0)) }
            }
            (Cause::Memory { .. }, Some(1..)) => {
                Inside::Absent { detail: format!("killed at memory.max {limit}: {} kills", kills.unwrap_or(0)) }
            }
            (Cause::Itself, _) if peak.is_some() && outcome.evidence.memory_max_events != Some(0) => {
                Inside::Absent { detail: format!("the rest went to swap: memory.max is {limit}") }
            }
            _ => Inside::Unclear { detail: "the kernel told of no lack of memory".to_owned() },
        }
    };
    let (verdict, inside) = proven(supervisor, spec, ask, judge).await;
    let tried = "more memory than memory.max, in a cell of its own with a small one";
    let tried = Tried { attempt: "use_memory", tried, inside, control: control(&controls.memory) };
    Finding { promise: super::promises::MEMORY_MAX, sentence, verdict, attempts: vec![tried] }
}

/// What is to be used up.
struct Ask {
    controller: Controller,
    /// The option that gives the limit up.
    relaxed: Option<&'static str>,
    limits: Limits,
    mode: Mode,
    /// How much is to be used.
    amount: u64,
}

/// A cell, if the limit is promised here, and what is made of its end.
async fn proven(
    supervisor: &Supervisor,
    spec: &JobSpec,
    ask: Ask,
    judge: impl Fn(&str, &Outcome) -> Inside,
) -> (Verdict, Inside) {
    let untried = |why: &str| Inside::Unclear { detail: why.to_owned() };
    if let Some(flag) = ask.relaxed {
        return (Verdict::Relaxed(flag.to_owned()), untried("not tried"));
    }
    if !supervisor.controls(ask.controller) {
        let why = format!("there is no {} controller on cgroup v2 here", ask.controller.name());
        return (Verdict::NotAsked(why), untried("not tried"));
    }
    let words = vec![ask.amount.to_string().into()];
    let inside = match cell::exhausted(supervisor, spec, ask.limits, ask.mode, words).await {
        Ok((told, outcome)) => judge(&told, &outcome),
        Err(error) => unstarted(&error),
    };
    let verdict = match &inside {
        Inside::Allowed { detail } => Verdict::Broken(detail.clone()),
        Inside::Unclear { detail } => Verdict::Unproven(detail.clone()),
        _ => Verdict::Held,
    };
    (verdict, inside)
}

/// A cell that could not be made tells nothing of its limits.
fn unstarted(error: &Error) -> Inside {
    Inside::Unclear { detail: format!("there was no cell: {error}") }
}

/// Whether as much can be used outside.
fn control(seen: &Seen) -> Outside {
    match seen {
        Seen::Allowed(_) => Outside::Succeeded,
        Seen::Refused(errno) => Outside::NotPossible(format!("the host refuses it: {}", errno_name(*errno))),
        _ => Outside::NotPossible("the host has not so much to give".to_owned()),
    }
}
