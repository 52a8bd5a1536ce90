//! `ironcell reconcile`: clears away what dead owners left.

use super::Done;
use super::to::To;
use crate::rpc::client::answer;
use crate::rpc::proto::ReconcileRequest;
use serde_json::json;

/// The arguments of `ironcell reconcile`.
#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    /// Only print what would be cleared away
    #[arg(long)]
    pub dry_run: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
}

/// Clears it away, and prints what it was.
pub async fn reconcile(args: &ReconcileArgs) -> Done {
    let mut client = args.to.connect().await?;
    let done = answer(client.system.reconcile(ReconcileRequest { dry_run: args.dry_run }).await)?;
    let json = || json!({ "found": done.found, "cells": done.cells });
    args.to.print(json, || done.cells.iter().map(|cell| format!("{cell}\n")).collect())?;
    Ok(0)
}
