//! A launch beside what else there is: many running jobs, much memory in the embedding program; and how soon a job is gone.

use crate::floor::{Floor, Times};
use crate::library::cell;
use crate::table::{Row, Table};
use ironcell::life::Stopper;
use ironcell::spec::{JobSpec, OnDrop, Stdio, StdioSet};
use ironcell::supervise::{Item, OutputFrom, Supervisor};
use std::hint::black_box;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Jobs that run meanwhile.
const JOBS: usize = 500;
/// Bytes that the embedding program has in memory, each page written.
const RESIDENT: usize = 500 << 20;
/// How often all are measured in turn.
const TURNS: usize = 3;
/// How long the kernel may take to clear away the namespaces of so many jobs, before the next is measured.
const SETTLED: Duration = Duration::from_secs(20);
/// Processes of the job that is ended.
const PROCESSES: usize = 20;

/// What a launch costs alone, in a large program, and beside running jobs; and what it costs the kernel.
pub fn launches(spec: &JobSpec, floor: &mut Floor, rounds: usize) -> Table {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let crowded = format!("beside {JOBS} running jobs");
    let mut rows = [
        Row::new("kernel's floor, alone"),
        Row::new("cold cell, library call, alone"),
        Row::new("cold cell, library call, in a program of 500 MiB"),
        Row::new(format!("kernel's floor, {crowded}")),
        Row::new(format!("cold cell, library call, {crowded}")),
    ];
    let rounds = rounds.div_ceil(TURNS);
    for _ in 0..TURNS {
        let [floor_alone, alone, large, floor_crowded, beside] = &mut rows;
        let supervisor = opened(&runtime);
        by_turns(rounds, &runtime, (&supervisor, spec), Some((&mut *floor, floor_alone)), alone);
        supervisor.close();
        // It is opened in a program that is large already.
        let resident = vec![1_u8; RESIDENT];
        let supervisor = opened(&runtime);
        by_turns(rounds, &runtime, (&supervisor, spec), None, large);
        drop(black_box(resident));
        runtime.block_on(crowd(&supervisor));
        by_turns(rounds, &runtime, (&supervisor, spec), Some((&mut *floor, floor_crowded)), beside);
        supervisor.close();
        sleep(SETTLED);
    }
    Table::of_times("ask → target executed, beside other things", rows, 0)
}

/// Cells, and launches by the floor between them where it has a row.
fn by_turns(
    rounds: usize,
    runtime: &Runtime,
    (supervisor, spec): (&Supervisor, &JobSpec),
    mut floor: Option<(&mut Floor, &mut Row)>,
    row: &mut Row,
) {
    // The first makes what all need.
    let _: Times = runtime.block_on(cell(supervisor, spec));
    for _ in 0..rounds {
        row.add(runtime.block_on(cell(supervisor, spec)).running);
        if let Some((floor, row)) = &mut floor {
            row.add(floor.launch().running);
        }
    }
}

fn opened(runtime: &Runtime) -> Supervisor {
    runtime.block_on(async { Supervisor::open() }).expect("a supervisor")
}

/// Jobs that do nothing, until their supervisor is closed.
async fn crowd(supervisor: &Supervisor) {
    for _ in 0..JOBS {
        let job = JobSpec::command("sleep").arg("100000").cwd("/").on_drop(OnDrop::Detach).build();
        supervisor.start(job.expect("a job with a meaning"), StdioSet::default()).await.expect("it starts");
    }
}

/// From the order to end a job of many processes until none is left, and nothing else.
pub fn ends(rounds: usize) -> Table {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let supervisor = opened(&runtime);
    let mut rows = ["killed", "stopped softly"].map(|how| Row::new(format!("job of {PROCESSES} processes, {how}")));
    for _ in 0..rounds {
        rows[0].add(runtime.block_on(ended(&supervisor, false)));
        rows[1].add(runtime.block_on(ended(&supervisor, true)));
    }
    supervisor.close();
    Table::of_times("order → all gone, told and cleared away", rows, 0)
}

async fn ended(supervisor: &Supervisor, softly: bool) -> Duration {
    let script = format!("i=1; while [ $i -lt {PROCESSES} ]; do sleep 1000 & i=$((i+1)); done; echo; wait");
    let job = JobSpec::shell(script).cwd("/").build().expect("a job with a meaning");
    let stdio = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
    let job = supervisor.start(job, stdio).await.expect("it starts");
    // Its word that all are there.
    let told = job.output(OutputFrom::Start).next().await;
    assert!(matches!(told, Some(Item::Chunk(_))), "{told:?}");
    let started = Instant::now();
    if softly {
        job.stop(Stopper::Caller)
    } else {
        job.kill(Stopper::Caller)
    }
    let outcome = job.wait().await.expect("the runtime lives");
    let took = started.elapsed();
    assert!(outcome.residue.is_empty(), "{outcome:?}");
    took
}
