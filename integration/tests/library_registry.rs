//! The supervisor's list of jobs: where each stands, what is found, what is kept, and how little all of it costs.

use integration::embed::{logged, shell, with_threads, with_threads_for};
use integration::support::RUN_WITHIN;
use ironcell::life::{Cause, Exit, Status, Stopper};
use ironcell::spec::{JobSpec, OnDrop, Owner, StdioSet};
use ironcell::supervise::{Bounds, Error, Filter, Item, OutputFrom, Supervisor};
use std::pin::pin;
use std::time::Duration;

/// How many jobs lie idle at once: 50 unless this variable says another number. The test machine's memory is enough for
/// some 500.
const IDLE_JOBS: &str = "IRONCELL_IDLE_JOBS";

fn named(name: &str, script: &str) -> JobSpec {
    JobSpec::command("sh").args(["-c", script]).name(name).label("tool", "test").build().expect("a spec")
}

#[test]
fn a_job_is_listed_from_the_call_of_its_start_and_says_where_it_stands() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::new("alice").expect("a word"));
        let mut start = pin!(jobs.start(named("build", "read x; exit 3"), StdioSet::default()));
        tokio::select! { biased; _ = &mut start => panic!("nothing is as fast"), () = async {} => {} }
        let listed = jobs.list(&Filter::default());
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].status, listed[0].pid, listed[0].started), (Status::Starting, None, None));
        let job = start.await.expect("it starts");
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 3 });
        let info = jobs.info(job.id()).expect("it stays listed");
        assert_eq!((info.status, info.status.word()), (Status::Failed, "failed"));
        assert_eq!((info.exit, info.cause), (Some(Exit::Code { code: 3 }), Some(Cause::Itself)));
        assert_eq!((info.name.as_deref(), info.owner.as_str(), info.pid), (Some("build"), "alice", None));
        assert_eq!(info.argv, ["sh", "-c", "read x; exit 3"]);
        assert!(Some(info.created) <= info.started && info.started <= info.ended);
        supervisor.close();
    });
}

#[test]
fn a_start_that_fails_is_listed_while_it_is_tried_and_not_afterwards() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let spec = JobSpec::command("no-such-program").name("x").build().expect("a spec");
        jobs.start(spec, StdioSet::default()).await.expect_err("refused");
        assert!(jobs.list(&Filter::default()).is_empty());
        jobs.start(named("x", "exit 0"), StdioSet::default()).await.expect("its name is free");
        supervisor.close();
    });
}

#[test]
fn a_job_that_has_ended_is_found_with_its_log_until_it_is_removed() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let job = jobs.start(named("hello", "echo hello; read x"), logged()).await.expect("it starts");
        let id = job.id();
        job.wait().await.expect("it ends");
        drop(job);
        assert_eq!(jobs.find("hello").expect("by name"), id);
        assert_eq!(jobs.find(&id.short()[..8]).expect("by a beginning"), id);
        assert_eq!(jobs.info(id).expect("listed").output, 0..6);
        let again = jobs.get(id).expect("a handle");
        assert!(again.try_wait().is_some());
        let item = again.output(OutputFrom::Start).next().await;
        assert!(matches!(item, Some(Item::Chunk(chunk)) if chunk.bytes == b"hello\n"));
        jobs.remove(id).expect("it has ended");
        assert!(matches!(jobs.get(id), Err(Error::NotFound { .. })));
        assert!(matches!(jobs.remove(id), Err(Error::NotFound { .. })));
        supervisor.close();
    });
}

#[test]
fn a_job_that_runs_is_not_removed_and_keeps_its_name_for_itself() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let job = jobs.start(named("x", "sleep 1000"), StdioSet::default()).await.expect("it starts");
        assert!(matches!(jobs.remove(job.id()), Err(Error::StillRunning(id)) if id == job.id()));
        assert!(jobs.purge(&Filter::default()).is_empty());
        let taken = jobs.start(named("x", "true"), StdioSet::default()).await.expect_err("taken");
        assert!(matches!(taken, Error::NameTaken { id, .. } if id == job.id()), "{taken}");
        jobs.kill(job.id()).await.expect("it ends");
        assert_eq!(jobs.purge(&Filter::default()), [job.id()]);
        supervisor.close();
    });
}

#[test]
fn a_supervisor_holds_as_many_jobs_as_it_was_opened_for() {
    with_threads(2, async {
        let bounds = Bounds { jobs: 3, ended: 2, ..Bounds::default() };
        let supervisor = Supervisor::open_with(bounds).expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(jobs.start(shell("sleep 1000"), StdioSet::default()).await.expect("room"));
        }
        let error = jobs.start(shell("true"), StdioSet::default()).await.expect_err("no room");
        assert!(matches!(error, Error::TooManyJobs { most: 3 }), "{error}");
        for job in &held {
            job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        }
        jobs.start(shell("true"), StdioSet::default()).await.expect("room").wait().await.expect("it ends");
        let left: Vec<_> = jobs.list(&Filter::default()).iter().map(|info| info.id).collect();
        assert_eq!(left.len(), 2, "those that ended first are given up");
        assert!(left.contains(&held[2].id()) && !left.contains(&held[0].id()));
        supervisor.close();
    });
}

#[test]
fn a_detached_job_goes_on_without_a_handle_until_it_is_stopped() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let spec = JobSpec::command("sleep").arg("1000").on_drop(OnDrop::Detach).build().expect("a spec");
        let id = jobs.start(spec, StdioSet::default()).await.expect("it starts").id();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(jobs.info(id).expect("listed").status, Status::Running);
        drop(jobs.get(id).expect("a handle of it, which ends nothing either"));
        assert!(jobs.stop(id, None).await.expect("it ends").was_running);
        supervisor.close();
    });
}

/// Resident memory of this program, KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("its own");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn idle_jobs_take_no_thread_and_ended_ones_no_descriptor() {
    let count: u32 = std::env::var(IDLE_JOBS).ok().map_or(50, |text| text.parse().expect("a number of jobs"));
    // The machine is emulated: a cell takes it some 100 ms, where processors of its own take 3.
    with_threads_for(2, RUN_WITHIN + Duration::from_millis(200) * count, async move {
        let count = count as usize;
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let spec = || JobSpec::command("sleep").arg("100000").on_drop(OnDrop::Detach).build().expect("a spec");
        let there = |what| std::fs::read_dir(format!("/proc/self/{what}")).expect("its own").count();
        jobs.start(spec(), StdioSet::default()).await.expect("the first makes what all need");
        let (threads, descriptors, before) = (there("task"), there("fd"), resident());
        let all = jobs.start_all((0..count).map(|_| (spec(), StdioSet::default())).collect()).await;
        assert!(all.into_iter().all(|started| started.is_ok()));
        assert_eq!(jobs.counts().running, count + 1);
        assert!(there("task") <= threads + 2, "{} threads for {count} jobs", there("task"));
        println!(
            "{count} idle jobs: {} threads, {} KiB more in this program",
            there("task"),
            resident().saturating_sub(before)
        );
        let ended = jobs.stop_all(&Filter::default(), Some(Duration::ZERO)).await;
        assert!(ended.len() == count + 1 && ended.iter().all(|(_, stopped)| stopped.is_ok()));
        assert!(there("fd") <= descriptors, "{} descriptors are left of {descriptors}", there("fd"));
        supervisor.close();
    });
}
