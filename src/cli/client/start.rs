//! `ironcell start`: a job as `run` describes it, held by the daemon.

use super::follow::Prefix;
use super::to::To;
use super::{Done, Failure, follow, json, wait};
use crate::cli::run::{CellArgs, words_of};
use crate::cli::voice::Voice;
use crate::rpc::client::answer;
use crate::rpc::convert;
use crate::rpc::proto::{self, StartJobRequest, StreamOutputRequest, stdin};
use crate::spec::words::Caller;
use crate::supervise::window_of;
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;

/// The two forms of a line.
const USAGE: &str = "ironcell start [OPTIONS] [--] COMMAND [ARGUMENTS]...
       ironcell start [OPTIONS] --spec FILE [-- COMMAND [ARGUMENTS]...]";

/// The arguments of `ironcell start`.
#[derive(Debug, clap::Args)]
#[command(args_override_self = true, override_usage = USAGE)]
pub struct StartArgs {
    /// The cell.
    #[command(flatten)]
    pub cell: CellArgs,

    /// Give the job a standard input that attach can write to
    #[arg(long, conflicts_with = "terminal")]
    pub stdin: bool,
    /// Give the job a terminal of its own, that attach can type into
    #[arg(short, long)]
    pub terminal: bool,
    /// Stay, print what the job writes, and return what run would
    #[arg(short, long)]
    pub follow: bool,
    /// Stay until the job has ended, and have it killed when this connection ends before
    #[arg(long)]
    pub lease: bool,
    /// Print the whole plan of the daemon's host, and start nothing
    #[arg(long, conflicts_with_all = ["follow", "lease"])]
    pub dry_run: bool,
    /// A word of your own for this start: repeated with the same one, it starts nothing a second time
    #[arg(long, value_name = "WORD")]
    pub request_id: Option<String>,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,

    /// The command and its arguments, in place of those of --spec
    #[arg(required_unless_present = "spec", trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Starts a job.
pub async fn start(args: &StartArgs, err: &mut Voice<'_>) -> Done {
    let spec = described(args)?;
    let mut client = args.to.connect().await?;
    let request = StartJobRequest {
        spec: Some(spec),
        request_id: args.request_id.clone().unwrap_or_default(),
        validate_only: args.dry_run,
        lease: args.lease,
    };
    let started = answer(client.jobs.start_job(request).await)?;
    started.notes.iter().for_each(|note| err.say(&format!("note: {note}")));
    let Some(job) = started.job else {
        args.to.print(|| json!({ "plan": started.plan }), || format!("{}\n", started.plan.trim_end()))?;
        return Ok(0);
    };
    args.to.print(|| json::job(&job), || format!("Started job with ID: {}\n", job.id))?;
    if !args.follow && !args.lease {
        return Ok(0);
    }
    if args.follow {
        let request = StreamOutputRequest { id: job.id.clone(), follow: true, ..Default::default() };
        let end = follow::follow(&mut client, request, Prefix::None, err).await?;
        return Ok(wait::told(end, err));
    }
    wait::ended(&mut client, &job.id, err).await
}

/// The job that the flags describe, for the wire.
fn described(args: &StartArgs) -> Result<proto::JobSpec, Failure> {
    // A directory of this host says something to a daemon of this host alone.
    let cwd = std::env::current_dir().unwrap_or_default();
    let var = |name: &OsStr| std::env::var_os(name);
    let read = crate::cli::run::read_file;
    let caller = Caller { cwd: &cwd, var: &var, vars: &|| Some(std::env::vars_os().collect()), read: &read };
    let window = args.terminal.then(|| window_of(io::stdin().as_fd()));
    let spec = words_of(&args.cell, &args.command, window, &caller)?.into_spec(&caller)?;
    Ok(convert::described(&spec, args.stdin.then_some(stdin::From::Pipe(true))))
}
