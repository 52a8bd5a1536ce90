//! Many launches: side by side, and for long.

use crate::floor::{Floor, Times};
use crate::rivals;
use crate::table::{Row, Table};
use integration::support::ironcell_path;
use ironcell::spec::{JobSpec, StdioSet};
use ironcell::supervise::Supervisor;
use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;
use tokio::runtime::Builder;

/// Makes this program one of several that launch by the floor.
pub const FLOOR_WORKER: &str = "--floor-worker";
/// So many at once.
const AT_ONCE: [usize; 3] = [1, 2, 8];
/// How often each rate is taken.
const TURNS: usize = 5;
/// Launches of the long run, by so many at once, and how many are looked at together.
const LONG: (usize, usize, usize) = (5000, 2, 500);

/// Launches a second, of the library and of the program.
pub fn at_once(spec: &JobSpec, launches: usize) -> Table {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let supervisor = Arc::new(runtime.block_on(async { Supervisor::open() }).expect("a supervisor"));
    let rival = rivals::bubblewrap();
    let mut rows = Vec::new();
    for workers in AT_ONCE {
        rows.push(Row::new(format!("kernel's floor, {workers} at once")));
        rows.push(Row::new(format!("cell, library call, {workers} at once")));
        rows.push(Row::new(format!("`ironcell run -- true`, {workers} at once")));
        if rival.is_some() {
            rows.push(Row::new(format!("`bwrap` true, {workers} at once")));
        }
    }
    let kinds = rows.len() / AT_ONCE.len();
    for _ in 0..TURNS {
        for (index, workers) in AT_ONCE.into_iter().enumerate() {
            let rows = &mut rows[index * kinds..(index + 1) * kinds];
            rows[0].add_rate(of_floor(workers, launches));
            rows[1].add_rate(runtime.block_on(of_library(&supervisor, spec, workers, launches)));
            rows[2].add_rate(of_program(workers, launches, &|| {
                let mut command = Command::new(ironcell_path());
                command.args(["run", "--", "true"]);
                command
            }));
            if let Some(rival) = &rival {
                rows[3].add_rate(of_program(workers, launches, rival));
            }
        }
    }
    Arc::into_inner(supervisor).expect("nobody else holds it").close();
    Table::of_rates("launches side by side", "launches/s", rows, 0)
}

/// The floor forks, so each worker is a process: this very program, which waits for a word on its input.
fn of_floor(workers: usize, launches: usize) -> f64 {
    let each = launches.div_ceil(workers);
    let worker = |_| {
        let program = std::env::current_exe().expect("this program");
        let rounds = each.to_string();
        let mut command = Command::new(program);
        command.args([FLOOR_WORKER, "--rounds", &rounds]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        heard(&mut child);
        child
    };
    let mut all: Vec<_> = (0..workers).map(worker).collect();
    let started = Instant::now();
    all.iter_mut().for_each(|child| drop(child.stdin.take()));
    all.iter_mut().for_each(heard);
    let took = started.elapsed();
    // Their own end is none of the launches'.
    all.iter_mut().for_each(|child| assert!(child.wait().expect("it ends").success()));
    (each * workers) as f64 / took.as_secs_f64()
}

/// Waits for a worker's word: that it is ready, or done.
fn heard(worker: &mut Child) {
    worker.stdout.as_mut().expect("a pipe").read_exact(&mut [0]).expect("its word");
}

fn say() {
    io::stdout().write_all(b".").and_then(|()| io::stdout().flush()).expect("somebody waits for it");
}

/// The worker: says that it is ready, waits for the end of its input, launches, says that it is done. Nothing before: the supervisor of a worker
/// that begins later would take its cgroup for a leftover.
pub fn work(floor: &mut Floor, launches: usize) {
    say();
    io::stdin().read_to_end(&mut Vec::new()).expect("a pipe");
    for _ in 0..launches {
        let _: Times = floor.launch();
    }
    say();
}

async fn of_library(supervisor: &Arc<Supervisor>, spec: &JobSpec, workers: usize, launches: usize) -> f64 {
    let (left, started) = (Arc::new(AtomicUsize::new(launches)), Instant::now());
    let worker = || {
        let (supervisor, spec, left) = (Arc::clone(supervisor), spec.clone(), Arc::clone(&left));
        tokio::spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                let job = supervisor.start(spec.clone(), StdioSet::default()).await.expect("it starts");
                assert!(job.wait().await.expect("it ends").success());
            }
        })
    };
    let all: Vec<_> = (0..workers).map(|_| worker()).collect();
    for worker in all {
        worker.await.expect("a worker ends");
    }
    launches as f64 / started.elapsed().as_secs_f64()
}

fn of_program(workers: usize, launches: usize, command: &(dyn Fn() -> Command + Sync)) -> f64 {
    let (left, started) = (AtomicUsize::new(launches), Instant::now());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    assert!(command().stdin(Stdio::null()).status().is_ok_and(|status| status.success()));
                }
            });
        }
    });
    launches as f64 / started.elapsed().as_secs_f64()
}

/// The long run: its first launches beside its last, and what the kernel holds for it then.
pub fn for_long(spec: &JobSpec) -> (Table, String) {
    let (launches, workers, together) = LONG;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let supervisor = Arc::new(runtime.block_on(async { Supervisor::open() }).expect("a supervisor"));
    let before = slab();
    let (mut rates, mut most) = (Vec::new(), before);
    for _ in 0..launches / together {
        rates.push(runtime.block_on(of_library(&supervisor, spec, workers, together)));
        most = most.max(slab());
    }
    Arc::into_inner(supervisor).expect("nobody else holds it").close();
    let mut rows =
        [format!("cell, launches 1 to {together}"), format!("cell, launches {together} to {launches}")].map(Row::new);
    rows[0].add_rate(rates[0]);
    rates[1..].iter().for_each(|rate| rows[1].add_rate(*rate));
    let note = format!(
        "Of {launches} launches, {workers} at once: the kernel's slabs held {} MiB before, {} MiB at most, {} MiB behind them.",
        before >> 10,
        most >> 10,
        slab() >> 10
    );
    (Table::of_rates("launches for long", "launches/s", rows, 0), note)
}

/// KiB of the kernel's own objects (proc_meminfo(5)).
fn slab() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").expect("it is there");
    let line = text.lines().find_map(|line| line.strip_prefix("Slab:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
