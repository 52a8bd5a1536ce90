//! StartJob: from the wire to a job that runs, or the reason why there is none.

use super::Daemon;
use super::caller::Caller;
use crate::rpc::convert::{self, Asked};
use crate::rpc::errors::{Reason, Told};
use crate::rpc::peer::Connection;
use crate::rpc::proto::{StartJobRequest, StartJobResponse};
use crate::spec::{JobSpec, OnDrop, Stdio, StdioSet};
use crate::supervise::{Error, Job, Supervisor};
use std::future::Future;
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic::Status;

/// Starts a job.
pub async fn start(daemon: &Arc<Daemon>, caller: Caller, request: StartJobRequest) -> Result<StartJobResponse, Status> {
    Ok(started(daemon, &caller, request).await?)
}

/// The same for one of many.
pub(super) async fn started(
    daemon: &Daemon,
    caller: &Caller,
    request: StartJobRequest,
) -> Result<StartJobResponse, Told> {
    let only_drawn = request.validate_only;
    let answer = begun(daemon, caller, request).await;
    if let (Err(told), false) = (&answer, only_drawn) {
        daemon.settings.metrics.start_refused(told.reason());
    }
    answer
}

async fn begun(daemon: &Daemon, caller: &Caller, request: StartJobRequest) -> Result<StartJobResponse, Told> {
    let spec = request.spec.unwrap_or_default();
    caller.subject.asked(&spec.name);
    if daemon.is_draining() {
        return Err(Told::new(Reason::Draining, "the daemon is being drained and starts no more jobs"));
    }
    let (peer, rules) = (&caller.connection.peer, daemon.settings.live.now());
    let on_drop = if request.lease { OnDrop::Kill } else { OnDrop::Detach };
    let Asked { spec, stdin } = convert::asked(spec, on_drop, rules.spool.as_deref())?;
    rules.policy.permit(peer.role, &spec)?;
    if request.validate_only {
        return Ok(StartJobResponse { plan: drawn(spec).await?, ..Default::default() });
    }
    // A terminal is all three.
    let stdio = match spec.terminal() {
        Some(_) => StdioSet::default(),
        None => StdioSet { stdin, stdout: Stdio::Log, stderr: Stdio::Log },
    };
    let jobs = daemon.supervisor.jobs_of(peer.owner.clone());
    let (job, jobs) = at_home(daemon, async move {
        let job = match request.request_id.as_str() {
            "" => jobs.start(spec, stdio).await,
            request_id => jobs.start_once(request_id, spec, stdio).await,
        };
        (job, jobs)
    })
    .await?;
    let job = job?;
    caller.subject.is(job.id());
    let info = jobs.info(job.id())?;
    let notes = job.notes().to_vec();
    if request.lease {
        daemon.home.spawn(leased(job, caller.connection.clone()));
    }
    Ok(StartJobResponse { job: Some(convert::job(&info)), notes, plan: String::new() })
}

/// Done where jobs are driven, and given up with the call.
async fn at_home<T: Send + 'static>(
    daemon: &Daemon,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    let mut tasks = JoinSet::new();
    tasks.spawn_on(work, &daemon.home);
    match tasks.join_next().await {
        Some(Ok(done)) => Ok(done),
        Some(Err(_)) | None => Err(Error::RuntimeEnded),
    }
}

/// The plan, for people. Reads files, so not on a thread that tasks run on.
async fn drawn(spec: JobSpec) -> Result<String, Error> {
    let drawn = tokio::task::spawn_blocking(move || Supervisor::draw(&spec)).await;
    drawn.map_err(|_| Error::RuntimeEnded)?.map(|drawing| drawing.to_string())
}

/// Holds a job until its caller's connection has ended, or the job itself.
async fn leased(job: Job, connection: Connection) {
    tokio::select! {
        () = connection.ended() => {}
        _ = job.ended() => {}
    }
}
