//! `ironcell wait`: the end of a job, with the words and the exit code of `run`.

use super::table::footer;
use super::to::To;
use super::{Done, Failure, json};
use crate::cli::exit::{self, TimedOut};
use crate::cli::voice::Voice;
use crate::life::Outcome;
use crate::rpc::client::{Client, answer};
use crate::rpc::convert::{duration, outcome_of};
use crate::rpc::proto::WaitJobRequest;
use crate::spec::units;

/// The arguments of `ironcell wait`.
#[derive(Debug, clap::Args)]
pub struct WaitArgs {
    /// Wait so long at most: 30s, 2min; a job that has not ended by then is no end, and 125 is returned
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Waits.
pub async fn wait(args: &WaitArgs, err: &mut Voice<'_>) -> Done {
    let timeout = args.timeout.as_ref().map(|time| units::duration("--timeout", time)).transpose()?;
    let mut client = args.to.connect().await?;
    let request = WaitJobRequest { id: args.id.clone(), timeout: timeout.map(duration) };
    let job = answer(client.jobs.wait_job(request).await)?;
    if args.to.json {
        args.to.print(|| json::job(&job), String::new)?;
    }
    let Some(outcome) = job.outcome else {
        return Err(Failure::Said(format!("the job {} has not ended yet", args.id)));
    };
    Ok(told(outcome_of(&outcome), err))
}

/// The same without a time.
pub async fn ended(client: &mut Client, id: &str, err: &mut Voice<'_>) -> Done {
    let job = answer(client.jobs.wait_job(WaitJobRequest { id: id.to_owned(), timeout: None }).await)?;
    Ok(told(outcome_of(&job.outcome.unwrap_or_default()), err))
}

/// Says how and why it ended, and what is returned for it.
pub fn told(outcome: Outcome, err: &mut Voice) -> u8 {
    footer(&outcome).iter().for_each(|line| err.say(line));
    exit::code(&outcome, TimedOut::Code124)
}
