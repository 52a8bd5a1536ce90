//! `ironcell stop`: softly, and then as hard as it takes.

use super::to::To;
use super::{Done, each, json};
use crate::cli::voice::Voice;
use crate::rpc::client::answer;
use crate::rpc::convert::duration;
use crate::rpc::proto::StopJobRequest;
use crate::spec::units;

/// The arguments of `ironcell stop`.
#[derive(Debug, clap::Args)]
pub struct StopArgs {
    /// Time from the soft stop (SIGTERM) to the hard one, in place of the job's own
    #[arg(long, value_name = "TIME", conflicts_with = "kill")]
    pub grace: Option<String>,
    /// Kill the whole cell at once
    #[arg(long)]
    pub kill: bool,
    /// Only ask for it
    #[arg(long)]
    pub no_wait: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The jobs: their ids, the beginnings of them, or their names
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Stops each; one that has ended is no error.
pub async fn stop(args: &StopArgs, err: &mut Voice<'_>) -> Done {
    let grace = args.grace.as_ref().map(|time| units::duration("--grace", time)).transpose()?;
    each(&args.to, &args.ids, err, async |client, id| {
        let grace = grace.map(duration);
        let request = StopJobRequest { id: id.to_owned(), grace, kill: args.kill, no_wait: args.no_wait };
        let stopped = answer(client.jobs.stop_job(request).await)?;
        let job = stopped.job.unwrap_or_default();
        let word = if stopped.was_running { "stopped" } else { "had ended" };
        args.to.print(|| json::job(&job), || format!("{} {word}\n", job.id))
    })
    .await
}
