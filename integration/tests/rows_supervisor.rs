//! What the systems that ironcell joins can do with their jobs, row by row, as far as it is a supervisor's: each test is
//! named by its row, and shows what ironcell does about it.

use integration::embed::{shell, with_threads};
use ironcell::life::{Cause, Exit, Status, StopKind, Stopper};
use ironcell::spec::{JobSpec, OnDrop, Owner, Signal, StdioSet, Target};
use ironcell::supervise::{Change, Error, Filter, Heard, Job, Jobs, Shutdown, Supervisor};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, SystemTime};

/// Work with the jobs of one owner, and the supervisor closed behind it.
fn with_jobs<F: Future<Output = ()> + Send + 'static>(work: fn(Jobs) -> F) {
    with_threads(2, async move {
        let supervisor = Supervisor::open().expect("a supervisor");
        work(supervisor.jobs_of(Owner::new("engine").expect("a word"))).await;
        supervisor.close();
    });
}

async fn start(jobs: &Jobs, script: &str) -> Job {
    jobs.start(shell(script), StdioSet::default()).await.expect("it starts")
}

/// One that has had the time to set its traps.
async fn settled(jobs: &Jobs, script: &str) -> Job {
    let job = start(jobs, script).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    job
}

#[test]
fn row_0_4_jobs_that_run_completed_and_failed_are_listed_and_counted() {
    with_jobs(|jobs| async move {
        let held = start(&jobs, "sleep 1000").await;
        for script in ["exit 0", "exit 1", "exit 2"] {
            start(&jobs, script).await.wait().await.expect("it ends");
        }
        let counts = jobs.counts();
        assert_eq!((counts.running, counts.completed, counts.failed), (1, 1, 2));
        let failed = Filter { states: vec![Status::Failed], ..Filter::default() };
        assert_eq!(jobs.list(&failed).len(), 2);
        drop(held);
    });
}

#[test]
fn row_0_5_a_job_that_ignores_its_stop_is_stopping_and_its_exit_is_not_lost() {
    with_jobs(|jobs| async move {
        let job = settled(&jobs, "trap 'sleep 1; exit 7' TERM; while :; do sleep 0.05; done").await;
        job.stop(Stopper::Caller);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(jobs.info(job.id()).expect("listed").status, Status::Stopping, "the signal alone is no end");
        job.wait().await.expect("it ends");
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.status, info.exit), (Status::Terminated, Some(Exit::Code { code: 7 })));
    });
}

#[test]
fn row_0_6_a_query_tells_command_pid_owner_and_status() {
    with_jobs(|jobs| async move {
        let job = start(&jobs, "sleep 1000").await;
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.pid, info.owner.as_str(), info.status), (Some(job.pid()), "engine", Status::Running));
        assert_eq!(info.argv, ["sh", "-c", "sleep 1000"]);
    });
}

#[test]
fn row_0_7_a_stop_ends_every_process_of_the_job_and_none_twice() {
    with_jobs(|jobs| async move {
        let job = settled(&jobs, "trap 'exit 0' TERM; (setsid sleep 1000 &); while :; do sleep 0.05; done").await;
        let stopped = jobs.stop(job.id(), None).await.expect("it ends");
        assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft });
        assert_eq!(stopped.outcome.leftovers.expect("they are known").count, 1, "the one with a session of its own");
        assert!(!jobs.stop(job.id(), None).await.expect("it has ended").was_running);
    });
}

#[test]
fn row_0_14_a_fifth_job_is_waited_for_while_four_others_run() {
    with_jobs(|jobs| async move {
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(start(&jobs, "sleep 1000").await);
        }
        assert_eq!(start(&jobs, "exit 5").await.wait().await.expect("it ends").exit, Exit::Code { code: 5 });
        assert_eq!(jobs.counts().running, 4);
    });
}

#[test]
fn row_0_15_ends_that_nobody_listens_to_hold_up_nothing_and_are_heard_later() {
    with_jobs(|jobs| async move {
        let (_, mut events) = jobs.events();
        for _ in 0..20 {
            start(&jobs, "true").await.wait().await.expect("it ends");
        }
        let mut ended = 0;
        while ended < 20 {
            let Some(Heard::Event(event)) = events.next().await else { panic!("20 jobs are not too much") };
            ended += u32::from(matches!(event.change, Change::Ended(_)));
        }
    });
}

#[test]
fn row_0_17_a_shutdown_is_bounded_and_says_what_hangs() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let job = settled(&jobs, "trap '' TERM; while :; do sleep 0.05; done").await;
        let soft = Shutdown::Soft { grace: None };
        let left = supervisor.shutdown(soft, Duration::from_millis(500)).await;
        assert!(left.is_empty(), "{left:?} hang");
        assert!(job.try_wait().is_some());
    });
}

#[test]
fn row_1_10_a_signal_after_the_end_is_an_error_and_there_is_no_process_id_any_more() {
    with_jobs(|jobs| async move {
        let job = start(&jobs, "exit 0").await;
        job.wait().await.expect("it ends");
        for to in [Target::Leader, Target::All] {
            assert!(matches!(job.signal(Signal::TERM, to).await, Err(Error::Ended(_))));
        }
        assert_eq!(jobs.info(job.id()).expect("listed").pid, None);
    });
}

#[test]
fn row_1_14_a_job_that_was_cancelled_is_so_whatever_its_code_and_without_grace_it_is_killed() {
    with_jobs(|jobs| async move {
        let job = settled(&jobs, "trap 'exit 0' TERM; while :; do sleep 0.05; done").await;
        let outcome = jobs.stop(job.id(), None).await.expect("it ends").outcome;
        assert_eq!((outcome.exit, outcome.success()), (Exit::Code { code: 0 }, false));
        let deaf = settled(&jobs, "trap '' TERM; while :; do sleep 0.05; done").await;
        let outcome = jobs.stop(deaf.id(), Some(Duration::ZERO)).await.expect("it ends").outcome;
        assert_eq!(outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard });
    });
}

#[test]
fn row_2_5_the_four_words_of_a_status_are_true() {
    with_jobs(|jobs| async move {
        let word = |job: &Job| jobs.info(job.id()).expect("listed").status.word();
        let (good, bad, held) =
            (start(&jobs, "exit 0").await, start(&jobs, "exit 1").await, start(&jobs, "sleep 99").await);
        good.wait().await.expect("it ends");
        bad.wait().await.expect("it ends");
        assert_eq!((word(&good), word(&bad), word(&held)), ("completed", "failed", "running"));
        jobs.kill(held.id()).await.expect("it ends");
        assert_eq!(word(&held), "terminated");
    });
}

#[test]
fn row_3_4_many_are_started_and_stopped_at_once_each_with_a_result_of_its_own() {
    with_jobs(|jobs| async move {
        let program = |name: &str| JobSpec::command(name).arg("1000").build().expect("a spec");
        let asks = ["sleep", "no-such-program", "sleep"].map(|name| (program(name), StdioSet::default()));
        let answers = jobs.start_all(asks.into()).await;
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        let stopped = jobs.stop_all(&Filter::default(), Some(Duration::from_millis(100))).await;
        assert_eq!(stopped.len(), 2);
        assert!(stopped.iter().all(|(_, stopped)| stopped.as_ref().is_ok_and(|stopped| stopped.was_running)));
    });
}

#[test]
fn row_3_7_a_job_has_three_times_and_never_runs_for_ever_in_the_list() {
    with_jobs(|jobs| async move {
        let before = SystemTime::now();
        let job = start(&jobs, "sleep 0.3").await;
        job.wait().await.expect("it ends");
        let info = jobs.info(job.id()).expect("listed");
        let (started, ended) = (info.started.expect("it ran"), info.ended.expect("it has ended"));
        assert!(before <= info.created && info.created <= started && ended <= SystemTime::now());
        assert!(ended.duration_since(started).expect("in this order") >= Duration::from_millis(250));
    });
}

#[test]
fn row_4_18_an_end_in_the_grace_by_another_cause_is_told_apart_from_a_soft_and_a_hard_one() {
    with_jobs(|jobs| async move {
        let cause = |job: Job| async move { job.wait().await.expect("it ends").cause };
        assert_eq!(cause(start(&jobs, "exit 3").await).await, Cause::Itself);
        for (script, how) in [("trap 'exit 0' TERM", StopKind::Soft), ("trap '' TERM", StopKind::Hard)] {
            let job = settled(&jobs, &format!("{script}; while :; do sleep 0.05; done")).await;
            let stopped = jobs.stop(job.id(), Some(Duration::from_millis(500))).await.expect("it ends");
            assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how });
        }
    });
}

#[test]
fn row_4_20_jobs_of_one_origin_and_older_than_a_time_are_ended_in_bulk_and_purged() {
    with_jobs(|jobs| async move {
        let of = |origin: &str| {
            let spec = JobSpec::command("sleep").arg("1000").label("origin", origin).on_drop(OnDrop::Detach);
            (spec.build().expect("a spec"), StdioSet::default())
        };
        let old = jobs.start_all(vec![of("ci"), of("ci"), of("me")]).await;
        assert!(old.iter().all(Result::is_ok));
        tokio::time::sleep(Duration::from_millis(600)).await;
        let young = jobs.start_all(vec![of("ci")]).await;
        let labels = BTreeMap::from([("origin".to_owned(), "ci".to_owned())]);
        let older_than = Some(Duration::from_millis(500));
        let bulk = Filter { labels: labels.clone(), older_than, ..Filter::default() };
        assert_eq!(jobs.stop_all(&bulk, Some(Duration::from_millis(50))).await.len(), 2);
        assert_eq!(jobs.counts().running, 2, "the young one and the other origin's");
        assert_eq!(jobs.purge(&Filter { labels, ..Filter::default() }).len(), 2, "what runs is not purged");
        drop(young);
    });
}

#[test]
fn row_4_31_the_tree_of_a_job_is_told_and_killed_as_a_whole() {
    with_jobs(|jobs| async move {
        let job = settled(&jobs, "(setsid sh -c 'sleep 1000 & wait' &); while :; do sleep 1000; done").await;
        let tree = jobs.processes(job.id()).await.expect("it runs");
        assert_eq!(tree.iter().filter(|process| process.comm == "sleep").count(), 2, "{tree:?}");
        let killed = jobs.kill(job.id()).await.expect("it ends");
        assert_eq!((killed.outcome.residue, jobs.counts().live()), (Vec::new(), 0));
    });
}
