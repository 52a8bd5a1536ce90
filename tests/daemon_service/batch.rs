//! Calls about many jobs, and what is told of all of them.

use crate::house::{Daemon, argv, get, reason, run, start, wait};
use ironcell::rpc::proto::batch_jobs_response::item::Result as Item;
use ironcell::rpc::proto::job_event::Type;
use ironcell::rpc::proto::{
    BatchStartJobsRequest, BatchStopJobsRequest, DeleteJobRequest, DrainRequest, JobSpec, PurgeJobsRequest,
    StartJobRequest, WatchJobsRequest,
};

#[test]
fn a_batch_of_starts_answers_each_in_its_place_and_what_fails_concerns_no_other() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let specs = [argv(["true"]), argv(["/no/such/program"]), argv([]), argv(["true"])];
        let requests = specs.map(|spec| StartJobRequest { spec: Some(spec), ..Default::default() }).into();
        let items = admin.jobs.batch_start_jobs(BatchStartJobsRequest { requests }).await.expect("answers");
        let told: Vec<String> = items
            .into_inner()
            .items
            .into_iter()
            .map(|item| match item.result.expect("an answer") {
                Item::Job(job) => {
                    assert_eq!(job.id, item.id);
                    "started".to_owned()
                }
                Item::Error(error) => error.reason,
            })
            .collect();
        assert_eq!(told, ["started", "EXEC_FAILED", "EMPTY_COMMAND", "started"]);
        let requests = (0..257).map(|_| StartJobRequest::default()).collect();
        assert_eq!(reason(admin.jobs.batch_start_jobs(BatchStartJobsRequest { requests }).await), "TOO_MANY_ITEMS");
    });
}

#[test]
fn a_purge_takes_what_has_ended_out_of_the_list_and_a_dry_one_only_tells() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut bob) = (daemon.operator("alice").await, daemon.operator("bob").await);
        let ended = start(&mut alice, argv(["true"])).await;
        wait(&mut alice, &ended.id).await;
        let running = start(&mut alice, argv(["sleep", "1000"])).await;
        let purge = |dry_run| PurgeJobsRequest { filter: None, dry_run };
        assert!(bob.jobs.purge_jobs(purge(false)).await.expect("nothing of his").into_inner().ids.is_empty());
        for dry_run in [true, false] {
            assert_eq!(
                alice.jobs.purge_jobs(purge(dry_run)).await.expect("told").into_inner().ids,
                std::slice::from_ref(&ended.id)
            );
        }
        assert_eq!(reason(get(&mut alice, &ended.id).await), "JOB_NOT_FOUND");
        get(&mut alice, &running.id).await.expect("it runs");
    });
}

#[test]
fn answers_about_all_jobs_have_as_many_as_fit_and_count_the_others() {
    run(async {
        // Each is told with its arguments, which are 100 KiB: twenty fit into 2 MiB.
        const JOBS: usize = 30;
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        for _ in 0..JOBS {
            let long = "x".repeat(100 << 10);
            start(&mut admin, argv(["sh", "-c", "exec sleep 1000", long.as_str()])).await;
        }
        let drained = admin.system.drain(DrainRequest { cancel: false }).await.expect("told").into_inner();
        assert_eq!((drained.jobs.len(), drained.left_out), (20, 10));
        let stop = BatchStopJobsRequest { filter: None, grace: None, kill: true };
        let stopped = admin.jobs.batch_stop_jobs(stop.clone()).await.expect("told").into_inner();
        assert_eq!((stopped.items.len() + stopped.left_out as usize, stopped.failed), (JOBS, 0));
        assert!(stopped.left_out >= 10, "{}", stopped.left_out);
        let again = admin.jobs.batch_stop_jobs(stop).await.expect("told").into_inner();
        assert_eq!((again.items.len(), again.left_out), (0, 0), "all were stopped, told or not");
    });
}

#[test]
fn a_job_that_runs_is_deleted_when_it_is_stopped_first() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, argv(["sleep", "1000"])).await;
        let delete = |stop_first| DeleteJobRequest { id: job.id.clone(), stop_first };
        assert_eq!(reason(admin.jobs.delete_job(delete(false)).await), "JOB_NOT_EXITED");
        admin.jobs.delete_job(delete(true)).await.expect("gone");
        assert_eq!(reason(admin.jobs.delete_job(delete(true)).await), "JOB_NOT_FOUND");
    });
}

#[test]
fn a_watcher_is_told_the_jobs_as_they_stand_and_then_what_happens_to_his() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut bob) = (daemon.operator("alice").await, daemon.operator("bob").await);
        let here = start(&mut alice, argv(["sleep", "1000"])).await;
        let mut events = alice.jobs.watch_jobs(WatchJobsRequest::default()).await.expect("a stream").into_inner();
        start(&mut bob, argv(["true"])).await;
        let job = start(&mut alice, JobSpec { name: "new".to_owned(), ..argv(["true"]) }).await;
        let mut told = Vec::new();
        loop {
            let event = events.message().await.expect("no error").expect("an event");
            let kind = Type::try_from(event.r#type).expect("known");
            assert!(kind == Type::SnapshotEnd || event.owner == "alice", "{event:?}");
            told.push((kind, event.id));
            if kind == Type::Ended {
                assert!(event.job.expect("listed").outcome.is_some());
                break;
            }
        }
        let expected = [
            (Type::Snapshot, here.id),
            (Type::SnapshotEnd, String::new()),
            (Type::Created, job.id.clone()),
            (Type::Started, job.id.clone()),
            (Type::Ended, job.id),
        ];
        assert_eq!(told, expected);
    });
}
