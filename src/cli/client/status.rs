//! `ironcell status`: one word, and how and why it ended.

use super::table;
use super::to::To;
use super::{Done, json};
use crate::rpc::client::answer;
use crate::rpc::proto::GetJobRequest;

/// The arguments of `ironcell status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Prints it: running, completed, failed or terminated.
pub async fn status(args: &StatusArgs) -> Done {
    let mut client = args.to.connect().await?;
    let job = answer(client.jobs.get_job(GetJobRequest { id: args.id.clone() }).await)?;
    args.to.print(|| json::job(&job), || table::status(&job))?;
    Ok(0)
}
