//! `ironcell top`: what all running jobs use, again and again.

use super::ls::{self, FilterArgs, RUNNING};
use super::to::To;
use super::{Done, json, table};
use crate::cli::voice::harmless;
use crate::life::Stats;
use crate::rpc::client::{Client, answer};
use crate::rpc::convert::stats_of;
use crate::rpc::proto::{GetJobStatsRequest, Job, JobStats};
use crate::spec::units::{self, Rounded};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// To the top left corner, and nothing below: ECMA-48.
const ANEW: &str = "\x1b[H\x1b[J";

/// The arguments of `ironcell top`.
#[derive(Debug, clap::Args)]
pub struct TopArgs {
    /// Time between two looks; 2s unless asked for
    #[arg(long, value_name = "TIME")]
    pub every: Option<String>,
    /// Looks; without end on a terminal, and 1 elsewhere, unless asked for
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Prints a table a look.
pub async fn top(args: &TopArgs) -> Done {
    let every = args.every.as_ref().map(|time| units::duration("--every", time)).transpose()?.unwrap_or(EVERY);
    let filter = args.filter.filter(RUNNING)?;
    let mut client = args.to.connect().await?;
    let terminal = io::stdout().is_terminal() && !args.to.json;
    let looks = args.count.unwrap_or(if terminal { u64::MAX } else { 1 });
    let mut before = HashMap::new();
    for look in 0..looks {
        if look > 0 {
            tokio::time::sleep(every).await;
        }
        let now = Instant::now();
        let jobs = ls::all(&mut client, filter.clone()).await?;
        let used = used(&mut client, &jobs).await;
        let rows: Vec<Vec<String>> = used.iter().map(|(job, stats)| row(job, &stats_of(stats), &before, now)).collect();
        let text = || {
            let table = table::columns(&["ID", "NAME", "CPU", "MEMORY", "PIDS", "TIME", "COMMAND"], &rows);
            if terminal { format!("{ANEW}{table}") } else { table }
        };
        args.to.print(|| used.iter().map(|(job, stats)| json::stats(&job.id, stats)).collect::<Value>(), text)?;
        before = used.iter().map(|(job, stats)| (job.id.clone(), (now, cpu(&stats_of(stats))))).collect();
    }
    Ok(0)
}

/// What each uses; one that has ended meanwhile is left out.
async fn used(client: &mut Client, jobs: &[Job]) -> Vec<(Job, JobStats)> {
    let mut used = Vec::with_capacity(jobs.len());
    for job in jobs {
        let stats = answer(client.jobs.get_job_stats(GetJobStatsRequest { id: job.id.clone() }).await);
        used.extend(stats.ok().map(|stats| (job.clone(), stats)));
    }
    used
}

fn cpu(stats: &Stats) -> Duration {
    stats.usage.cpu().unwrap_or_default()
}

fn row(job: &Job, stats: &Stats, before: &HashMap<String, (Instant, Duration)>, now: Instant) -> Vec<String> {
    let share = before.get(&job.id).map(|(at, used)| {
        let passed = now.duration_since(*at).as_secs_f64();
        format!("{:.0}%", cpu(stats).saturating_sub(*used).as_secs_f64() / passed.max(f64::EPSILON) * 100.0)
    });
    let unknown = || "-".to_owned();
    vec![
        job.id.clone(),
        harmless(&job.name),
        share.unwrap_or_else(unknown),
        stats.memory.map_or_else(unknown, |bytes| Rounded(bytes).to_string()),
        stats.pids.map_or_else(unknown, |pids| pids.to_string()),
        table::in_short(stats.usage.wall),
        table::command(job),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Usage;

    #[test]
    fn the_share_of_a_processor_is_what_was_used_since_the_last_look() {
        let job = Job { id: "a".to_owned(), ..Default::default() };
        let used = |secs| Some(Duration::from_secs(secs));
        let usage = Usage { cpu_user: used(3), cpu_system: used(0), ..Usage::default() };
        let (stats, then) = (Stats { usage, ..Stats::default() }, Instant::now());
        let before = HashMap::from([("a".to_owned(), (then, Duration::from_secs(2)))]);
        assert_eq!(row(&job, &stats, &before, then + Duration::from_secs(2))[2], "50%");
        assert_eq!(row(&job, &stats, &HashMap::new(), then)[2], "-");
    }
}
