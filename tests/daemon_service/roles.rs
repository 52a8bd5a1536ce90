//! Who may do what with whose jobs, as the services hold it: the transport asks the same table before.

use crate::house::{Daemon, argv, following, get, reason, run, start, try_start, wait};
use ironcell::life::Cause;
use ironcell::rpc::policy::Policy;
use ironcell::rpc::proto::{
    DrainRequest, GetServerInfoRequest, JobSpec, ListJobsRequest, Mount, ReconcileRequest, ShutdownRequest,
    StartJobRequest, StopJobRequest, UpdateJobRequest, WhoAmIRequest, mount,
};
use ironcell::rpc::service::{Settings, ShutdownAsk};
use ironcell::supervise::{Backend, Bounds, Mock, Script, Supervisor};
use std::time::Duration;

fn stop(id: &str) -> StopJobRequest {
    StopJobRequest { id: id.to_owned(), ..Default::default() }
}

#[test]
fn row_2_20_a_viewer_sees_the_state_of_all_jobs_and_neither_changes_nor_reads_them() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut viewer) = (daemon.operator("alice").await, daemon.viewer().await);
        let job = start(&mut alice, argv(["sleep", "1000"])).await;
        assert_eq!(get(&mut viewer, &job.id).await.expect("seen").owner, "alice");
        assert_eq!(viewer.jobs.list_jobs(ListJobsRequest::default()).await.expect("seen").into_inner().jobs.len(), 1);
        assert_eq!(reason(try_start(&mut viewer, argv(["true"])).await), "ROLE_REQUIRED");
        assert_eq!(reason(viewer.jobs.stop_job(stop(&job.id)).await), "ROLE_REQUIRED");
        assert_eq!(reason(viewer.jobs.stream_output(following(&job.id)).await), "ROLE_REQUIRED");
    });
}

#[test]
fn row_2_20_a_viewer_reads_output_where_the_policy_says_so() {
    run(async {
        let policy = Policy { viewer_output: true, ..Policy::default() };
        let settings = Settings { live: policy.into(), ..Settings::default() };
        let daemon = Daemon::of(Supervisor::with_backend(Backend::Plain, Bounds::default()), settings).await;
        let (mut alice, mut viewer) = (daemon.operator("alice").await, daemon.viewer().await);
        let job = start(&mut alice, argv(["echo", "seen"])).await;
        let told = crate::house::all(crate::house::output(&mut viewer, following(&job.id)).await).await;
        assert_eq!(told.text(), "seen\n");
    });
}

#[test]
fn row_2_20_an_operator_has_his_own_jobs_and_an_admin_everybodys() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut bob, mut admin) =
            (daemon.operator("alice").await, daemon.operator("bob").await, daemon.admin().await);
        let job = start(&mut alice, argv(["sleep", "1000"])).await;
        assert!(bob.jobs.list_jobs(ListJobsRequest::default()).await.expect("his").into_inner().jobs.is_empty());
        assert_eq!(reason(bob.jobs.stop_job(stop(&job.id)).await), "JOB_NOT_FOUND");
        assert_eq!(reason(bob.jobs.stream_output(following(&job.id)).await), "JOB_NOT_FOUND");
        assert!(admin.jobs.stop_job(stop(&job.id)).await.expect("hers").into_inner().was_running);
    });
}

#[test]
fn row_4_33_the_daemon_itself_is_the_admins() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut alice, mut admin) = (daemon.operator("alice").await, daemon.admin().await);
        assert_eq!(reason(alice.system.drain(DrainRequest::default()).await), "ROLE_REQUIRED");
        assert_eq!(reason(alice.system.reconcile(ReconcileRequest::default()).await), "ROLE_REQUIRED");
        assert_eq!(reason(alice.system.shutdown(ShutdownRequest::default()).await), "ROLE_REQUIRED");
        let me = alice.system.who_am_i(WhoAmIRequest {}).await.expect("anybody").into_inner();
        assert_eq!((me.owner.as_str(), me.role.as_str()), ("alice", "operator"));
        let job = start(&mut alice, argv(["sleep", "1000"])).await;
        let info = alice.system.get_server_info(GetServerInfoRequest {}).await.expect("anybody").into_inner();
        assert_eq!((info.jobs_running, info.draining), (1, false));
        assert!(!info.checks.is_empty() && info.start_time.is_some());
        let left = admin.system.drain(DrainRequest::default()).await.expect("drained").into_inner().jobs;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, job.id);
        assert_eq!(reason(try_start(&mut alice, argv(["true"])).await), "DRAINING");
        admin.system.drain(DrainRequest { cancel: true }).await.expect("open again");
        start(&mut alice, argv(["true"])).await;
    });
}

#[test]
fn a_shutdown_is_told_to_who_ends_the_daemon() {
    run(async {
        let settings = Settings::default();
        let mut asked = settings.shutdown.subscribe();
        let daemon = Daemon::of(Supervisor::with_backend(Backend::Plain, Bounds::default()), settings).await;
        let mut admin = daemon.admin().await;
        let grace = Some(ironcell::rpc::convert::duration(Duration::from_secs(3)));
        admin.system.shutdown(ShutdownRequest { grace, leave_jobs: false }).await.expect("told");
        let ask = *asked.wait_for(Option::is_some).await.expect("told");
        assert_eq!(ask, Some(ShutdownAsk { grace: Some(Duration::from_secs(3)), leave_jobs: false }));
        assert_eq!(reason(try_start(&mut admin, argv(["true"])).await), "DRAINING");
    });
}

#[test]
fn an_operator_has_nothing_of_the_host_that_the_policy_does_not_give() {
    run(async {
        let mock = Mock::default();
        mock.expect(Script::default().pause(Duration::from_secs(1000)));
        let supervisor = Supervisor::with_backend(Backend::Mock(mock), Bounds::default());
        let daemon = Daemon::of(supervisor, Settings::default()).await;
        let mut alice = daemon.operator("alice").await;
        let mounts = vec![Mount { mount: Some(mount::Mount::Ro(b"/etc".to_vec())) }];
        assert_eq!(reason(try_start(&mut alice, JobSpec { mounts, ..argv(["job"]) }).await), "POLICY_FORBIDS");
        let job = start(&mut alice, argv(["job"])).await;
        let spec = Some(JobSpec { cgroup: [("memory.low".to_owned(), "1M".to_owned())].into(), ..Default::default() });
        let update = UpdateJobRequest { id: job.id, spec, update_mask: None };
        assert_eq!(reason(alice.jobs.update_job(update).await), "POLICY_FORBIDS");
    });
}

#[test]
fn a_leased_job_ends_with_the_connection_of_its_caller() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut admin, mut alice) = (daemon.admin().await, daemon.operator("alice").await);
        let request = |lease| StartJobRequest { spec: Some(argv(["sleep", "1000"])), lease, ..Default::default() };
        let leased = alice.jobs.start_job(request(true)).await.expect("started").into_inner().job.expect("a job");
        let free = alice.jobs.start_job(request(false)).await.expect("started").into_inner().job.expect("a job");
        drop(alice);
        assert_eq!(wait(&mut admin, &leased.id).await.cause, Cause::OwnerGone);
        assert!(get(&mut admin, &free.id).await.expect("listed").outcome.is_none());
    });
}
