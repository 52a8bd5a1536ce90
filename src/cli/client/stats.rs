//! `ironcell stats`: what a running job uses now.

use super::to::To;
use super::{Done, json};
use crate::cli::render;
use crate::life::Stats;
use crate::rpc::client::answer;
use crate::rpc::convert::stats_of;
use crate::rpc::proto::GetJobStatsRequest;
use crate::spec::units::Rounded;
use std::fmt::Write as _;

/// The arguments of `ironcell stats`.
#[derive(Debug, clap::Args)]
pub struct StatsArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Prints it.
pub async fn stats(args: &StatsArgs) -> Done {
    let mut client = args.to.connect().await?;
    let stats = answer(client.jobs.get_job_stats(GetJobStatsRequest { id: args.id.clone() }).await)?;
    args.to.print(|| json::stats(&args.id, &stats), || text(&stats_of(&stats)))?;
    Ok(0)
}

/// For people: what is not known is left out.
fn text(stats: &Stats) -> String {
    let mut text = format!("{}\n", render::used(&stats.usage));
    let now = [
        stats.memory.map(|bytes| format!("{} of memory", Rounded(bytes))),
        stats.swap.filter(|bytes| *bytes > 0).map(|bytes| format!("{} of swap", Rounded(bytes))),
        stats.pids.map(|pids| format!("{pids} pids")),
        stats.oom_kills.filter(|kills| *kills > 0).map(|kills| format!("{kills} OOM kills")),
        stats.paused.then(|| "paused".to_owned()),
    ];
    let now: Vec<String> = now.into_iter().flatten().collect();
    if !now.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "now: {}", now.join(", "));
    }
    text
}
