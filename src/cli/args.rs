//! The command line as a whole: the verbs, and what becomes of a line that has no meaning.

#[cfg(feature = "daemon")]
use super::pki;
use super::{completions, doctor, exit, run, schema, verify};
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Runs a command on Linux in a cell: fresh namespaces and a cgroup v2 of its own, every limit enforced or refused,
/// every end explained.
#[derive(Debug, Parser)]
#[command(name = "ironcell", version, propagate_version = true, disable_help_subcommand = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What ironcell can be asked for.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a command in a cell and wait for its end
    Run(Box<run::RunArgs>),
    /// What is asked of a daemon.
    #[cfg(feature = "daemon")]
    #[command(flatten)]
    Client(Box<super::client::ClientVerb>),
    /// Say what this host can and cannot do, item by item, with the remedy
    Doctor(doctor::DoctorArgs),
    /// Build a cell with run's options, attack it from inside, and say promise by promise whether it holds
    Verify(Box<verify::VerifyArgs>),
    /// Print the completions for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page, for man(1): `ironcell man | man -l -`
    Man,
    /// Make and revoke certificates for a daemon and those who call it
    #[cfg(feature = "daemon")]
    Pki(pki::PkiArgs),
    /// Print the JSON schema of reports, or of job descriptions
    Schema(schema::SchemaArgs),
}

impl Args {
    /// The arguments read, or the exit code after help, version or a refusal was printed.
    ///
    /// # Errors
    /// The exit code.
    pub fn read(argv: impl IntoIterator<Item = OsString>) -> Result<Self, u8> {
        Self::try_parse_from(argv).map_err(|error| {
            // There is nobody to tell when the terminal is gone.
            let _ = error.print();
            code(&error)
        })
    }
}

/// Everything that clap refuses is ironcell's own failure, never clap's 2, which could be the command's.
fn code(error: &clap::Error) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        _ => exit::OWN_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn read(line: &[&str]) -> Result<Args, u8> {
        Args::try_parse_from(["ironcell"].iter().chain(line)).map_err(|error| code(&error))
    }

    #[test]
    fn the_definition_of_the_flags_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_line_without_meaning_is_ironcells_own_failure() {
        for line in [
            &[][..],
            &["frobnicate"],
            &["run"],
            &["run", "--memry", "64M", "--", "true"],
            &["run", "--memory"],
            &["run", "--net", "bridge", "true"],
            &["run", "--dry-run", "--report", "-", "true"],
            &["completions", "tcsh"],
            &["verify", "true"],
            &["verify", "--memry", "64M"],
            &["verify", "--report", "-"],
        ] {
            assert_eq!(read(line).err(), Some(exit::OWN_FAILURE), "{line:?}");
        }
    }

    #[test]
    fn help_and_version_are_no_failure() {
        for line in [&["--help"][..], &["-h"], &["--version"], &["-V"], &["run", "--help"], &["doctor", "-V"]] {
            assert_eq!(read(line).err(), Some(0), "{line:?}");
        }
    }

    #[test]
    fn what_follows_the_command_is_the_commands() {
        for line in [&["run", "-q", "ls", "-q", "--memory"][..], &["run", "-q", "--", "ls", "-q", "--memory"]] {
            let Verb::Run(run) = read(line).expect("a command").verb else { panic!("{line:?} is run") };
            assert_eq!(run.command, ["ls", "-q", "--memory"]);
            assert!(run.quiet && run.cell.memory.is_none());
        }
    }
}
