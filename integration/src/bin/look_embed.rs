//! A program that embeds ironcell and ends in one of the ways that programs end, with a job still running.
//!
//! It says one line when the job runs: the process id of the cell's PID 1.

use ironcell::spec::{JobSpec, StdioSet};
use ironcell::supervise::Supervisor;
use std::io::Write;

fn main() {
    let ending = std::env::args().nth(1).expect("a way to end");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "trap '' TERM HUP; (setsid sleep 1000 &); while true; do sleep 0.1; done";
        let spec = JobSpec::command("sh").args(["-c", script]).build().expect("a spec");
        let job = supervisor.start(spec, StdioSet::default()).await.expect("it starts");
        if ending == "wait-paused" {
            job.pause().await.expect("it stands still");
        }
        println!("{}", job.pid());
        std::io::stdout().flush().expect("somebody reads");
        match ending.as_str() {
            // With everything still held.
            "exit" => std::process::exit(3),
            "abort" => std::process::abort(),
            "wait" | "wait-paused" => drop(job.wait().await),
            // Dropped in both orders, and nothing closed.
            "drop-job-first" => {
                drop(job);
                drop(supervisor);
            }
            "drop-supervisor-first" => {
                drop(supervisor);
                drop(job);
            }
            "panic" => panic!("on purpose"),
            other => panic!("an unknown way to end: {other}"),
        }
    });
    // The runtime goes with what is still in it.
}
