//! The verbs, from the command line to the exit code.

use std::ffi::OsString;

use anyhow::{Context, Result};
use integration::order::{Order, Stdin};
use integration::{Lane, WORK};
use rustix::stdio::stdin;
use rustix::termios::isatty;

use crate::args::Verb;
use crate::cargo::{self, Artifact};
use crate::disks::Program;
use crate::image::{self, Image};
use crate::machine::Machine;
use crate::qemu::Company;
use crate::session::{self, Caller, End};
use crate::signals::{self, Listener};
use crate::{bench, suite, terminal, tools};

/// Does what was asked; gives the exit code.
pub fn run(verb: Verb) -> Result<u8> {
    match verb {
        Verb::Run { arguments } => {
            let command = ["ironcell", "run"].map(OsString::from).into_iter().chain(arguments).collect();
            exec(Lane::Bare, command, caller_stdin())
        }
        Verb::Exec { lane, command } => exec(lane.into(), command, caller_stdin()),
        Verb::Shell { lane } => shell(lane.into()),
        Verb::Test { lane, filter, libtest } => suite::run(&lane, filter.as_deref(), &libtest),
        Verb::Bench { host, walls, arguments } => bench::run(host, walls, arguments),
        Verb::Image { refresh } => {
            tools::ensure_boot()?;
            let image = image::ensure(refresh)?;
            println!("{}\n{}", image.directory().display(), image.kernels()?.trim_end());
            Ok(0)
        }
    }
}

/// What every boot needs: the tools, and the image.
pub fn image() -> Result<Image> {
    tools::ensure_boot()?;
    image::ensure(false)
}

/// A terminal is not passed on: then the command reads from `/dev/null`, and Ctrl-C is still the caller's.
fn caller_stdin() -> Stdin {
    if isatty(stdin()) { Stdin::Null } else { Stdin::Host }
}

fn exec(lane: Lane, argv: Vec<OsString>, input: Stdin) -> Result<u8> {
    let image = image()?;
    let (programs, agent) = programs(&[])?;
    let mut machine = Machine::boot(&image, lane, Company::Alone, &programs, &agent)?;
    in_guest(&mut machine, argv, input)
}

/// Runs a command for the caller: streams and signals are theirs.
pub fn in_guest(machine: &mut Machine, argv: Vec<OsString>, stdin: Stdin) -> Result<u8> {
    let takes_interrupt = !matches!(stdin, Stdin::Terminal(_));
    let order = Order { argv, environment: session::environment(machine.lane), directory: WORK.into(), stdin };
    signals::listen(Some(Listener { voice: machine.voice().clone(), takes_interrupt }));
    let end = session::run(machine, &order, &mut Caller, None);
    signals::listen(None);
    let end = end?;
    if let End::Refused(why) = &end {
        eprintln!("vm: {why}");
    }
    Ok(end.code())
}

fn shell(lane: Lane) -> Result<u8> {
    let window = terminal::window().context("a shell needs a terminal; for a script there is `cargo vm exec`")?;
    let image = image()?;
    let (programs, agent) = programs(&[])?;
    let mut machine = Machine::boot(&image, lane, Company::Alone, &programs, &agent)?;
    let raw = terminal::Raw::enter()?;
    let end = in_guest(&mut machine, vec!["/bin/bash".into(), "-l".into()], Stdin::Terminal(window));
    drop(raw);
    end
}

/// The programs of the tree for `/ironcell/bin`, and the agent among them. `profile` is for `ironcell` alone.
pub fn programs(profile: &[&str]) -> Result<(Vec<Program>, std::path::PathBuf)> {
    let ironcell = [&["build", "--package", "ironcell", "--bins"], profile].concat();
    let mut artifacts = cargo::build(&ironcell, "ironcell")?;
    artifacts.extend(cargo::build(&["build", "--package", "integration", "--bins"], "the agent")?);
    staged(artifacts)
}

/// Where each program goes in the guest; `vm` itself stays here.
pub fn staged(artifacts: Vec<Artifact>) -> Result<(Vec<Program>, std::path::PathBuf)> {
    let mut programs = Vec::new();
    let mut agent = None;
    for Artifact { name, kind, file } in artifacts {
        if kind == "bin" && name == "agent" {
            agent = Some(file.clone());
        }
        if name != "vm" {
            let directory = match kind.as_str() {
                "bin" => "bin",
                "example" => "examples",
                _ => "tests",
            };
            programs.push(Program { place: format!("{directory}/{name}"), file });
        }
    }
    Ok((programs, agent.context("cargo built no agent")?))
}
