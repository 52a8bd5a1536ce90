//! What happened to a job, on the wire.

use super::{job, timestamp};
use crate::life::{Cause, Throttle};
use crate::rpc::proto::{self, job_event::Type};
use crate::supervise::{Change, Event, JobInfo};

/// An event, with the job as it stands now, if it is listed.
pub fn event(event: &Event, now: Option<&JobInfo>) -> proto::JobEvent {
    let (kind, detail, count) = match &event.change {
        Change::Created => (Type::Created, String::new(), 0),
        Change::Started { .. } => (Type::Started, String::new(), 0),
        Change::NotStarted { why } => (Type::NotStarted, why.clone(), 0),
        Change::Paused => (Type::Paused, String::new(), 0),
        Change::Resumed => (Type::Resumed, String::new(), 0),
        Change::Updated => (Type::Updated, String::new(), 0),
        Change::Throttled { by: Throttle::CpuMax } => (Type::Throttled, "cpu.max".to_owned(), 0),
        Change::Throttled { by: Throttle::MemoryHigh } => (Type::Throttled, "memory.high".to_owned(), 0),
        Change::Oom { kills } => (Type::Oom, String::new(), *kills),
        Change::Stopping { cause, .. } => (Type::Stopping, (*cause).to_owned(), 0),
        Change::Restarting { next, cause, .. } => (Type::Restarting, word(cause), u64::from(*next)),
        Change::Ended(_) => (Type::Ended, String::new(), 0),
        Change::Lost => (Type::Lost, String::new(), 0),
        Change::Removed => (Type::Removed, String::new(), 0),
    };
    let now = match &event.change {
        Change::Ended(outcome) => now.map(|info| super::detail(info, Some(outcome))),
        _ => now.map(job),
    };
    proto::JobEvent {
        r#type: kind as i32,
        time: timestamp(event.at),
        id: event.id.short(),
        owner: event.owner.to_string(),
        job: now,
        detail,
        count,
    }
}

/// The word of a cause, as reports have it.
fn word(cause: &Cause) -> String {
    let json = serde_json::to_value(cause).unwrap_or_default();
    json["cause"].as_str().unwrap_or_default().to_owned()
}
