//! The tests of one lane: file after file in a machine, and what is done when one does not end.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use integration::order::{Order, Stdin};
use integration::{Lane, PROGRAMS, WORK};

use crate::crew::Work;
use crate::disks::Program;
use crate::image::Image;
use crate::machine::{Deadline, Fault, Machine};
use crate::progress;
use crate::qemu::Company;
use crate::session::{self, End};
use crate::suite::Choice;
use crate::tally::Tally;
use crate::watched::Watched;

/// One test file: 45 s on an idle machine for the longest, several times that on a busy one.
const FILE_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The same with a number of rounds of the caller's own (`IRONCELL_ROUNDS`): that is his to know.
const ROUNDS_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Files of one lane that one machine's place may begin anew on a new one. Where more do not end, there is one reason for all.
const ANEW_MOST: u32 = 2;

/// What a lane is made of.
#[derive(Clone, Copy)]
pub struct Lab<'a> {
    pub image: &'a Image,
    pub lane: Lane,
    pub company: Company,
    pub programs: &'a [Program],
    pub agent: &'a Path,
}

impl Lab<'_> {
    fn boot(&self) -> Result<Machine> {
        Machine::boot(self.image, self.lane, self.company, self.programs, self.agent)
    }
}

/// The files that matter in this lane, or those that were asked for.
pub fn files<'a>(lane: Lane, programs: &'a [Program], choice: &Choice) -> Vec<&'a str> {
    let mut tests: Vec<&str> = programs.iter().filter_map(|program| program.place.strip_prefix("tests/")).collect();
    tests.sort_unstable();
    let file = choice.filter.filter(|filter| tests.contains(filter));
    let wanted =
        |test: &&str| file.map_or_else(|| choice.filter.is_some() || matters(lane, test), |file| file == *test);
    tests.into_iter().filter(wanted).collect()
}

/// Takes files from the lane's work until there are none, in a machine of its own.
pub fn run(work: &Work, lab: &Lab, choice: &Choice) -> Result<()> {
    // A filter that is the name of a file means that file; any other is a part of a test's name.
    let part =
        choice.filter.filter(|filter| !lab.programs.iter().any(|program| program.place == format!("tests/{filter}")));
    let mut machine = None;
    let mut anew = 0;
    while let Some(test) = work.next() {
        let order = order(lab.lane, test, part, &choice.libtest);
        loop {
            let running = match &mut machine {
                Some(machine) => machine,
                none => none.insert(booted(work, lab)?),
            };
            let Err(fault) = one(work, running, test, &order) else { break };
            // A test bounds each of its waits, and fails when ironcell hangs. So what does not end at all, or dies with its
            // machine, is a process that the kernel or its emulator does not let go on: that is told with all that can be
            // known of it, and the file has one more chance on a fresh machine.
            anew += 1;
            if anew > ANEW_MOST || fault.downcast_ref::<Fault>().is_none() {
                return Err(fault);
            }
            progress!("{}: {fault:#}", lab.lane.name());
            progress!("{}: {test} once more, on a machine booted anew", lab.lane.name());
            // The old one goes before the new one comes: each has a processor and a gigabyte.
            machine = None;
        }
    }
    Ok(())
}

fn booted(work: &Work, lab: &Lab) -> Result<Machine> {
    let machine = lab.boot()?;
    progress!("{}: booted, {:.1} s after the lane's start", lab.lane.name(), work.lap().start.elapsed().as_secs_f32());
    Ok(machine)
}

/// One file, counted when it has ended.
fn one(work: &Work, machine: &mut Machine, test: &str, order: &Order) -> Result<()> {
    let name = machine.lane.name();
    progress!("{name}: {test}");
    let mut watched = Watched::new(work.company, format!("{name}: {test}"));
    let limit = if std::env::var_os("IRONCELL_ROUNDS").is_some() { ROUNDS_LIMIT } else { FILE_LIMIT };
    let end = match session::run(machine, order, &mut watched, Some(Deadline::after(limit))) {
        Ok(end) => end,
        Err(fault) => {
            progress!("{name}: {test} did not end");
            if let Ok(look) = session::look(machine) {
                progress!("{name}: what every process waited for:\n{look}");
            }
            return Err(fault);
        }
    };
    let mut lap = work.lap();
    lap.row.count.add(watched.tally.count);
    if let Some(what) = amiss(&end, &watched.tally) {
        lap.note(&format!("{test} {what}"));
    }
    Ok(())
}

fn order(lane: Lane, test: &str, part: Option<&str>, libtest: &[String]) -> Order {
    let words = ["--test-threads=1"].into_iter().chain(part).chain(libtest.iter().map(String::as_str)).map(Into::into);
    let argv = [format!("{PROGRAMS}/tests/{test}").into()].into_iter().chain(words).collect();
    Order { argv, environment: session::environment(lane), directory: WORK.into(), stdin: Stdin::Null }
}

/// What is the same in every lane: the bare machine's run of it is enough.
const SAME_EVERYWHERE: [&str; 27] = [
    "daemon_lives",
    "daemon_program",
    "examples_",
    "files_",
    "input_",
    "lasting_keeper",
    "lasting_kills",
    "library_events",
    "library_jobs",
    "library_output",
    "library_owners",
    "library_registry",
    "library_stdin",
    "library_verbs",
    "library_warm",
    "life_ends",
    "life_many",
    "life_moments",
    "limits_io_paths",
    "limits_io_rates",
    "output_",
    "real_",
    "rows_",
    "steps_",
    "terminal_",
    "verify_left_out",
    "verify_options",
];

/// What systemd does not change.
const SAME_UNDER_SYSTEMD: [&str; 5] = ["attack_", "ends_", "lasting_handover", "library_terminal", "walls_"];

/// What a newer kernel does not change.
const SAME_ON_NEXT: [&str; 6] = ["attack_", "daemon_", "ends_", "lasting_", "library_owner", "life_kills"];

/// What it does, among those.
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

/// Whether a test can come out differently in this lane. systemd changes who makes the place for cells, and what may be set
/// there: what a cell shows, what is read of the flags, in which words a step fails, how a command ends, what real programs
/// need, what attacks meet, which disk a path is on and how the kernel holds its rates is the same as on the bare machine, on
/// the same kernel. A newer kernel changes the answers to calls, not what is read of the flags, what is said, nor at which
/// calls of ours we may be killed. Lists, logs and their readers are our own work on any machine.
fn matters(lane: Lane, test: &str) -> bool {
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
}
