//! `ironcell purge`: takes all jobs that have ended and are meant out of the list.

use super::Done;
use super::ls::FilterArgs;
use super::to::To;
use crate::rpc::client::answer;
use crate::rpc::proto::PurgeJobsRequest;
use serde_json::json;

/// The arguments of `ironcell purge`.
#[derive(Debug, clap::Args)]
pub struct PurgeArgs {
    /// Which.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Only print which
    #[arg(long)]
    pub dry_run: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Takes them out, and prints their ids.
pub async fn purge(args: &PurgeArgs) -> Done {
    let filter = Some(args.filter.filter([])?);
    let mut client = args.to.connect().await?;
    let purged = answer(client.jobs.purge_jobs(PurgeJobsRequest { filter, dry_run: args.dry_run }).await)?;
    let text = || {
        let mut text: String = purged.ids.iter().map(|id| format!("{id}\n")).collect();
        if purged.left_out > 0 {
            text += &format!("and {} more\n", purged.left_out);
        }
        text
    };
    args.to.print(|| json!({ "ids": purged.ids, "left_out": purged.left_out }), text)?;
    Ok(0)
}
