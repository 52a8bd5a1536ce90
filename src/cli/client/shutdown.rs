//! `ironcell shutdown`: the end of the daemon.

use super::Done;
use super::to::To;
use crate::rpc::client::answer;
use crate::rpc::convert::duration;
use crate::rpc::proto::ShutdownRequest;
use crate::spec::units;

/// The arguments of `ironcell shutdown`.
#[derive(Debug, clap::Args)]
pub struct ShutdownArgs {
    /// Time that each job has after SIGTERM, in place of its own
    #[arg(long, value_name = "TIME", conflicts_with = "leave_jobs")]
    pub grace: Option<String>,
    /// Let the jobs go on; the next daemon takes them over
    #[arg(long)]
    pub leave_jobs: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Asks for it.
pub async fn shutdown(args: &ShutdownArgs) -> Done {
    let grace = args.grace.as_ref().map(|time| units::duration("--grace", time)).transpose()?;
    let mut client = args.to.connect().await?;
    let request = ShutdownRequest { grace: grace.map(duration), leave_jobs: args.leave_jobs };
    answer(client.system.shutdown(request).await)?;
    Ok(0)
}
