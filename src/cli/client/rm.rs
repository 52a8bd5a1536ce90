//! `ironcell rm`: takes jobs that have ended out of the list.

use super::to::To;
use super::{Done, each};
use crate::cli::voice::Voice;
use crate::rpc::client::answer;
use crate::rpc::proto::DeleteJobRequest;
use serde_json::json;

/// The arguments of `ironcell rm`.
#[derive(Debug, clap::Args)]
pub struct RmArgs {
    /// Stop a job that has not ended first; else it is refused
    #[arg(short, long)]
    pub stop: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The jobs: their ids, the beginnings of them, or their names
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Takes each out.
pub async fn rm(args: &RmArgs, err: &mut Voice<'_>) -> Done {
    each(&args.to, &args.ids, err, async |client, id| {
        answer(client.jobs.delete_job(DeleteJobRequest { id: id.to_owned(), stop_first: args.stop }).await)?;
        args.to.print(|| json!({ "removed": id }), || format!("{id} removed\n"))
    })
    .await
}
