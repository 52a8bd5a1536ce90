//! StartJob: from the wire to a job that runs, or the reason why there is none.

use super::Daemon;
use super::caller::Caller;
use crate::rpc::convert::{self, Asked};
use crate::rpc::errors::{Reason, Told};
use crate::rpc::peer::Connection;
use crate::rpc::proto::{StartJobRequest, StartJobResponse};
use crate::spec::{JobSpec, OnDrop, Stdio, StdioSet};
use crate::supervise::{Error, Job, Supervisor};
use std::sync::Arc;
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
    if daemon.is_draining() {
        return Err(Told::new(Reason::Draining, "the daemon is being drained and starts no more jobs"));
    }
    let spec = request.spec.unwrap_or_default();
    let peer = &caller.connection.peer;
    let on_drop = if request.lease { OnDrop::Kill } else { OnDrop::Detach };
    let Asked { spec, stdin } = convert::asked(spec, on_drop, daemon.settings.spool.as_deref())?;
    daemon.settings.policy.permit(peer.role, &spec)?;
    if request.validate_only {
        return Ok(StartJobResponse { plan: drawn(spec).await?, ..Default::default() });
    }
    // A terminal is all three.
    let stdio = match spec.terminal() {
        Some(_) => StdioSet::default(),
        None => StdioSet { stdin, stdout: Stdio::Log, stderr: Stdio::Log },
    };
    let jobs = daemon.supervisor.jobs_of(peer.owner.clone());
    let job = match request.request_id.as_str() {
        "" => jobs.start(spec, stdio).await?,
        request_id => jobs.start_once(request_id, spec, stdio).await?,
    };
    caller.is_about(job.id());
    let info = jobs.info(job.id())?;
    let notes = job.notes().to_vec();
    if request.lease {
        tokio::spawn(leased(job, caller.connection.clone()));
    }
    Ok(StartJobResponse { job: Some(convert::job(&info)), notes, plan: String::new() })
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
