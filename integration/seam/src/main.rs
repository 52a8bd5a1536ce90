//! `ironcell` for tests that leave a protection out (`IRONCELL_LEFT_OUT`): otherwise the program as it is installed.

use ironcell::cli::{self, head::Local};
use std::process::ExitCode;

fn main() -> ExitCode {
    let head = Local::for_verb(std::env::args_os().nth(1).as_deref());
    ExitCode::from(cli::main(std::env::args_os(), head))
}
