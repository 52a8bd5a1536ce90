//! What ironcell costs: a cell from a library call, cold and built ahead, and a whole run of the program, each beside the
//! kernel's floor or its rivals; many at once; output. All in the same run and by turns, so that whatever else the machine
//! does hits all alike.
//!
//! `cargo vm bench` runs it in the guest, `cargo vm bench --host` here; needs root. `--rounds N` says how often, `--long` adds 5,000 launches
//! in a row, `--only PART` measures one part: library, rivals, many, beside, ends, output.

mod beside;
mod bundle;
mod floor;
mod many;
mod output;
mod picture;
mod report;
mod rivals;
mod root;
mod table;
mod target;

use floor::{Floor, Times};
use integration::support::{cgroup_mount, lane};
use ironcell::life::Stopper;
use ironcell::spec::{Access, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, StdioSet};
use ironcell::supervise::{Error, Supervisor};
use report::Report;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use table::{Row, Table};
use tokio::runtime::Runtime;

/// How often each is measured; the guest is emulated and slower by an order of magnitude.
const ROUNDS: [usize; 2] = [500, 60];
/// Rounds before those that count.
const WARM_UP: usize = 10;
/// What can be measured by itself.
const PARTS: [&str; 6] = ["library", "rivals", "many", "beside", "ends", "output"];
/// Where the target is in a cell.
const TARGET: &str = "/target/true";

fn main() {
    let rounds = rounds();
    let directory = tempfile::tempdir().expect("a directory for the target");
    target::write(&directory.path().join("true"));
    // One thread: the floor forks this very process.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let supervisor = runtime.block_on(async { Supervisor::open() }).unwrap_or_else(|error| refuse(&error));
    let wanted = Limits {
        memory_max: Some(MemoryLimit::Bytes(64 << 20)),
        pids_max: Some(PidsLimit::Count(32)),
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
    let drawing = Supervisor::draw(&spec).unwrap_or_else(|error| refuse(&error));
    let program = CString::new(TARGET).expect("no NUL");
    let heading = heading(rounds, &settings);
    let mut floor = Floor::new(&place, settings, root::entries(&drawing), program);
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

/// All parts, or the one that is asked for.
fn measure(
    report: &mut Report,
    rounds: usize,
    (runtime, supervisor, spec): (&Runtime, &Supervisor, &JobSpec),
    floor: &mut Floor,
    directory: &Path,
) {
    let only = word("--only");
    assert!(only.as_deref().is_none_or(|only| PARTS.contains(&only)), "--only takes one of {}", PARTS.join(", "));
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    if wanted("library") {
        library(report, rounds, (runtime, supervisor, spec), floor, &directory.join("true"));
    }
    if wanted("rivals") {
        bundle::write(directory);
        let (table, gives) = rivals::measure(rounds, WARM_UP, directory);
        report.add(table);
        gives.into_iter().for_each(|what| report.note(what));
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
        report.add(output::speed());
        report.add(output::delay());
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

/// A library call against the floor, and against a process without walls; cold, and in a cell that was built ahead.
fn library(
    report: &mut Report,
    rounds: usize,
    (runtime, supervisor, spec): (&Runtime, &Supervisor, &JobSpec),
    floor: &mut Floor,
    target: &Path,
) {
    let names = ["kernel's floor", "cold cell, library call", "warm cell, library call", "process without walls"];
    let (mut running, mut gone) = (names.map(Row::new), names.map(Row::new));
    for round in 0..WARM_UP + rounds {
        let cold = [floor.launch(), runtime.block_on(cell(supervisor, spec))];
        let warm = runtime.block_on(warm(supervisor, spec));
        let bare = bare(target);
        if round >= WARM_UP {
            let all = cold.into_iter().chain([warm, bare]);
            for ((running, gone), times) in running.iter_mut().zip(&mut gone).zip(all) {
                running.add(times.running);
                gone.add(times.gone);
            }
        }
    }
    report.add(Table::of_times("ask → target executed", running, 0));
    report.add(Table::of_times("ask → ended, told and cleared away", gone, 0));
}

/// One in a cell that was built ahead: the building is not measured, and is over when it is.
async fn warm(supervisor: &Supervisor, spec: &JobSpec) -> Times {
    supervisor.warm(spec, 1).await.unwrap_or_else(|error| refuse(&error));
    let times = cell(supervisor, spec).await;
    // None for those that are measured cold.
    supervisor.warm(spec, 0).await.unwrap_or_else(|error| refuse(&error));
    times
}

/// The program as it is: to its exec, and to its end.
fn bare(target: &Path) -> Times {
    let started = Instant::now();
    let mut child = Command::new(target).stdin(Stdio::null()).spawn().expect("it starts");
    let running = started.elapsed();
    assert!(child.wait().expect("it ends").success());
    Times { running, gone: started.elapsed() }
}

/// One cell.
async fn cell(supervisor: &Supervisor, spec: &JobSpec) -> Times {
    let started = Instant::now();
    let job = supervisor.start(spec.clone(), StdioSet::default()).await.unwrap_or_else(|error| refuse(&error));
    let running = started.elapsed();
    let outcome = job.wait().await.expect("the runtime lives");
    let gone = started.elapsed();
    assert!(outcome.success() && outcome.residue.is_empty(), "{outcome:?}");
    Times { running, gone }
}

/// From start to end; one that fails is not measured.
pub fn timed(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let time = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

/// When, where and how.
fn heading(rounds: usize, settings: &[(String, String)]) -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output().expect("date(1)").stdout;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let processors = std::thread::available_parallelism().expect("a number of processors");
    let place = match lane().as_str() {
        "" | "host" => "this machine".to_owned(),
        lane => format!("the test VM, lane {lane} (emulated unless it has KVM: only ratios mean anything)"),
    };
    let command = if lane() == "host" { "cargo vm bench --host" } else { "cargo vm bench" };
    let settings: Vec<String> = settings.iter().map(|(file, value)| format!("{file} {value}")).collect();
    format!(
        "Costs on {place}, {}\n- Linux {}, {processors} processors; `{command}`, {rounds} rounds by turns\n- limits of each cell \
         and of the floor: {}",
        String::from_utf8_lossy(&date).trim(),
        kernel.trim(),
        if settings.is_empty() { "none".to_owned() } else { settings.join(", ") }
    )
}
