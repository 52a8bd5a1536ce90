//! `--ro`, `--rw` and `--tmpfs` in the order in which they were given, across the three: a later mount covers an earlier.

use crate::spec::words::MountKind;
use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueHint};
use std::ffi::OsString;

/// The flags as clap knows them, each kind for itself; `in_order` reads the values, with their places on the line.
#[derive(Debug, Args)]
struct Flags {
    /// Show a file or directory of the host, read-only; at its own path unless DST says where; repeatable
    #[arg(long, value_name = "SRC[:DST]", value_hint = ValueHint::AnyPath, help_heading = "Files and network")]
    ro: Vec<OsString>,
    /// The same, writable: what the job creates belongs to the directory's owner; repeatable
    #[arg(long, value_name = "SRC[:DST]", value_hint = ValueHint::AnyPath, help_heading = "Files and network")]
    rw: Vec<OsString>,
    /// An empty, writable directory in memory: /scratch:size=64M; repeatable
    #[arg(long, value_name = "DST[:SIZE]", help_heading = "Files and network")]
    tmpfs: Vec<OsString>,
}

/// All mounts of a line, in its order.
#[derive(Debug, Default)]
pub struct Mounts(pub Vec<(MountKind, OsString)>);

/// clap gives every value its index on the line.
fn in_order(matches: &ArgMatches) -> Mounts {
    let mut found = Vec::new();
    for (id, kind) in MountKind::ALL {
        let indices = matches.indices_of(id).into_iter().flatten();
        let values = matches.get_many::<OsString>(id).into_iter().flatten();
        found.extend(indices.zip(values).map(|(index, value)| (index, kind, value.clone())));
    }
    found.sort_by_key(|(index, ..)| *index);
    Mounts(found.into_iter().map(|(_, kind, value)| (kind, value)).collect())
}

impl FromArgMatches for Mounts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(in_order(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = in_order(matches);
        Ok(())
    }
}

impl Args for Mounts {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}
