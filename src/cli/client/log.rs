//! `ironcell log`: what a job has written, and with `-f` what it writes, to its end.

use super::Done;
use super::follow::{self, Prefix};
use super::to::To;
use crate::cli::voice::Voice;
use crate::rpc::convert::timestamp;
use crate::rpc::proto::stream_output_request::Start;
use crate::rpc::proto::{Stream, StreamOutputRequest};
use crate::spec::{SpecError, units};
use std::time::SystemTime;

/// The arguments of `ironcell log`.
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    /// Go on with what the job writes, until it has ended
    #[arg(short, long)]
    pub follow: bool,
    /// Begin with the last N lines
    #[arg(long, value_name = "N", conflicts_with_all = ["since", "offset"])]
    pub tail: Option<u64>,
    /// Begin with what was written within this time: 30s, 2min
    #[arg(long, value_name = "TIME", conflicts_with = "offset")]
    pub since: Option<String>,
    /// Begin with this byte, as one that was told before
    #[arg(long, value_name = "N")]
    pub offset: Option<u64>,
    /// Standard output alone
    #[arg(long, conflicts_with = "stderr")]
    pub stdout: bool,
    /// Standard error alone
    #[arg(long)]
    pub stderr: bool,
    /// Put the stream before each line; all goes to standard output
    #[arg(long)]
    pub prefix: bool,
    /// Which daemon.
    #[command(flatten)]
    pub to: To,
    /// The job: its id, the beginning of it, or its name
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Prints it.
pub async fn log(args: &LogArgs, err: &mut Voice<'_>) -> Done {
    let request = request(args, SystemTime::now())?;
    let mut client = args.to.connect().await?;
    let prefix = if args.prefix { Prefix::Stream } else { Prefix::None };
    follow::end_of(&mut client, request, prefix, err).await?;
    Ok(0)
}

fn request(args: &LogArgs, now: SystemTime) -> Result<StreamOutputRequest, SpecError> {
    let since = args.since.as_ref().map(|time| units::duration("--since", time)).transpose()?;
    let start = match (args.offset, args.tail, since) {
        (Some(offset), ..) => Some(Start::Offset(offset)),
        (_, Some(lines), _) => Some(Start::TailLines(lines)),
        (.., Some(time)) => now.checked_sub(time).and_then(timestamp).map(Start::Since),
        (None, None, None) => None,
    };
    let streams = [(args.stdout, Stream::Stdout), (args.stderr, Stream::Stderr)];
    let streams = streams.into_iter().filter(|(wanted, _)| *wanted).map(|(_, stream)| stream as i32).collect();
    Ok(StreamOutputRequest { id: args.id.clone(), follow: args.follow, start, streams, ..Default::default() })
}
