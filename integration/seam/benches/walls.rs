//! What each wall costs: a cold cell from a library call with all of them, without one each, and without any beyond its
//! namespaces, mounts, ids and limits; by turns, so that whatever else the machine does hits all alike.
//!
//! `cargo vm bench --walls` runs it in the guest, with `--host` here; needs root. `--rounds N` says how often.

use ironcell::spec::{JobSpec, StdioSet};
use ironcell::supervise::Supervisor;
use std::time::{Duration, Instant};

/// How often each is measured unless it is said.
const ROUNDS: usize = 200;
/// Rounds before those that count.
const WARM_UP: usize = 10;

/// What is measured: its name, and the steps that are left out.
const CELLS: [(&str, &str); 6] = [
    ("without these four", "309,221,220,312,devices"),
    ("all walls", ""),
    ("without the job's filter", "309"),
    ("without PID 1's filter", "221"),
    ("without Landlock", "220,312"),
    ("without the guard of devices", "devices"),
];

fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--rounds").skip(1);
    let rounds = arguments.next().map_or(ROUNDS, |count| count.parse().expect("--rounds takes a number"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let supervisor = runtime.block_on(async { Supervisor::open() }).expect("a host for cells");
    let mut samples = CELLS.map(|_| Vec::new());
    for round in 0..WARM_UP + rounds {
        for ((_, left_out), samples) in CELLS.iter().zip(&mut samples) {
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("IRONCELL_LEFT_OUT", left_out) };
            let took = runtime.block_on(cell(&supervisor));
            if round >= WARM_UP {
                samples.push(took);
            }
        }
    }
    supervisor.close();
    println!(
        "\n| cell, asked for to cleared away; {rounds} rounds by turns | p50 µs | × {} |\n|---|---|---|",
        CELLS[0].0
    );
    let medians = samples.map(median);
    for ((name, _), median) in CELLS.iter().zip(medians) {
        println!("| {name} | {:.0} | {:.2} |", median.as_secs_f64() * 1e6, median.div_duration_f64(medians[0]));
    }
}

/// One cell, from the ask to its end.
async fn cell(supervisor: &Supervisor) -> Duration {
    let started = Instant::now();
    let spec = JobSpec::command("/bin/true").cwd("/").build().expect("a job with a meaning");
    let job = supervisor.start(spec, StdioSet::default()).await.expect("a cell");
    let outcome = job.wait().await.expect("the runtime lives");
    assert!(outcome.success(), "{outcome:?}");
    started.elapsed()
}

fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}
