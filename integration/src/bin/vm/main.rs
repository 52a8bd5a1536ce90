//! `cargo vm`: boots the test machine and works in it. The verbs are in [`args`]; one file holds each thing they need.
//!
//! The machine is QEMU with a kernel and an image that are made once ([`image`]) and never written to: every boot
//! starts from the same bytes. Programs come on a disk that is made for each boot ([`disks`]).

mod args;
mod bench;
mod cargo;
mod children;
mod crew;
mod disks;
mod image;
mod kvm;
mod lane;
mod machine;
mod mirror;
mod qemu;
mod session;
mod signals;
mod suite;
mod tally;
mod terminal;
mod tools;
mod verbs;
mod watched;
mod workdir;

use std::process::ExitCode;

use crate::machine::Fault;

/// Prints one short line about what takes time; the commands' own output is on the same terminal.
#[macro_export]
macro_rules! progress {
    ($($words:tt)*) => { eprintln!("vm: {}", format_args!($($words)*)) };
}

/// The tool could not do its part, as `docker run` and `timeout` say it.
const EXIT_FAULT: u8 = 125;
const EXIT_TIME_LIMIT: u8 = 124;

fn main() -> ExitCode {
    let verb = args::parse(std::env::args_os().collect());
    if let Err(error) = signals::install() {
        eprintln!("vm: cannot install the signal handlers: {error}");
        return ExitCode::from(EXIT_FAULT);
    }
    let end = verbs::run(verb);
    workdir::remove();
    match end {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("vm: {error:#}");
            ExitCode::from(error.downcast_ref::<Fault>().map_or(EXIT_FAULT, exit_code_of))
        }
    }
}

/// 124 for a time limit, 125 for all else that is the machine's fault.
fn exit_code_of(fault: &Fault) -> u8 {
    match fault {
        Fault::TimeLimit { .. } => EXIT_TIME_LIMIT,
        Fault::Died { .. } | Fault::Silent { .. } | Fault::Confused { .. } => EXIT_FAULT,
    }
}
