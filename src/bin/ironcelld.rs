//! The program `ironcelld`: the daemon. Its keeper is a sealed copy of it that never comes here.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(ironcell::cli::daemon::main(std::env::args_os()))
}
