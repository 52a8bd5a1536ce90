//! The program `ironcell`. Its first act is to fork the keeper, while it is small and has one thread; then it parses, runs
//! and exits with the code of the catalogue.

use ironcell::cli::{self, head::Local};
use std::process::ExitCode;

fn main() -> ExitCode {
    let head = Local::for_verb(std::env::args_os().nth(1).as_deref());
    ExitCode::from(cli::main(std::env::args_os(), head))
}
