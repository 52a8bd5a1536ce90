//! The benchmarks: one program, run in the guest or on this machine.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use integration::Lane;
use integration::order::Stdin;
use rustix::process::Signal;

use crate::disks::Program;
use crate::machine::Machine;
use crate::qemu::Company;
use crate::{cargo, children, verbs};

/// What a launch costs, and what each wall of it costs: package, benchmark and feature. The first is a client of the daemon, too.
const LAUNCH: (&str, &str, &str) = ("integration", "launch", "load");
const WALLS: (&str, &str, &str) = ("ironcell-seam", "walls", "");

pub fn run(host: bool, walls: bool, arguments: Vec<OsString>) -> Result<u8> {
    let (package, name, feature) = if walls { WALLS } else { LAUNCH };
    let words = ["bench", "--no-run", "--package", package, "--bench", name, "--features", feature];
    let built = cargo::build(&words, "the benchmark")?;
    let bench = built.into_iter().find(|artifact| artifact.kind == "bench" && artifact.name == name);
    let bench = bench.context("cargo built no benchmark")?.file;
    if host { on_host(bench, arguments) } else { in_guest(bench, arguments) }
}

fn on_host(bench: PathBuf, arguments: Vec<OsString>) -> Result<u8> {
    let built = cargo::build(&["build", "--release", "--package", "ironcell", "--bins"], "ironcell for release")?;
    let ironcell = built.into_iter().find(|artifact| artifact.name == "ironcell").context("cargo built no ironcell")?;
    // target/TRIPLE/release/deps/PROGRAM
    let place = bench.ancestors().nth(4).context("the benchmark is in no target directory")?.join("bench");
    let mut command = children::command(bench, Signal::TERM);
    command.args(arguments).env("IRONCELL_BIN", ironcell.file).env("IRONCELL_LANE", "host");
    command.env("IRONCELL_BENCH_DIR", place);
    let status = command.status().context("cannot run the benchmark")?;
    Ok(status.code().unwrap_or(crate::EXIT_FAULT.into()) as u8)
}

fn in_guest(bench: PathBuf, arguments: Vec<OsString>) -> Result<u8> {
    let image = verbs::image()?;
    let (mut programs, agent) = verbs::programs(&["--release"])?;
    programs.push(Program { place: "tests/bench".to_owned(), file: bench });
    let mut machine = Machine::boot(&image, Lane::Bare, Company::Alone, &programs, &agent)?;
    let argv =
        [OsString::from(format!("{}/tests/bench", integration::PROGRAMS))].into_iter().chain(arguments).collect();
    verbs::in_guest(&mut machine, argv, Stdin::Null)
}
