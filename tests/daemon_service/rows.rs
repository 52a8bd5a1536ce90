//! Rows of what the joined systems do, shown with jobs of the daemon.

use crate::house::{Daemon, all, argv, following, get, output, run, shell, start, try_start, wait};
use ironcell::life::{Cause, Exit, Status, StopKind, Stopper};
use ironcell::rpc::convert::{outcome_of, state_of};
use ironcell::rpc::peer::Role;
use ironcell::rpc::proto::{JobFilter, JobSpec, ListJobsRequest, StopJobRequest, Stream, StreamOutputRequest};
use ironcell::supervise::Script;
use std::collections::BTreeSet;
use std::time::Duration;

fn stop(id: &str) -> StopJobRequest {
    StopJobRequest { id: id.to_owned(), ..Default::default() }
}

#[test]
fn row_2_3_an_id_is_twelve_characters_and_no_two_are_the_same() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let mut ids = BTreeSet::new();
        for _ in 0..8 {
            let job = start(&mut admin, argv(["true"])).await;
            assert_eq!(job.id.len(), 12, "{}", job.id);
            ids.insert(job.id);
        }
        assert_eq!(ids.len(), 8);
    });
}

#[test]
fn row_2_4_a_stop_waits_for_the_end_and_a_second_one_tells_the_same() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut alice = daemon.operator("alice").await;
        let job = start(&mut alice, argv(["sleep", "1000"])).await;
        let first = alice.jobs.stop_job(stop(&job.id)).await.expect("stopped").into_inner();
        let again = alice.jobs.stop_job(stop(&job.id)).await.expect("no error").into_inner();
        assert!(first.was_running && !again.was_running);
        let end = |job: Option<ironcell::rpc::proto::Job>| outcome_of(&job.expect("a job").outcome.expect("an end"));
        let (first, again) = (end(first.job), end(again.job));
        assert_eq!(first, again);
        assert_eq!(first.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft });
    });
}

#[test]
fn row_2_4_a_job_that_does_not_hear_the_soft_stop_is_killed_when_its_grace_is_over() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("trap '' TERM; echo up; while :; do sleep 1; done")).await;
        let mut frames = output(&mut admin, following(&job.id)).await;
        frames.message().await.expect("it is up");
        let grace = Some(ironcell::rpc::convert::duration(Duration::from_millis(50)));
        let stopped = admin.jobs.stop_job(StopJobRequest { grace, ..stop(&job.id) }).await.expect("stopped");
        let end = outcome_of(&stopped.into_inner().job.expect("a job").outcome.expect("an end"));
        assert_eq!(end.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard });
    });
}

#[test]
fn row_2_5_the_state_is_running_completed_failed_or_terminated() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let word = |state| state_of(state).expect("a state").word();
        let running = start(&mut admin, argv(["sleep", "1000"])).await;
        assert_eq!(word(running.state), "running");
        for (spec, expected) in [(argv(["true"]), "completed"), (argv(["false"]), "failed")] {
            let job = start(&mut admin, spec).await;
            wait(&mut admin, &job.id).await;
            assert_eq!(word(get(&mut admin, &job.id).await.expect("listed").state), expected);
        }
        admin.jobs.stop_job(stop(&running.id)).await.expect("stopped");
        assert_eq!(word(get(&mut admin, &running.id).await.expect("listed").state), "terminated");
    });
}

#[test]
fn row_2_6_the_log_begins_with_the_first_byte_and_tells_that_it_is_over() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("echo one; echo two")).await;
        wait(&mut admin, &job.id).await;
        let request = StreamOutputRequest { id: job.id.clone(), ..Default::default() };
        let told = all(output(&mut admin, request).await).await;
        assert_eq!(told.text(), "one\ntwo\n");
        assert_eq!((told.ends.len(), told.ends[0].end_offset, told.after), (1, 8, false));
    });
}

#[test]
fn row_2_7_following_a_log_ends_with_the_job() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("echo first; sleep 0.2; echo last; exit 7")).await;
        let told = all(output(&mut admin, following(&job.id)).await).await;
        assert_eq!(told.text(), "first\nlast\n");
        let [end] = &told.ends[..] else { panic!("one end: {told:?}") };
        let outcome = outcome_of(end.job.as_ref().and_then(|job| job.outcome.as_ref()).expect("its outcome"));
        assert_eq!((outcome.exit, told.after), (Exit::Code { code: 7 }, false));
    });
}

#[test]
fn row_2_8_jobs_are_listed_by_pages_and_filters_without_one_missed_or_told_twice() {
    run(async {
        let (daemon, _) = Daemon::mocked((0..7).map(|_| Script::default().pause(Duration::from_secs(1000)))).await;
        let mut admin = daemon.admin().await;
        let mut started = Vec::new();
        for number in 0..7 {
            let label = [("parity".to_owned(), (number % 2).to_string())].into();
            started.push(start(&mut admin, JobSpec { label, ..argv(["job"]) }).await.id);
        }
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListJobsRequest { page_size: 3, page_token, filter: None };
            let page = admin.jobs.list_jobs(request).await.expect("a page").into_inner();
            assert!(page.jobs.len() <= 3);
            seen.extend(page.jobs.into_iter().map(|job| job.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        seen.sort();
        started.sort();
        assert_eq!(seen, started);
        let filter = Some(JobFilter { label: [("parity".to_owned(), "1".to_owned())].into(), ..Default::default() });
        let request = ListJobsRequest { filter, ..Default::default() };
        assert_eq!(admin.jobs.list_jobs(request).await.expect("a page").into_inner().jobs.len(), 3);
    });
}

#[test]
fn row_2_9_a_name_is_unique_among_the_jobs_of_its_owner_that_have_not_ended() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut bob) = (daemon.operator("alice").await, daemon.operator("bob").await);
        let named = || JobSpec { name: "web".to_owned(), ..argv(["sleep", "1000"]) };
        start(&mut alice, named()).await;
        assert_eq!(crate::house::reason(try_start(&mut alice, named()).await), "NAME_IN_USE");
        start(&mut bob, named()).await;
        assert_eq!(get(&mut alice, "web").await.expect("hers").owner, "alice");
        alice.jobs.stop_job(stop("web")).await.expect("stopped");
        start(&mut alice, named()).await;
    });
}

#[test]
fn row_2_12_many_clients_follow_one_job_each_from_its_first_byte() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("for i in 1 2 3 4 5; do echo $i; sleep 0.02; done")).await;
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let frames = output(&mut admin, following(&job.id)).await;
            readers.spawn(all(frames));
        }
        for told in readers.join_all().await {
            assert_eq!((told.text().as_str(), told.ends.len()), ("1\n2\n3\n4\n5\n", 1));
        }
    });
}

#[test]
fn row_2_13_both_streams_are_told_and_neither_waits_for_the_other() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job =
            start(&mut admin, shell("i=0; while [ $i -lt 2000 ]; do echo $i >&2; i=$((i+1)); done; echo done")).await;
        let only = |stream: Stream| StreamOutputRequest { streams: vec![stream as i32], ..following(&job.id) };
        let stderr = all(output(&mut admin, only(Stream::Stderr)).await).await;
        let stdout = all(output(&mut admin, only(Stream::Stdout)).await).await;
        assert_eq!((stderr.text().lines().count(), stdout.text().as_str()), (2000, "done\n"));
    });
}

#[test]
fn row_4_20_a_bulk_stop_takes_those_that_are_old_enough_and_tells_each() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        start(&mut admin, argv(["sleep", "1000"])).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let young = start(&mut admin, argv(["sleep", "1000"])).await;
        let older_than = Some(ironcell::rpc::convert::duration(Duration::from_millis(250)));
        let filter = Some(JobFilter { older_than, ..Default::default() });
        let request = ironcell::rpc::proto::BatchStopJobsRequest { filter, ..Default::default() };
        let items = admin.jobs.batch_stop_jobs(request).await.expect("answers").into_inner().items;
        assert_eq!(items.len(), 1);
        assert_ne!(items[0].id, young.id);
        let state = state_of(get(&mut admin, &young.id).await.expect("listed").state);
        assert_eq!(state, Some(Status::Running));
    });
}

#[test]
fn a_job_of_somebody_else_is_not_there_by_any_word_that_means_it() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut bob) = (daemon.operator("alice").await, daemon.caller("bob", Role::Operator).await);
        let job = start(&mut alice, JobSpec { name: "secret".to_owned(), ..argv(["sleep", "1000"]) }).await;
        for said in [job.id.as_str(), &job.id[..6], "secret", "nothing"] {
            let status = get(&mut bob, said).await.expect_err("not there");
            assert_eq!((status.code(), status.message()), (tonic::Code::NotFound, format!("no job {said}").as_str()));
        }
    });
}
