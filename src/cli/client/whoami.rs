//! `ironcell whoami`: who the daemon takes you for.

use super::Done;
use super::to::To;
use crate::rpc::client::answer;
use crate::rpc::proto::WhoAmIRequest;
use serde_json::json;

/// The arguments of `ironcell whoami`.
#[derive(Debug, clap::Args)]
pub struct WhoamiArgs {
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Prints it.
pub async fn whoami(args: &WhoamiArgs) -> Done {
    let mut client = args.to.connect().await?;
    let me = answer(client.system.who_am_i(WhoAmIRequest {}).await)?;
    let json = || json!({ "owner": me.owner, "name": me.name, "role": me.role, "fingerprint": me.fingerprint });
    args.to.print(json, || format!("{}, {}, owner {}\n", me.name, me.role, me.owner))?;
    Ok(0)
}
