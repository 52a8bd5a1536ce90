//! The wire of the older Remote Job Executor, by a client that was generated from its own protocol.

use crate::house::{Daemon, run};
use ironcell::rpc::compat::job_service_client::JobServiceClient;
use ironcell::rpc::compat::{JobQueryRequest, JobStartRequest, JobStopRequest, JobSubscriptionRequest};
use ironcell::rpc::connect::{Target, connect};
use ironcell::rpc::peer::Role;
use ironcell::rpc::service::Settings;
use ironcell::supervise::{Backend, Bounds, Supervisor};
use tonic::transport::Channel;

async fn daemon() -> (Daemon, JobServiceClient<Channel>) {
    let settings = Settings { compat: true, ..Settings::default() };
    let daemon = Daemon::of(Supervisor::with_backend(Backend::Plain, Bounds::default()), settings).await;
    let socket = daemon.socket("alice", Role::Operator);
    let client = JobServiceClient::new(connect(&Target::Unix(socket)).await.expect("it answers"));
    (daemon, client)
}

fn asked(command: &str, args: &[&str]) -> JobStartRequest {
    JobStartRequest { command: command.to_owned(), args: args.iter().map(|&arg| arg.to_owned()).collect() }
}

#[test]
fn row_2_17_a_client_of_the_older_protocol_starts_follows_asks_and_stops() {
    run(async {
        let (_daemon, mut client) = daemon().await;
        let started = client.start(asked("sh", &["-c", "echo out; echo err >&2; exit 1"])).await.expect("started");
        let job_id = started.into_inner().job_id;
        assert_eq!(job_id.len(), 12);
        let request = JobSubscriptionRequest { job_id: job_id.clone() };
        let mut output = client.subscribe_output(request).await.expect("a stream").into_inner();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(part) = output.message().await.expect("no error") {
            stdout.extend(part.stdout);
            stderr.extend(part.stderr);
        }
        assert_eq!((stdout.as_slice(), stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        let query = || JobQueryRequest { job_id: job_id.clone() };
        assert_eq!(client.query_status(query()).await.expect("known").into_inner().status, "failed");
        let all = client.get_output(query()).await.expect("kept").into_inner();
        assert_eq!((all.stdout, all.stderr), (stdout, stderr));
    });
}

#[test]
fn row_2_18_the_answer_to_a_stop_is_a_word_and_never_an_error() {
    run(async {
        let (_daemon, mut client) = daemon().await;
        let job_id = client.start(asked("sleep", &["1000"])).await.expect("started").into_inner().job_id;
        let mut stop = async |job_id: &str| {
            let request = JobStopRequest { job_id: job_id.to_owned() };
            client.stop(request).await.expect("no error").into_inner().status
        };
        assert_eq!(stop(&job_id).await, "stopped");
        assert_eq!(stop(&job_id).await, "stopped");
        assert_eq!(stop("nothing").await, "not found");
        assert_eq!(stop("").await, "not found");
        let query = JobQueryRequest { job_id };
        assert_eq!(client.query_status(query).await.expect("known").into_inner().status, "terminated");
    });
}

#[test]
fn the_older_protocol_is_there_on_request_alone() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let mut client = JobServiceClient::new(connect(&Target::Unix(socket)).await.expect("it answers"));
        let status = client.start(asked("true", &[])).await.expect_err("not there");
        assert_eq!(status.code(), tonic::Code::Unimplemented);
    });
}
