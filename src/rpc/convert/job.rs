//! A job, and what is told of a running one, on the wire.

use super::outcome::in_short;
use super::spec::words;
use super::{duration, outcome, timestamp, usage, usage_of};
use crate::life::{Outcome, Process, Run, Stats, Status};
use crate::rpc::proto;
use crate::supervise::JobInfo;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::UNIX_EPOCH;

/// A job as it stands in a list.
pub fn job(info: &JobInfo) -> proto::Job {
    let outcome = info.exit.zip(info.cause.as_ref()).map(|(exit, cause)| in_short(exit, cause));
    proto::Job {
        id: info.id.short(),
        name: info.name.clone().unwrap_or_default(),
        argv: info.argv.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
        owner: info.owner.to_string(),
        state: state(info.status) as i32,
        pid: info.pid.and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default(),
        create_time: timestamp(info.created),
        start_time: info.started.and_then(timestamp),
        end_time: info.ended.and_then(timestamp),
        label: info.labels.clone(),
        output_begin: info.output.start,
        output_end: info.output.end,
        outcome,
        attached: None,
        runs: info.runs.iter().map(run).collect(),
        over: info.over.map(|over| over.word().to_owned()).unwrap_or_default(),
    }
}

/// One of several runs.
fn run(run: &Run) -> proto::Run {
    proto::Run {
        number: run.number,
        offset: run.offset,
        start_time: timestamp(UNIX_EPOCH + run.started),
        outcome: run.end.as_ref().map(|(exit, cause)| in_short(*exit, cause)),
    }
}

/// A job with all that is known of its end.
pub fn detail(info: &JobInfo, end: Option<&Outcome>) -> proto::Job {
    let job = job(info);
    match end {
        // It is told before the list has it.
        Some(end) => proto::Job { outcome: Some(outcome(end)), state: state(Status::of(end)) as i32, pid: 0, ..job },
        None => job,
    }
}

/// The program and its arguments of a job of the wire.
pub fn argv_of(job: &proto::Job) -> Vec<OsString> {
    words(&job.argv)
}

/// Where a job stands.
pub(super) fn state(status: Status) -> proto::JobState {
    match status {
        Status::Starting => proto::JobState::Starting,
        Status::Running => proto::JobState::Running,
        Status::Paused => proto::JobState::Paused,
        Status::Stopping => proto::JobState::Stopping,
        Status::Completed => proto::JobState::Completed,
        Status::Failed => proto::JobState::Failed,
        Status::Terminated => proto::JobState::Terminated,
    }
}

/// What a running job uses.
pub fn stats(stats: &Stats) -> proto::JobStats {
    proto::JobStats {
        usage: Some(usage(&stats.usage)),
        memory: stats.memory,
        swap: stats.swap,
        pids: stats.pids,
        oom_kills: stats.oom_kills,
        paused: stats.paused,
    }
}

/// The same from the wire.
pub fn stats_of(stats: &proto::JobStats) -> Stats {
    Stats {
        usage: stats.usage.as_ref().map(usage_of).unwrap_or_default(),
        memory: stats.memory,
        swap: stats.swap,
        pids: stats.pids,
        oom_kills: stats.oom_kills,
        paused: stats.paused,
    }
}

/// A process of a running job.
pub fn process(process: &Process) -> proto::Process {
    proto::Process {
        pid: process.pid,
        host_pid: process.host_pid,
        parent: process.parent,
        comm: process.comm.clone(),
        age: Some(duration(process.age)),
    }
}
