//! The flags of `ironcell run` about a job's end: the times that bring it about beside `--time`, and who is told of it.

use crate::cli::exit::TimedOut;
use clap::ValueHint;
use std::path::PathBuf;

/// The flags; `--time`, `--grace` and `--report` are beside them.
#[derive(Debug, Default, clap::Args)]
pub struct Ends {
    /// Stop the job after this much processor time of its whole tree: 10s, 1.5, 2min
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub cpu_time: Option<String>,
    /// Stop the job when no process of it has run for this long: none used a processor, and so none wrote anything
    #[arg(long, value_name = "TIME", help_heading = "Limits")]
    pub idle: Option<String>,

    /// Write what happened to a file as lines key:value, as the contest sandbox isolate does, - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "dry_run")]
    pub meta: Option<PathBuf>,
    /// Write each thing as it happens to a file as a line of JSON, - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "dry_run")]
    pub events: Option<PathBuf>,
    /// Return the command's own code, not 124, when a time was over
    #[arg(long)]
    pub preserve_status: bool,
}

impl Ends {
    /// What is returned when a time was over.
    pub fn timed_out(&self) -> TimedOut {
        if self.preserve_status { TimedOut::OwnStatus } else { TimedOut::Code124 }
    }
}
