//! What a launch costs: a cold cell from a library call, and a whole run of the program, each beside the kernel's floor
//! or a rival, in the same run and by turns, so that whatever else the machine does hits all alike.
//!
//! `cargo vm bench` runs it in the guest, `cargo vm bench --host` here; needs root. `--rounds N` says how often.

mod floor;
mod root;
mod table;
mod target;

use floor::{Floor, Times};
use integration::support::{cgroup_mount, ironcell_path, lane};
use ironcell::life::Stopper;
use ironcell::spec::{Access, JobSpec, Limits, MemoryLimit, MountSpec, PidsLimit, StdioSet};
use ironcell::supervise::{Error, Supervisor};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use table::Row;
use tokio::runtime::Runtime;

/// How often each is measured; the guest is emulated and slower by an order of magnitude.
const ROUNDS: [usize; 2] = [500, 60];
/// Rounds before those that count.
const WARM_UP: usize = 10;
/// Where the target is in a cell.
const TARGET: &str = "/target/true";
/// What a rival gets to do the same, for people to read.
const BWRAP: &str = "--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
     --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp true";

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
    heading(rounds, &settings);
    let mut floor = Floor::new(&place, settings, root::entries(&drawing), program);
    library(rounds, &runtime, &supervisor, &spec, &mut floor, &directory.path().join("true"));
    drop(floor);
    supervisor.close();
    whole_processes(rounds);
}

/// There is nothing to measure on this host.
fn refuse(error: &Error) -> ! {
    eprintln!("launch: cells cannot be measured here: {error}");
    std::process::exit(1)
}

/// `--rounds N`; whatever else cargo passes is for test harnesses.
fn rounds() -> usize {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds").skip(1);
    let default = ROUNDS[usize::from(lane() != "host" && !lane().is_empty())];
    arguments.next().map_or(default, |count| count.parse().expect("--rounds takes a number"))
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

/// A library call against the floor, and against a process without walls.
fn library(
    rounds: usize,
    runtime: &Runtime,
    supervisor: &Supervisor,
    spec: &JobSpec,
    floor: &mut Floor,
    target: &Path,
) {
    let mut running = ["kernel's floor", "cold cell, library call"].map(Row::new);
    let mut gone = ["kernel's floor", "cold cell, library call", "process without walls"].map(Row::new);
    for round in 0..WARM_UP + rounds {
        let times = [floor.launch(), runtime.block_on(cell(supervisor, spec))];
        let bare = timed(Command::new(target).stdin(Stdio::null()));
        if round >= WARM_UP {
            running.iter_mut().zip(times).for_each(|(row, times)| row.add(times.running));
            gone.iter_mut().zip(times).for_each(|(row, times)| row.add(times.gone));
            gone[2].add(bare);
        }
    }
    table::print("ask → target executed", &running, 0);
    table::print("ask → ended, told and cleared away", &gone, 0);
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

/// The program as a shell would start it, against a rival where one is installed.
fn whole_processes(rounds: usize) {
    let ironcell = ironcell_path();
    let rival = Command::new("bwrap").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let rival = rival.is_ok_and(|status| status.success());
    let mut rows = vec![Row::new("`true` without walls"), Row::new("`ironcell run -- true`")];
    let mut commands = vec![Command::new("true"), Command::new(&ironcell)];
    commands[1].args(["run", "--", "true"]);
    if rival {
        rows.push(Row::new("`bwrap …`"));
        commands.push(Command::new("bwrap"));
        commands[2].args(BWRAP.split_whitespace());
    }
    for round in 0..WARM_UP + rounds {
        for (row, command) in rows.iter_mut().zip(&mut commands) {
            let time = timed(command.stdin(Stdio::null()));
            if round >= WARM_UP {
                row.add(time);
            }
        }
    }
    table::print("whole process", &rows, rows.len() - 1);
    if rival {
        println!("\n`bwrap …` is `bwrap {BWRAP}`: no cgroup, no limits, no report.");
    }
}

/// From start to end; one that fails is not measured.
fn timed(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let time = started.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

/// When, where and how.
fn heading(rounds: usize, settings: &[(String, String)]) {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]).output().expect("date(1)").stdout;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let processors = std::thread::available_parallelism().expect("a number of processors");
    let place = match lane().as_str() {
        "" | "host" => "this machine".to_owned(),
        lane => format!("the test VM, lane {lane} (emulated unless it has KVM: only ratios mean anything)"),
    };
    let command = if lane() == "host" { "cargo vm bench --host" } else { "cargo vm bench" };
    println!("Launch cost on {place}, {}", String::from_utf8_lossy(&date).trim());
    println!("- Linux {}, {processors} processors; `{command}`, {rounds} rounds by turns", kernel.trim());
    let settings: Vec<String> = settings.iter().map(|(file, value)| format!("{file} {value}")).collect();
    println!("- limits of each cell and of the floor: {}", settings.join(", "));
}
