//! The table of reasons: each that can be provoked here is, by the call that a client would make.

use crate::house::{Daemon, argv, get, reading, reason, run, start, try_start, wait};
use ironcell::rpc::errors::exit_of;
use ironcell::rpc::proto::{
    JobFilter, JobSpec, ListJobsRequest, SignalJobRequest, StartJobRequest, StreamOutputRequest, UpdateJobRequest,
    WaitJobRequest,
};
use ironcell::rpc::service::Settings;
use ironcell::supervise::{Backend, Bounds, Supervisor};
use tonic_types::StatusExt;

#[test]
fn a_field_without_meaning_is_named_with_its_value_and_the_way_out() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        for (spec, expected, field) in [
            (JobSpec::default(), "EMPTY_COMMAND", "argv[0]"),
            (JobSpec { cwd: b"src".to_vec(), ..argv(["true"]) }, "CWD_NOT_ABSOLUTE", "cwd"),
            (JobSpec { env: vec![b"=x".to_vec()], ..argv(["true"]) }, "INVALID_ENV", "env[0]"),
            (JobSpec { memory: "12Q".to_owned(), ..argv(["true"]) }, "INVALID_LIMIT", "memory"),
            (JobSpec { rootfs_rw: true, ..argv(["true"]) }, "INVALID_MOUNT", "rootfs_rw"),
            (JobSpec { hostname: "a b".to_owned(), ..argv(["true"]) }, "INVALID_FIELD", "hostname"),
        ] {
            let status = try_start(&mut admin, spec).await.expect_err(expected);
            let violations = status.get_details_bad_request().expect("details").field_violations;
            assert_eq!(violations[0].field, field);
            assert!(!violations[0].description.is_empty());
            assert_eq!(reason(Err::<(), _>(status)), expected);
        }
    });
}

#[test]
fn a_job_that_cannot_begin_says_so_and_leaves_nothing() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let status = try_start(&mut admin, argv(["/no/such/program"])).await.expect_err("not there");
        let info = status.get_details_error_info().expect("details");
        assert_eq!((info.reason.as_str(), info.metadata["errno"].as_str()), ("EXEC_FAILED", "2"));
        assert_eq!(exit_of(&status), ironcell::life::Refused::NotFound);
        let limited = JobSpec { memory: "64M".to_owned(), ..argv(["true"]) };
        assert_eq!(reason(try_start(&mut admin, limited).await), "ISOLATION_UNAVAILABLE");
        assert!(admin.jobs.list_jobs(ListJobsRequest::default()).await.expect("a list").into_inner().jobs.is_empty());
    });
}

#[test]
fn what_means_no_job_or_several_is_told_apart() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        assert_eq!(reason(get(&mut admin, "").await), "INVALID_ID");
        assert_eq!(reason(get(&mut admin, "nothing").await), "JOB_NOT_FOUND");
        // Of 33 jobs two begin with the same of 32 characters.
        let mut ids = Vec::new();
        for _ in 0..33 {
            ids.push(start(&mut admin, argv(["true"])).await.id);
        }
        let twice = |begin: &str| ids.iter().filter(|id| id.starts_with(begin)).count() > 1;
        let begin = ids.iter().map(|id| &id[..1]).find(|begin| twice(begin)).expect("33 in 32");
        assert_eq!(reason(get(&mut admin, begin).await), "AMBIGUOUS_ID");
    });
}

#[test]
fn a_job_that_has_ended_is_not_signalled_and_one_that_runs_has_its_limits() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, argv(["true"])).await;
        wait(&mut admin, &job.id).await;
        let signal = |signal: &str| SignalJobRequest { id: job.id.clone(), signal: signal.to_owned(), target: 0 };
        assert_eq!(reason(admin.jobs.signal_job(signal("HUP")).await), "JOB_EXITED");
        assert_eq!(reason(admin.jobs.signal_job(signal("NOPE")).await), "INVALID_SIGNAL");
        let running = start(&mut admin, argv(["sleep", "1000"])).await;
        let spec = Some(JobSpec { name: "new".to_owned(), ..Default::default() });
        let update = UpdateJobRequest { id: running.id.clone(), spec, update_mask: None };
        assert_eq!(reason(admin.jobs.update_job(update).await), "INVALID_FIELD");
        let spec = Some(JobSpec { pids: "64".to_owned(), ..Default::default() });
        let update = UpdateJobRequest { id: running.id, spec, update_mask: None };
        assert_eq!(reason(admin.jobs.update_job(update).await), "UNSUPPORTED");
    });
}

#[test]
fn what_is_asked_of_a_list_has_a_meaning_or_is_refused() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let request = ListJobsRequest { page_token: "0".repeat(63), ..Default::default() };
        assert_eq!(reason(admin.jobs.list_jobs(request).await), "INVALID_PAGE_TOKEN");
        let filter = Some(JobFilter { states: vec![99], ..Default::default() });
        assert_eq!(
            reason(admin.jobs.list_jobs(ListJobsRequest { filter, ..Default::default() }).await),
            "INVALID_FIELD"
        );
    });
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    run(async {
        let supervisor = Supervisor::with_backend(Backend::Plain, Bounds { jobs: 1, ..Bounds::default() });
        let daemon = Daemon::of(supervisor, Settings { streams: 1, ..Settings::default() }).await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, reading(argv(["cat"]))).await;
        assert_eq!(reason(try_start(&mut admin, argv(["true"])).await), "TOO_MANY_JOBS");
        let follow = || StreamOutputRequest { id: job.id.clone(), follow: true, ..Default::default() };
        let open = admin.jobs.stream_output(follow()).await.expect("the first");
        assert_eq!(reason(admin.jobs.stream_output(follow()).await), "TOO_MANY_STREAMS");
        drop(open);
        let mut again = admin.jobs.stream_output(follow()).await;
        while again.is_err() {
            tokio::task::yield_now().await;
            again = admin.jobs.stream_output(follow()).await;
        }
    });
}

#[test]
fn a_start_that_is_sent_twice_is_one_job_and_another_job_by_its_name_is_refused() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let mut sent = async |spec| {
            let request = StartJobRequest { spec: Some(spec), request_id: "once".to_owned(), ..Default::default() };
            admin.jobs.start_job(request).await.map(|answer| answer.into_inner().job.expect("a job").id)
        };
        let first = sent(argv(["sleep", "1000"])).await.expect("started");
        assert_eq!(sent(argv(["sleep", "1000"])).await.expect("known"), first);
        assert_eq!(reason(sent(argv(["sleep", "1001"])).await), "REQUEST_ID_CONFLICT");
    });
}

#[test]
fn a_wait_with_a_time_tells_the_job_as_it_stands_then() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, argv(["sleep", "1000"])).await;
        let timeout = Some(ironcell::rpc::convert::duration(std::time::Duration::from_millis(20)));
        let told = admin.jobs.wait_job(WaitJobRequest { id: job.id, timeout }).await.expect("no error").into_inner();
        assert!(told.outcome.is_none());
    });
}
