//! `ironcell pause` and `ironcell resume`: two halves of one thing.

use super::to::To;
use super::{Done, each, json};
use crate::cli::voice::Voice;
use crate::rpc::client::answer;
use crate::rpc::proto::{PauseJobRequest, ResumeJobRequest};

/// The arguments of both.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The jobs: their ids, the beginnings of them, or their names
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Holds each still.
pub async fn pause(args: &ChangeArgs, err: &mut Voice<'_>) -> Done {
    each(&args.to, &args.ids, err, async |client, id| {
        let job = answer(client.jobs.pause_job(PauseJobRequest { id: id.to_owned() }).await)?;
        args.to.print(|| json::job(&job), || format!("{} paused\n", job.id))
    })
    .await
}

/// Lets each go on.
pub async fn resume(args: &ChangeArgs, err: &mut Voice<'_>) -> Done {
    each(&args.to, &args.ids, err, async |client, id| {
        let job = answer(client.jobs.resume_job(ResumeJobRequest { id: id.to_owned() }).await)?;
        args.to.print(|| json::job(&job), || format!("{} goes on\n", job.id))
    })
    .await
}
