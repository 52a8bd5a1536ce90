//! `ironcell drain`: the daemon starts no more jobs, and says which run.

use super::to::To;
use super::{Done, json, table};
use crate::rpc::client::answer;
use crate::rpc::proto::DrainRequest;
use serde_json::Value;
use std::time::SystemTime;

/// The arguments of `ironcell drain`.
#[derive(Debug, clap::Args)]
pub struct DrainArgs {
    /// Have it start jobs again
    #[arg(long)]
    pub cancel: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Asks for it, and prints the jobs that have not ended.
pub async fn drain(args: &DrainArgs) -> Done {
    let mut client = args.to.connect().await?;
    let left = answer(client.system.drain(DrainRequest { cancel: args.cancel }).await)?;
    let text = || {
        let more = match left.left_out {
            0 => String::new(),
            more => format!("and {more} more: ironcell ls\n"),
        };
        table::jobs(&left.jobs, SystemTime::now()) + &more
    };
    args.to.print(|| left.jobs.iter().map(json::job).collect::<Value>(), text)?;
    Ok(0)
}
