//! The command line: one verb each, and nothing that is not needed daily.

use std::ffi::OsString;

use clap::{Parser, Subcommand, ValueEnum};
use integration::Lane;

/// Runs ironcell, its tests and its benchmarks in a virtual machine with cgroup v2.
///
/// The first use installs QEMU and makes an image (about a minute, Debian and its relatives only); every further boot
/// takes a few seconds. The machine has no network, and nothing that is done in it lasts.
#[derive(Debug, Parser)]
#[command(name = "cargo vm", bin_name = "cargo vm", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// What `cargo vm` can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a command in a cell: `ironcell run` with all that follows, in a fresh machine.
    ///
    /// Standard input is passed on if it is not a terminal. The exit code is the command's; 125 says that the machine
    /// itself failed. Variables named IRONCELL_* and RUST_BACKTRACE are passed on.
    #[command(override_usage = "cargo vm run [OPTIONS OF ironcell run] -- COMMAND [ARGS]...")]
    Run {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run any command in the guest, as root, without a cell.
    Exec {
        #[arg(long, value_enum, default_value_t = Machine::Bare)]
        lane: Machine,
        /// The command and its arguments; `ironcell` is on its PATH.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Open a shell in the guest.
    Shell {
        #[arg(long, value_enum, default_value_t = Machine::Bare)]
        lane: Machine,
    },
    /// Run the whole test suite: on this machine what needs no root, in the guest what does.
    ///
    /// The last line counts: `N passed, N failed`. The exit code is 0 only if every test passed and every lane ran at
    /// least one; 124 says that a lane took too long, 125 that its machine failed.
    Test {
        /// Only this lane (may be given again); all by default.
        #[arg(long, value_enum)]
        lane: Vec<TestLane>,
        /// Only tests with this in their name, or the tests of the file with this name; leaves out fmt and clippy.
        filter: Option<String>,
        /// For the test programs themselves, such as --nocapture.
        #[arg(last = true, value_name = "LIBTEST ARGS")]
        libtest: Vec<String>,
    },
    /// Run the benchmarks, built for release, in the guest.
    Bench {
        /// On this machine instead: as fast as it is, but as noisy, too.
        #[arg(long)]
        host: bool,
        /// What each wall of a cell costs, in place of what a launch costs.
        #[arg(long)]
        walls: bool,
        /// For the benchmark program itself.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<OsString>,
    },
    /// Make the image, if it is not there yet.
    Image {
        /// Make it anew, with the newest packages and kernels.
        #[arg(long)]
        refresh: bool,
    },
}

/// The lanes that boot a machine.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Machine {
    /// Linux 6.1 with nothing in it but the agent as PID 1.
    Bare,
    /// Linux 6.1 with systemd as PID 1.
    Systemd,
    /// Linux 6.12, otherwise as bare.
    Next,
}

impl From<Machine> for Lane {
    fn from(machine: Machine) -> Self {
        match machine {
            Machine::Bare => Self::Bare,
            Machine::Systemd => Self::Systemd,
            Machine::Next => Self::Next,
        }
    }
}

/// The lanes of the test suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestLane {
    /// This machine: formatting, lints, and the tests that need neither root nor cgroup v2.
    Host,
    /// Linux 6.1 with nothing in it but the agent as PID 1.
    Bare,
    /// Linux 6.1 with systemd as PID 1.
    Systemd,
    /// Linux 6.12, otherwise as bare.
    Next,
}

impl TestLane {
    pub fn machine(self) -> Option<Lane> {
        match self {
            Self::Host => None,
            Self::Bare => Some(Lane::Bare),
            Self::Systemd => Some(Lane::Systemd),
            Self::Next => Some(Lane::Next),
        }
    }
}

/// Reads the command line; prints help and errors and ends the program as clap does.
pub fn parse(words: Vec<OsString>) -> Verb {
    // What follows `run` belongs to ironcell, word for word: clap would take the first `--` out.
    if let [_, verb, arguments @ ..] = words.as_slice()
        && verb == "run"
        && arguments.first().is_some_and(|word| word != "--help" && word != "-h")
    {
        return Verb::Run { arguments: arguments.to_vec() };
    }
    match Arguments::parse_from(words).verb {
        Verb::Run { arguments } if arguments.is_empty() => <Arguments as clap::CommandFactory>::command()
            .error(clap::error::ErrorKind::MissingRequiredArgument, "no command to run; see `cargo vm run --help`")
            .exit(),
        verb => verb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn what_follows_run_is_passed_on_word_for_word() {
        let Verb::Run { arguments } = parse(words("vm run --memory 64M -- printf -- --help")) else {
            panic!("run is run");
        };
        assert_eq!(arguments, words("--memory 64M -- printf -- --help"));
    }

    #[test]
    fn a_test_has_lanes_a_filter_and_words_for_libtest() {
        let Verb::Test { lane, filter, libtest } = parse(words("vm test --lane bare --lane next oom -- --nocapture"))
        else {
            panic!("test is test");
        };
        assert_eq!(lane, [TestLane::Bare, TestLane::Next]);
        assert_eq!((filter.as_deref(), libtest), (Some("oom"), vec!["--nocapture".to_owned()]));
    }

    #[test]
    fn the_words_of_exec_and_bench_keep_their_hyphens() {
        let Verb::Exec { command, .. } = parse(words("vm exec --lane systemd -- ls -l")) else {
            panic!("exec is exec");
        };
        assert_eq!(command, words("ls -l"));
        let Verb::Bench { host: true, walls: false, arguments } = parse(words("vm bench --host --rounds 10")) else {
            panic!("bench is bench");
        };
        assert_eq!(arguments, words("--rounds 10"));
    }
}
