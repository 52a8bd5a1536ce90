//! What ironcell costs: a cell from a library call, cold and built ahead, with and without a network of its own, and by a
//! daemon; a whole run of the program; each beside the kernel's floor or its rivals; many at once; output. All in the same run
//! and by turns, so that whatever else the machine does hits all alike.
//!
//! `cargo vm bench` runs it in the guest, `cargo vm bench --host` here; needs root. `--rounds N` says how often, `--long` adds
//! 5,000 launches in a row, `--only PART,PART` measures these parts: library, network, daemon, rivals, many, beside, ends, output.
//! The first and the rivals together make the picture, `cost.svg`.

mod beside;
mod bundle;
#[cfg(feature = "load")]
mod daemon;
mod floor;
mod heading;
mod library;
mod many;
mod output;
mod picture;
mod report;
mod rivals;
mod root;
mod table;
mod target;

use floor::Floor;
use heading::Heading;
use integration::support::{cgroup_mount, lane};
use ironcell::life::Stopper;
use ironcell::spec::{Access, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, StdioSet};
use ironcell::supervise::{Error, Supervisor};
use library::Cells;
use report::Report;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How often each is measured; the guest is emulated and slower by an order of magnitude.
const ROUNDS: [usize; 2] = [500, 60];
/// Rounds before those that count.
const WARM_UP: usize = 10;
/// What can be measured by itself. What the daemon costs is asked as its client, which is built with `cargo vm bench`.
const PARTS: &[&str] = &[
    "library",
    "network",
    #[cfg(feature = "load")]
    "daemon",
    "rivals",
    "many",
    "beside",
    "ends",
    "output",
];
/// Where the target is in a cell.
const TARGET: &str = "/target/true";
/// Limits of each cell, where the host can set any: bytes, and processes.
const MEMORY: u64 = 64 << 20;
const PIDS: u32 = 32;

fn main() {
    let rounds = rounds();
    let directory = tempfile::tempdir().expect("a directory for the target");
    target::write(&directory.path().join("true"));
    // One thread: the floor forks this very process.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let supervisor = runtime.block_on(async { Supervisor::open() }).unwrap_or_else(|error| refuse(&error));
    let wanted = Limits {
        memory_max: Some(MemoryLimit::Bytes(MEMORY)),
        pids_max: Some(PidsLimit::Count(PIDS)),
        ..Limits::default()
    };
    let surveyed = runtime.block_on(survey(&supervisor, &wanted));
    // A hybrid host sets no limits: then the walls alone are measured, of both.
    let (limits, (place, settings)) = match surveyed {
        Ok(found) => (wanted, found),
        Err(_) => {
            let none = runtime.block_on(survey(&supervisor, &Limits::default()));
            (Limits::default(), none.unwrap_or_else(|error| refuse(&error)))
        }
    };
    let spec = measured(directory.path(), limits);
    let heading = Heading::new(rounds, &settings);
    let mut floor = Floor::new(&place, settings, &spec);
    // Before the report, which prints: a worker's words are single bytes.
    if std::env::args().any(|argument| argument == many::FLOOR_WORKER) {
        many::work(&mut floor, rounds);
        return supervisor.close();
    }
    let mut report = Report::new(heading);
    measure(&mut report, rounds, (&runtime, &supervisor, &spec), &mut floor, directory.path());
    // With the last supervisor goes the place where the floor makes its cgroups.
    supervisor.close();
    report.write();
}

/// All parts, or those that are asked for.
fn measure(report: &mut Report, rounds: usize, cells: Cells, floor: &mut Floor, directory: &Path) {
    let only = word("--only");
    let only: Option<Vec<&str>> = only.as_deref().map(|only| only.split(',').collect());
    let known = only.iter().flatten().all(|part| PARTS.contains(part));
    assert!(known, "--only takes of {}", PARTS.join(","));
    let wanted = |part: &str| only.as_ref().is_none_or(|only| only.contains(&part));
    let spec = cells.2;
    if wanted("library") {
        report.extend(library::measure(rounds, cells, floor, &directory.join("true")));
    }
    if wanted("network") {
        report.extend(library::by_network(rounds, cells, floor));
    }
    #[cfg(feature = "load")]
    if wanted("daemon") {
        report.extend(daemon::measure(rounds, cells, floor));
        report.note(daemon::NOTE.to_owned());
    }
    if wanted("rivals") {
        bundle::write(directory);
        let (table, notes) = rivals::measure(rounds, WARM_UP, directory);
        report.add(table);
        notes.into_iter().for_each(|what| report.note(what));
    }
    if wanted("many") {
        report.add(many::at_once(spec, rounds));
    }
    if std::env::args().any(|argument| argument == "--long") {
        let (table, note) = many::for_long(spec);
        report.add(table);
        report.note(note);
    }
    if wanted("beside") {
        report.add(beside::launches(spec, floor, rounds));
    }
    if wanted("ends") {
        report.add(beside::ends(rounds));
    }
    if wanted("output") {
        report.extend([output::speed(), output::delay()]);
    }
}

/// There is nothing to measure on this host.
fn refuse(error: &Error) -> ! {
    eprintln!("launch: cells cannot be measured here: {error}");
    std::process::exit(1)
}

/// `--rounds N`; whatever else cargo passes is for test harnesses.
fn rounds() -> usize {
    let default = ROUNDS[usize::from(lane() != "host" && !lane().is_empty())];
    word("--rounds").map_or(default, |count| count.parse().expect("--rounds takes a number"))
}

/// What follows this flag.
fn word(flag: &str) -> Option<String> {
    std::env::args().skip_while(|argument| argument != flag).nth(1)
}

/// The job that is measured: the smallest program, behind every wall that a bare run has.
fn measured(directory: &Path, limits: Limits) -> JobSpec {
    let mut walls = ironcell::spec::Isolation::default();
    let shown = Path::new(TARGET).parent().expect("the target is in a directory");
    walls.mounts.push(MountSpec::Bind { source: directory.into(), target: shown.into(), access: Access::ReadOnly });
    let job = JobSpec::command(TARGET).limits(limits).isolation(walls).cwd("/");
    job.build().expect("a job with a meaning")
}

/// Where cells are made on this host, and what is written for one with these limits: seen from one that stays.
async fn survey(supervisor: &Supervisor, limits: &Limits) -> Result<(PathBuf, Vec<(String, String)>), Error> {
    let job =
        JobSpec::command("sleep").arg("60").limits(limits.clone()).cwd("/").build().expect("a job with a meaning");
    let job = supervisor.start(job, StdioSet::default()).await?;
    let cgroups = std::fs::read_to_string(format!("/proc/{}/cgroup", job.pid())).expect("the job's PID 1 lives");
    let own = cgroups.lines().find_map(|line| line.strip_prefix("0::/")).expect("it is in cgroup v2");
    let place = cgroup_mount().join(own).parent().expect("a cell's cgroup is below a place").to_owned();
    let settings = job.effective().iter().map(|limit| (limit.file.clone(), limit.value.clone())).collect();
    job.kill(Stopper::Caller);
    job.wait().await.expect("the runtime lives");
    Ok((place, settings))
}

/// From start to end; one that fails is not measured.
pub fn timed(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let time = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}
