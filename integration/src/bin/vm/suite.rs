//! `cargo vm test`: everything that can be tested, here and in the machines, counted honestly.
//!
//! A lane that fails does not stop the others. What is not a test but fails (formatting, a lint, a build, a machine)
//! counts as one failure, so that "0 failed" is never said of a run that was not whole.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use integration::Lane;

use crate::args::TestLane;
use crate::crew::{self, Kit};
use crate::disks::Program;
use crate::machine::Fault;
use crate::session::{Caller, Sink};
use crate::tally::{Count, Row, Tally, summary};
use crate::{EXIT_FAULT, EXIT_TIME_LIMIT, cargo, image, progress, tools, verbs};

/// Where the test files are.
const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

const ALL: [TestLane; 4] = [TestLane::Host, TestLane::Bare, TestLane::Systemd, TestLane::Next];

/// Which tests, and how.
pub struct Choice<'a> {
    pub filter: Option<&'a str>,
    pub libtest: Vec<String>,
    /// A Python with grpcio, for the tests on this machine.
    pub python: PathBuf,
}

/// A lane on its way: what has been counted, and the worst that happened.
pub struct Lap {
    pub row: Row,
    pub start: Instant,
    begun: bool,
    code: u8,
}

pub fn run(lanes: &[TestLane], filter: Option<&str>, libtest: &[String]) -> Result<u8> {
    let named = !lanes.is_empty();
    let lanes: Vec<TestLane> = ALL.into_iter().filter(|lane| !named || lanes.contains(lane)).collect();
    let machines: Vec<Lane> = lanes.iter().filter_map(|lane| lane.machine()).collect();
    // Colours are for a terminal, and it is ours that decides: the test programs see pipes.
    let colour = if std::io::stdout().is_terminal() { "--color=always" } else { "--color=never" };
    let libtest = std::iter::once(colour.to_owned()).chain(libtest.iter().cloned()).collect();
    let choice = Choice { filter, libtest, python: PathBuf::new() };

    let image = if machines.is_empty() { None } else { Some(verbs::image()?) };
    let mut laps = Vec::new();
    if lanes.contains(&TestLane::Host) {
        laps.push(host(&choice));
    }
    if let Some(image) = image {
        laps.extend(in_machines(&image, &machines, &choice));
    }
    // With a filter some lanes may rightly have nothing to do, unless they were asked for by name.
    let each_must_run = named || filter.is_none();
    Ok(finish(laps, each_must_run))
}

/// Prints the table; gives the exit code.
fn finish(mut laps: Vec<Lap>, each_must_run: bool) -> u8 {
    for lap in laps.iter_mut().filter(|lap| each_must_run && lap.row.count.executed() == 0) {
        lap.note("no test ran");
    }
    let none_ran = laps.iter().all(|lap| lap.row.count.executed() == 0);
    let code = laps.iter().map(|lap| lap.code.max(u8::from(lap.row.count.failed > 0))).max().unwrap_or(1);
    let rows: Vec<Row> = laps.into_iter().map(|lap| lap.row).collect();
    println!("{}", summary(&rows));
    code.max(u8::from(none_ran))
}

impl Lap {
    pub fn new(name: &'static str) -> Self {
        let row = Row { name, count: Count::default(), took: Duration::ZERO, notes: Vec::new() };
        Self { row, start: Instant::now(), begun: false, code: 0 }
    }

    /// From now on time counts, unless it does already.
    pub fn begin(&mut self) {
        if !self.begun {
            (self.start, self.begun) = (Instant::now(), true);
        }
    }

    /// So long it has taken, if nothing more is to come.
    pub fn pause(&mut self) {
        self.row.took = self.start.elapsed();
    }

    /// Something other than a test failed.
    pub fn note(&mut self, what: &str) {
        self.row.count.failed += 1;
        self.row.notes.push(what.to_owned());
    }

    /// The machine or a tool failed: all there is to say now, a word of it in the table.
    pub fn fault(&mut self, error: &anyhow::Error) {
        progress!("{}: {error:#}", self.row.name);
        let code = error.downcast_ref::<Fault>().map_or(EXIT_FAULT, crate::exit_code_of);
        self.note(if code == EXIT_TIME_LIMIT { "the time limit is over" } else { "the lane broke off, see above" });
        self.code = self.code.max(code);
    }

    fn end(mut self) -> Self {
        self.pause();
        self
    }
}

/// What needs neither root nor a machine: format, lints, unit tests, doc tests, `tests/`.
fn host(choice: &Choice) -> Lap {
    let mut lap = Lap::new("host");
    let choice = &match tools::ensure_test() {
        Ok(python) => Choice { filter: choice.filter, libtest: choice.libtest.clone(), python },
        Err(error) => {
            lap.fault(&error);
            return lap.end();
        }
    };
    if choice.filter.is_none() {
        check(&mut lap, &["fmt", "--all", "--check"]);
        check(&mut lap, &["clippy", "--workspace", "--all-targets", "--no-deps", "--", "-D", "warnings"]);
    }
    cargo_test(&mut lap, &["--workspace", "--exclude", "integration", "--exclude", "ironcell-seam"], choice);
    cargo_test(&mut lap, &["--package", "integration", "--lib", "--bins"], choice);
    // What needs another implementation to talk with is ignored where there is none.
    let libtest = [vec!["--ignored".to_owned()], choice.libtest.clone()].concat();
    let ignored = Choice { filter: None, libtest, python: choice.python.clone() };
    if choice.filter.is_none() {
        cargo_test(&mut lap, &["--package", "ironcell", "--test", "daemon_python"], &ignored);
    }
    lap.end()
}

fn check(lap: &mut Lap, words: &[&str]) {
    progress!("host: cargo {}", words.join(" "));
    if !cargo::command().args(words).stdin(Stdio::null()).status().is_ok_and(|status| status.success()) {
        lap.note(&format!("cargo {} failed", words[0]));
    }
}

fn cargo_test(lap: &mut Lap, words: &[&str], choice: &Choice) {
    progress!("host: cargo test {}", words.join(" "));
    match count_cargo_test(words, choice) {
        Ok((tally, succeeded)) => {
            lap.row.count.add(tally.count);
            if !succeeded && tally.count.failed == 0 {
                lap.note(&format!("cargo test {} failed", words.join(" ")));
            }
        }
        Err(error) => lap.fault(&error),
    }
}

fn count_cargo_test(words: &[&str], choice: &Choice) -> Result<(Tally, bool)> {
    let mut cargo = cargo::command();
    cargo.args(["test", "--no-fail-fast"]).args(words).args(choice.filter).arg("--").args(&choice.libtest);
    cargo
        .env("IRONCELL_LANE", "host")
        .env("IRONCELL_PYTHON", &choice.python)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = cargo.spawn().context("cannot run cargo")?;
    let mut output = child.stdout.take().context("cargo has no standard output")?;
    let mut tally = Tally::default();
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = output.read(&mut bytes).context("cannot read the tests' output")?;
        if count == 0 {
            break;
        }
        tally.watch(&bytes[..count]);
        Caller.stdout(&bytes[..count]).context("cannot write the tests' output")?;
    }
    Ok((tally, child.wait().context("cannot wait for cargo")?.success()))
}

/// Builds once for all lanes.
fn in_machines(image: &image::Image, lanes: &[Lane], choice: &Choice) -> Vec<Lap> {
    match test_programs(choice.filter) {
        Ok((programs, agent)) => crew::run(&Kit { image, programs: &programs, agent: &agent }, lanes, choice),
        Err(error) => {
            let unbuilt = |lane: &Lane| {
                progress!("{}: {error:#}", lane.name());
                let mut lap = Lap::new(lane.name());
                lap.note("its tests could not be built");
                lap.end()
            };
            lanes.iter().map(unbuilt).collect()
        }
    }
}

/// The programs for the guest: `ironcell`, its examples, the agent, the tests and the programs that go with them. A filter
/// that is the name of a test file has only that one built.
fn test_programs(filter: Option<&str>) -> Result<(Vec<Program>, PathBuf)> {
    // The packages and kinds that the host's tests are built of: then the library is compiled once for both.
    let host = ["build", "--package", "ironcell", "--package", "init-shim", "--bins", "--examples"];
    let mut artifacts = cargo::build(&host, "ironcell and its examples")?;
    // A build of its own, so that the program under test has no seam.
    artifacts.extend(cargo::build(&["build", "--package", "ironcell-seam", "--bins"], "ironcell with its seam")?);
    // The programs of the package are built with its tests.
    let file = |name: &&str| Path::new(TESTS).join(name).with_extension("rs").is_file();
    let tests = ["test", "--no-run", "--package", "integration", "--test", filter.filter(file).unwrap_or("*")];
    artifacts.extend(cargo::build(&tests, "the integration tests")?);
    verbs::staged(artifacts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_zero_only_if_tests_ran_and_none_failed() {
        let lap = |passed, failed, code| {
            let mut lap = Lap::new("bare");
            lap.row.count = Count { passed, failed, skipped: 0 };
            lap.code = code;
            lap
        };
        assert_eq!(finish(vec![lap(3, 0, 0)], true), 0);
        assert_eq!(finish(vec![lap(3, 0, 0), lap(0, 0, 0)], true), 1, "a lane without tests");
        assert_eq!(finish(vec![lap(3, 0, 0), lap(0, 0, 0)], false), 0, "which a filter allows");
        assert_eq!(finish(vec![lap(0, 0, 0)], false), 1, "but not all lanes");
        assert_eq!(finish(vec![lap(3, 1, 0)], true), 1);
        assert_eq!(finish(vec![lap(3, 1, EXIT_FAULT)], true), EXIT_FAULT);
        assert_eq!(finish(Vec::new(), true), 1);
    }
}
