//! The program `ironcell`. Its first act is to fork the keeper, while it is small and has one thread; then it parses, runs
//! and exits with the code of the catalogue. Inside of a cell of `ironcell verify` it is the probe, and nothing else.

use ironcell::cli::{self, head::Local};
use ironcell::supervise::verify;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = verify::probe(std::env::args_os()) {
        return ExitCode::from(code);
    }
    let head = Local::for_verb(std::env::args_os().nth(1).as_deref());
    ExitCode::from(cli::main(std::env::args_os(), head))
}
