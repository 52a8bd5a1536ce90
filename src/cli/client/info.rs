//! `ironcell info`: what the daemon is, and what its host can do.

use super::to::To;
use super::{Done, table};
use crate::cli::utc::rfc3339;
use crate::rpc::client::answer;
use crate::rpc::convert::moment;
use crate::rpc::proto::{GetServerInfoRequest, ServerInfo};
use serde_json::{Value, json};

/// The arguments of `ironcell info`.
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Prints it.
pub async fn info(args: &InfoArgs) -> Done {
    let mut client = args.to.connect().await?;
    let info = answer(client.system.get_server_info(GetServerInfoRequest {}).await)?;
    args.to.print(|| machine(&info), || text(&info))?;
    Ok(0)
}

fn text(info: &ServerInfo) -> String {
    let since = info.start_time.as_ref().and_then(moment).map(rfc3339).unwrap_or_default();
    let draining = if info.draining { ", draining" } else { "" };
    let rows: Vec<Vec<String>> =
        info.checks.iter().map(|check| vec![check.item.clone(), check.state.clone(), check.found.clone()]).collect();
    let head = format!(
        "ironcelld {} since {since}: {} jobs run, {} have ended{draining}\n\n",
        info.version, info.jobs_running, info.jobs_ended
    );
    head + &table::columns(&["WHAT", "STATE", "FOUND"], &rows)
}

fn machine(info: &ServerInfo) -> Value {
    let checks: Vec<Value> = info
        .checks
        .iter()
        .map(|check| json!({ "item": check.item, "state": check.state, "found": check.found, "remedy": check.remedy }))
        .collect();
    json!({
        "version": info.version,
        "started": info.start_time.as_ref().and_then(moment).map(rfc3339),
        "jobs": { "running": info.jobs_running, "ended": info.jobs_ended },
        "draining": info.draining,
        "checks": checks,
    })
}
