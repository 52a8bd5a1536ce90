//! The flags of `ironcell run` about how a job's end is told.

use crate::cli::exit::TimedOut;
use clap::ValueHint;
use std::path::PathBuf;

/// The flags; `--report` is beside them.
#[derive(Debug, Default, clap::Args)]
pub struct Ends {
    /// Write what happened to a file as lines key:value, as the contest sandbox isolate does, - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "dry_run")]
    pub meta: Option<PathBuf>,
    /// Write each thing as it happens to a file as a line of JSON, - is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "dry_run")]
    pub events: Option<PathBuf>,
    /// Return the command's own code, not 124, when a time or --output-limit was over
    #[arg(long)]
    pub preserve_status: bool,
}

impl Ends {
    /// What is returned when a time or the output limit was over.
    pub fn timed_out(&self) -> TimedOut {
        if self.preserve_status { TimedOut::OwnStatus } else { TimedOut::Code124 }
    }
}
