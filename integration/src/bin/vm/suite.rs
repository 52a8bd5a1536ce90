//! `cargo vm test`: everything that can be tested, here and in the machines, counted honestly.
//!
//! A lane that fails does not stop the others. What is not a test but fails (formatting, a lint, a build, a machine)
//! counts as one failure, so that "0 failed" is never said of a run that was not whole.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use integration::order::{Order, Stdin};
use integration::{Lane, PROGRAMS, WORK};

use crate::args::TestLane;
use crate::disks::Program;
use crate::machine::{Deadline, Fault, Machine};
use crate::session::{self, Caller, End, Sink};
use crate::tally::{Count, Row, Tally, summary};
use crate::{EXIT_FAULT, EXIT_TIME_LIMIT, cargo, image, progress, verbs};

/// All tests of one lane; a few minutes on an idle machine, several times that on a busy one.
const LANE_LIMIT: Duration = Duration::from_secs(40 * 60);

const ALL: [TestLane; 4] = [TestLane::Host, TestLane::Bare, TestLane::Systemd, TestLane::Next];

/// Which tests, and how.
struct Choice<'a> {
    filter: Option<&'a str>,
    libtest: Vec<String>,
}

/// A lane on its way: what has been counted, and the worst that happened.
struct Lap {
    row: Row,
    start: Instant,
    code: u8,
}

pub fn run(lanes: &[TestLane], filter: Option<&str>, libtest: &[String]) -> Result<u8> {
    let named = !lanes.is_empty();
    let lanes: Vec<TestLane> = ALL.into_iter().filter(|lane| !named || lanes.contains(lane)).collect();
    let machines: Vec<Lane> = lanes.iter().filter_map(|lane| lane.machine()).collect();
    // Colours are for a terminal, and it is ours that decides: the test programs see pipes.
    let colour = if std::io::stdout().is_terminal() { "--color=always" } else { "--color=never" };
    let libtest = std::iter::once(colour.to_owned()).chain(libtest.iter().cloned()).collect();
    let choice = Choice { filter, libtest };

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
    fn new(name: &'static str) -> Self {
        let row = Row { name, count: Count::default(), took: Duration::ZERO, notes: Vec::new() };
        Self { row, start: Instant::now(), code: 0 }
    }

    /// Something other than a test failed.
    fn note(&mut self, what: &str) {
        self.row.count.failed += 1;
        self.row.notes.push(what.to_owned());
    }

    /// The machine or a tool failed: all there is to say now, a word of it in the table.
    fn fault(&mut self, error: &anyhow::Error) {
        progress!("{}: {error:#}", self.row.name);
        let code = error.downcast_ref::<Fault>().map_or(EXIT_FAULT, crate::exit_code_of);
        self.note(if code == EXIT_TIME_LIMIT { "the time limit is over" } else { "the lane broke off, see above" });
        self.code = self.code.max(code);
    }

    fn end(mut self) -> Self {
        self.row.took = self.start.elapsed();
        self
    }
}

/// What needs neither root nor a machine: format, lints, unit tests, doc tests, `tests/`.
fn host(choice: &Choice) -> Lap {
    let mut lap = Lap::new("host");
    if choice.filter.is_none() {
        check(&mut lap, &["fmt", "--all", "--check"]);
        check(&mut lap, &["clippy", "--workspace", "--all-targets", "--no-deps", "--", "-D", "warnings"]);
    }
    cargo_test(&mut lap, &["--workspace", "--exclude", "integration", "--exclude", "ironcell-seam"], choice);
    cargo_test(&mut lap, &["--package", "integration", "--lib", "--bins"], choice);
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
    cargo.env("IRONCELL_LANE", "host").stdin(Stdio::null()).stdout(Stdio::piped());
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

/// Builds once, then boots lane after lane.
fn in_machines(image: &image::Image, lanes: &[Lane], choice: &Choice) -> Vec<Lap> {
    let mut laps: Vec<Lap> = Vec::new();
    let built = test_programs();
    for lane in lanes {
        let mut lap = Lap::new(lane.name());
        let end = match &built {
            Ok((programs, agent)) => in_machine(&mut lap, image, *lane, (programs, agent), choice),
            Err(error) => {
                progress!("{}: {error:#}", lane.name());
                lap.note("its tests could not be built");
                Ok(())
            }
        };
        if let Err(error) = end {
            lap.fault(&error);
        }
        laps.push(lap.end());
    }
    laps
}

/// The programs for the guest: `ironcell`, the agent, the tests and the programs that go with them.
fn test_programs() -> Result<(Vec<Program>, PathBuf)> {
    let mut artifacts = cargo::build(&["build", "--package", "ironcell", "--bins"], "ironcell")?;
    // A build of its own, so that the program under test has no seam.
    artifacts.extend(cargo::build(&["build", "--package", "ironcell-seam", "--bins"], "ironcell with its seam")?);
    // The programs of the package are built with its tests.
    let tests = ["test", "--no-run", "--package", "integration", "--test", "*"];
    artifacts.extend(cargo::build(&tests, "the integration tests")?);
    verbs::staged(artifacts)
}

fn in_machine(
    lap: &mut Lap,
    image: &image::Image,
    lane: Lane,
    (programs, agent): (&[Program], &PathBuf),
    choice: &Choice,
) -> Result<()> {
    let deadline = Deadline::after(LANE_LIMIT);
    let mut machine = Machine::boot(image, lane, programs, agent)?;
    progress!("{}: booted in {:.1} s", lane.name(), lap.start.elapsed().as_secs_f32());
    let mut tests: Vec<&str> = programs.iter().filter_map(|program| program.place.strip_prefix("tests/")).collect();
    tests.sort_unstable();
    // A filter that is the name of a file means that file; any other is a part of a test's name.
    let file = choice.filter.filter(|filter| tests.contains(filter));
    let wanted =
        |test: &&str| file.map_or_else(|| choice.filter.is_some() || matters(lane, test), |file| file == *test);
    for test in tests.into_iter().filter(wanted) {
        progress!("{}: {test}", lane.name());
        let words = ["--test-threads=1"].into_iter().chain(choice.filter.filter(|_| file.is_none()));
        let words = words.chain(choice.libtest.iter().map(String::as_str)).map(Into::into);
        let argv = [format!("{PROGRAMS}/tests/{test}").into()].into_iter().chain(words).collect();
        let environment = session::environment(lane);
        let order = Order { argv, environment, directory: WORK.into(), stdin: Stdin::Null };
        let mut watched = Watched(Tally::default());
        let end = session::run(&mut machine, &order, &mut watched, Some(deadline));
        lap.row.count.add(watched.0.count);
        let end = end.inspect_err(|_| progress!("{}: {test} did not end", lane.name()))?;
        if let Some(what) = amiss(&end, &watched.0) {
            lap.note(&format!("{test} {what}"));
        }
    }
    Ok(())
}

/// Whether a test can come out differently in this lane. systemd changes who makes the place for cells, and what may be set
/// there: what a cell shows, what is read of the flags, in which words a step fails, what real programs need and what
/// attacks meet is the same as on the bare machine, on the same kernel. A newer kernel changes the answers to calls, not
/// what is read of the flags, what is said, nor at which calls of ours we may be killed. The list of jobs is a program's own.
fn matters(lane: Lane, test: &str) -> bool {
    const SAME_UNDER_SYSTEMD: [&str; 9] =
        ["files_", "input_", "steps_", "real_", "attack_", "walls_", "ends_", "verify_options", "verify_left_out"];
    const SAME_ON_NEXT: [&str; 8] =
        ["input_", "steps_", "real_", "attack_", "ends_", "life_moments", "verify_options", "verify_left_out"];
    const SAME_EVERYWHERE: [&str; 4] = ["library_registry", "library_owners", "library_events", "rows_"];
    const KERNELS_OWN: [&str; 8] = [
        "attack_core",
        "attack_filter",
        "attack_memory",
        "attack_mounts",
        "attack_privilege",
        "attack_proc",
        "ends_causes",
        "ends_memory",
    ];
    let any = |kinds: &[&str]| kinds.iter().any(|kind| test.starts_with(kind));
    match lane {
        Lane::Bare => true,
        _ if any(&SAME_EVERYWHERE) => false,
        Lane::Systemd => !any(&SAME_UNDER_SYSTEMD),
        Lane::Next => KERNELS_OWN.contains(&test) || !any(&SAME_ON_NEXT),
    }
}

/// What the counts do not say about a test program's end.
fn amiss(end: &End, tally: &Tally) -> Option<String> {
    match end {
        End::Refused(why) => Some(format!("did not start: {why}")),
        End::Signalled(number) => Some(format!("was killed by signal {number}")),
        End::Exited(_) if tally.results == 0 => Some("told no result".into()),
        End::Exited(0) => None,
        End::Exited(_) if tally.count.failed > 0 => None,
        End::Exited(code) => Some(format!("exited with {code} though no test failed")),
    }
}

/// To the caller, counted on its way.
struct Watched(Tally);

impl Sink for Watched {
    fn stdout(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.watch(bytes);
        Caller.stdout(bytes)
    }

    fn stderr(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        std::io::stderr().lock().write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64) -> Tally {
        let mut tally = Tally::default();
        let line = format!("test result: ok. {passed} passed; {failed} failed; 0 ignored; 0 measured\n");
        tally.watch(line.as_bytes());
        tally
    }

    #[test]
    fn an_end_that_the_counts_do_not_explain_is_a_failure() {
        assert_eq!(amiss(&End::Exited(0), &tally(3, 0)), None);
        assert_eq!(amiss(&End::Exited(101), &tally(3, 1)), None);
        for end in [End::Exited(101), End::Signalled(9), End::Refused("no such file".into())] {
            assert!(amiss(&end, &tally(3, 0)).is_some(), "{end:?}");
        }
        assert!(amiss(&End::Exited(0), &Tally::default()).is_some(), "no result line");
    }

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
