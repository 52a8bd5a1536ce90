//! What the daemon tells, as JSON: the members of the wire by the same names, ends in the shape of a report's.

use crate::cli::utc::rfc3339;
use crate::rpc::convert::{argv_of, moment, outcome_of, state_of};
use crate::rpc::proto::{Job, JobStats, Process, Run};
use serde_json::{Value, json};

/// A moment of the wire's; null where there is none.
macro_rules! at {
    ($at:expr) => {
        $at.as_ref().and_then(moment).map(rfc3339)
    };
}

/// A job.
pub fn job(job: &Job) -> Value {
    let state = state_of(job.state);
    let argv: Vec<String> = argv_of(job).iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    json!({
        "id": job.id,
        "name": some(&job.name),
        "argv": argv,
        "owner": job.owner,
        "state": state.map(|state| state.to_string()),
        "status": state.map(|state| state.word()),
        "pid": (job.pid > 0).then_some(job.pid),
        "created": at!(job.create_time),
        "started": at!(job.start_time),
        "ended": at!(job.end_time),
        "label": job.label,
        "output": { "begin": job.output_begin, "end": job.output_end },
        "outcome": job.outcome.as_ref().map(outcome_of),
        "runs": job.runs.iter().map(run).collect::<Vec<_>>(),
        "over": some(&job.over),
        "attached": job.attached.as_ref().map(|held| json!({ "by": held.by, "since": at!(held.since) })),
    })
}

/// One of several runs.
fn run(run: &Run) -> Value {
    json!({
        "number": run.number,
        "offset": run.offset,
        "started": at!(run.start_time),
        "outcome": run.outcome.as_ref().map(outcome_of),
    })
}

/// A text, or null.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// What a job uses.
pub fn stats(id: &str, stats: &JobStats) -> Value {
    let now = crate::rpc::convert::stats_of(stats);
    json!({
        "id": id,
        "usage": now.usage,
        "memory": now.memory,
        "swap": now.swap,
        "pids": now.pids,
        "oom_kills": now.oom_kills,
        "paused": now.paused,
    })
}

/// A process.
pub fn process(process: &Process) -> Value {
    let age = process.age.as_ref().map(crate::rpc::convert::told).unwrap_or_default();
    json!({
        "pid": process.pid,
        "host_pid": process.host_pid,
        "parent": process.parent,
        "comm": process.comm,
        "age": age.as_secs_f64(),
    })
}
