//! `ironcell events`: what happens to jobs, a line each, until it is interrupted.

use super::Done;
use super::json;
use super::ls::FilterArgs;
use super::to::To;
use crate::cli::utc::rfc3339;
use crate::cli::voice::{Voice, harmless};
use crate::rpc::client::{answer, next};
use crate::rpc::convert::moment;
use crate::rpc::proto::job_event::Type;
use crate::rpc::proto::{JobEvent, WatchJobsRequest};
use serde_json::json as object;

/// The arguments of `ironcell events`.
#[derive(Debug, clap::Args)]
pub struct EventsArgs {
    /// Begin with the jobs as they stand
    #[arg(short, long)]
    pub all: bool,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Prints them.
pub async fn events(args: &EventsArgs, err: &mut Voice<'_>) -> Done {
    let filter = Some(args.filter.filter([])?);
    let mut client = args.to.connect().await?;
    let mut events = answer(client.jobs.watch_jobs(WatchJobsRequest { filter }).await)?;
    while let Some(event) = next(&mut events).await? {
        let kind = Type::try_from(event.r#type).unwrap_or_default();
        match kind {
            Type::Snapshot | Type::SnapshotEnd if !args.all => {}
            Type::Gap => err.say(&format!("{} events were missed: this reader was too slow", event.count)),
            _ => args.to.print(|| machine(&event, kind), || format!("{}\n", line(&event, kind)))?,
        }
    }
    Ok(0)
}

/// The word of a kind: that of the wire without what all have in common.
fn word(kind: Type) -> String {
    kind.as_str_name().trim_start_matches("TYPE_").to_ascii_lowercase()
}

fn time(event: &JobEvent) -> Option<String> {
    event.time.as_ref().and_then(moment).map(rfc3339)
}

fn line(event: &JobEvent, kind: Type) -> String {
    let mut parts = vec![time(event).unwrap_or_default(), event.id.clone(), event.owner.clone(), word(kind)];
    if event.count > 0 {
        parts.push(event.count.to_string());
    }
    parts.push(harmless(&event.detail));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

fn machine(event: &JobEvent, kind: Type) -> serde_json::Value {
    object!({
        "time": time(event),
        "event": word(kind),
        "id": event.id,
        "owner": event.owner,
        "detail": event.detail,
        "count": event.count,
        "job": event.job.as_ref().map(json::job),
    })
}
