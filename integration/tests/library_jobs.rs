//! ironcell as a library, in programs with many threads and with one: every job has its own outcome, and a job whose
//! owner lets go of it ends.

use integration::embed::{shell, with_threads};
use ironcell::life::{Cause, Exit, StopKind, Stopper};
use ironcell::spec::{JobSpec, Stdio, StdioSet};
use ironcell::supervise::Supervisor;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

/// A pipe as standard output, and its reader.
fn piped() -> (StdioSet, std::io::PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    (StdioSet { stdout: Stdio::Fd(OwnedFd::from(writer)), ..StdioSet::default() }, reader)
}

#[test]
fn a_hundred_jobs_at_once_on_64_threads_have_each_their_own_outcome() {
    with_threads(64, async {
        let supervisor = std::sync::Arc::new(Supervisor::open().expect("a supervisor"));
        let start = |number: u8| {
            let supervisor = supervisor.clone();
            tokio::spawn(async move {
                let (stdio, mut reader) = piped();
                let script = format!("echo {number} > /tmp/own; cat /tmp/own; (setsid sleep 1000 &); exit {number}");
                let job = supervisor.start(shell(&script), stdio).await.expect("it starts");
                let outcome = job.wait().await.expect("it ends");
                assert_eq!((outcome.exit, outcome.cause), (Exit::Code { code: number }, Cause::Itself));
                assert_eq!(outcome.residue, [""; 0]);
                let mut said = String::new();
                reader.read_to_string(&mut said).expect("text");
                assert_eq!(said, format!("{number}\n"));
            })
        };
        let all: Vec<_> = (0..100).map(start).collect();
        for task in all {
            task.await.expect("its outcome is right");
        }
        std::sync::Arc::into_inner(supervisor).expect("nobody else holds it").close();
    });
}

/// Descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("its own").count()
}

#[test]
fn a_job_holds_few_descriptors_and_gives_all_of_them_back() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let none = descriptors();
        let mut jobs = Vec::new();
        for _ in 0..10 {
            jobs.push(supervisor.start(shell("sleep 1000"), StdioSet::default()).await.expect("it starts"));
        }
        let each = (descriptors() - none).div_ceil(jobs.len());
        assert!(each <= 8, "{each} descriptors a job: 1024, the usual limit, are too few for 100 jobs");
        for job in jobs {
            job.kill(Stopper::Caller);
            job.wait().await.expect("it ends");
        }
        assert_eq!(descriptors(), none, "descriptors are left");
        supervisor.close();
    });
}

#[test]
fn jobs_run_on_a_runtime_of_one_thread() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for code in 0..10 {
            let job = supervisor.start(shell(&format!("exit {code}")), StdioSet::default()).await.expect("it starts");
            assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code });
        }
        supervisor.close();
    });
}

#[test]
fn programs_that_are_started_meanwhile_hold_nothing_of_a_job_up() {
    // A descriptor that leaked into another child would keep a report or an output from its end for as long as that runs.
    with_threads(8, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let others = std::thread::spawn(move || {
            let mut all = Vec::new();
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) && all.len() < 200 {
                all.push(Command::new("sleep").arg("60").spawn().expect("it starts"));
            }
            all
        });
        let began = Instant::now();
        for _ in 0..20 {
            let (stdio, mut reader) = piped();
            let job = supervisor.start(shell("echo x"), stdio).await.expect("it starts");
            assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 0 });
            let mut said = String::new();
            reader.read_to_string(&mut said).expect("text");
            assert_eq!(said, "x\n");
        }
        let took = began.elapsed();
        drop(stop);
        for mut other in others.join().expect("the thread does not panic") {
            other.kill().expect("it is ours");
            other.wait().expect("it ends");
        }
        assert!(took < Duration::from_secs(50), "a job waited for another program: {took:?}");
        supervisor.close();
    });
}

#[test]
fn a_job_that_nobody_holds_any_more_is_ended() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = supervisor.start(shell("trap '' TERM; sleep 1000"), StdioSet::default()).await.expect("it starts");
        let (pid, clone) = (job.pid(), job.clone());
        drop(job);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let there = move || std::path::Path::new(&format!("/proc/{pid}/status")).exists();
        assert!(there(), "a clone still holds it");
        drop(clone);
        let until = Instant::now() + Duration::from_secs(5);
        while there() {
            assert!(Instant::now() < until, "it lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        supervisor.close();
    });
}

#[test]
fn a_start_that_nobody_waits_for_leaves_no_job() {
    with_threads(4, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for micros in (0..20_000).step_by(1000) {
            let start = supervisor.start(shell("sleep 1000"), StdioSet::default());
            let given_up = tokio::time::timeout(Duration::from_micros(micros), start).await;
            drop(given_up);
        }
        supervisor.close();
    });
}

#[test]
fn a_job_can_be_stopped_and_killed_by_any_of_its_holders() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let start = |script: &str| supervisor.start(shell(script), StdioSet::default());
        let soft = start("trap 'exit 4' TERM; sleep 1000 & wait").await.expect("it starts");
        tokio::time::sleep(Duration::from_millis(300)).await;
        soft.clone().stop(Stopper::Caller);
        let outcome = soft.wait().await.expect("it ends");
        let stopped = |how| Cause::Stopped { by: Stopper::Caller, how };
        assert_eq!((outcome.exit, outcome.cause), (Exit::Code { code: 4 }, stopped(StopKind::Soft)));
        let hard = start("trap '' TERM; sleep 1000").await.expect("it starts");
        hard.kill(Stopper::Caller);
        let (one, other) = tokio::join!(hard.wait(), hard.wait());
        assert_eq!(one, other, "everybody is told the same");
        let outcome = one.expect("it ends");
        assert_eq!((outcome.exit, outcome.cause), (Exit::Signal { signal: 9, core: false }, stopped(StopKind::Hard)));
        assert_eq!(hard.try_wait().map(|outcome| outcome.exit), Some(outcome.exit));
        supervisor.close();
    });
}

#[test]
fn a_refused_job_is_an_error_in_words_and_the_supervisor_goes_on() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for _ in 0..10 {
            let spec = JobSpec::command("no-such-program").build().expect("a spec");
            let error = supervisor.start(spec, StdioSet::default()).await.expect_err("refused");
            assert!(error.to_string().contains("no-such-program was not found"), "{error}");
            assert_eq!(error.start_failure().map(|failure| failure.errno), Some(libc::ENOENT));
        }
        let job = supervisor.start(shell("exit 9"), StdioSet::default()).await.expect("it starts");
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 9 });
        supervisor.close();
    });
}

#[test]
fn two_supervisors_in_one_program_do_not_disturb_each_other() {
    with_threads(4, async {
        let (one, other) = (Supervisor::open().expect("a supervisor"), Supervisor::open().expect("another"));
        let held = one.start(shell("sleep 1; exit 5"), StdioSet::default()).await.expect("it starts");
        let job = other.start(shell("exit 6"), StdioSet::default()).await.expect("it starts");
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 6 });
        other.close();
        assert_eq!(held.wait().await.expect("it ends").exit, Exit::Code { code: 5 });
        one.close();
    });
}
