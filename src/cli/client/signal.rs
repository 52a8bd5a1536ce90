//! `ironcell signal`: a signal to the leader of a job, or to every process of it.

use super::to::To;
use super::{Done, each, json};
use crate::cli::voice::Voice;
use crate::rpc::client::answer;
use crate::rpc::proto::SignalJobRequest;
use crate::rpc::proto::signal_job_request::Target;

/// The arguments of `ironcell signal`.
#[derive(Debug, clap::Args)]
pub struct SignalArgs {
    /// To every process of the job, and not to the command alone
    #[arg(short, long)]
    pub all: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The signal: TERM, SIGTERM or 15
    #[arg(value_name = "SIGNAL")]
    pub signal: String,
    /// The jobs: their ids, the beginnings of them, or their names
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
}

/// Sends it to each.
pub async fn signal(args: &SignalArgs, err: &mut Voice<'_>) -> Done {
    let target = if args.all { Target::All } else { Target::Leader } as i32;
    each(&args.to, &args.ids, err, async |client, id| {
        let request = SignalJobRequest { id: id.to_owned(), signal: args.signal.clone(), target };
        let job = answer(client.jobs.signal_job(request).await)?;
        if args.to.json { args.to.print(|| json::job(&job), String::new) } else { Ok(()) }
    })
    .await
}
