//! What is done to one job: StopJob, SignalJob, PauseJob, ResumeJob, UpdateJob, DeleteJob.

use super::Daemon;
use super::caller::Caller;
use super::look::detail;
use crate::rpc::convert;
use crate::rpc::errors::status;
use crate::rpc::proto::signal_job_request::Target as To;
use crate::rpc::proto::{
    DeleteJobRequest, DeleteJobResponse, Job, PauseJobRequest, ResumeJobRequest, SignalJobRequest, StopJobRequest,
    StopJobResponse, UpdateJobRequest, UpdateJobResponse,
};
use crate::spec::{JobId, Signal, Target};
use crate::supervise::Error;
use std::sync::Arc;
use std::time::Duration;
use tonic::Status;

pub async fn stop(daemon: &Arc<Daemon>, caller: Caller, request: StopJobRequest) -> Result<StopJobResponse, Status> {
    let id = caller.find(&request.id)?;
    let grace = request.grace.as_ref().map(|grace| convert::time("grace", grace)).transpose().map_err(status)?;
    let stopping = caller.reach.stop(id, request.kill, grace);
    if request.no_wait {
        let was_running = caller.reach.info(id).map_err(status)?.status.is_running();
        // Asked by the first poll; the answer is given up.
        if let Ok(stopped) = tokio::time::timeout(Duration::ZERO, stopping).await {
            stopped.map_err(status)?;
        }
        return Ok(StopJobResponse { job: Some(detail(daemon, &caller, id)?), was_running });
    }
    let stopped = stopping.await.map_err(status)?;
    let job = convert::detail(&caller.reach.info(id).map_err(status)?, Some(&stopped.outcome));
    Ok(StopJobResponse { job: Some(job), was_running: stopped.was_running })
}

pub async fn signal(daemon: &Arc<Daemon>, caller: Caller, request: SignalJobRequest) -> Result<Job, Status> {
    caller.subject.asked(&request.id);
    let to = if request.target == To::All as i32 { Target::All } else { Target::Leader };
    let signal = Signal::read("signal", &request.signal).map_err(status)?;
    let id = caller.find(&request.id)?;
    caller.reach.signal(id, signal, to).await.map_err(status)?;
    detail(daemon, &caller, id)
}

pub async fn pause(daemon: &Arc<Daemon>, caller: Caller, request: PauseJobRequest) -> Result<Job, Status> {
    let id = caller.find(&request.id)?;
    caller.reach.pause(id).await.map_err(status)?;
    detail(daemon, &caller, id)
}

pub async fn resume(daemon: &Arc<Daemon>, caller: Caller, request: ResumeJobRequest) -> Result<Job, Status> {
    let id = caller.find(&request.id)?;
    caller.reach.resume(id).await.map_err(status)?;
    detail(daemon, &caller, id)
}

pub async fn update(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: UpdateJobRequest,
) -> Result<UpdateJobResponse, Status> {
    let id = caller.find(&request.id)?;
    let mask = request.update_mask.unwrap_or_default().paths;
    let asked = convert::limits_asked(request.spec.unwrap_or_default(), &mask).map_err(status)?;
    daemon.settings.live.now().policy.permit(caller.connection.peer.role, &asked).map_err(status)?;
    let effective = caller.reach.update(id, asked.limits().clone()).await.map_err(status)?;
    let effective = effective.into_iter().map(|limit| (limit.file.to_string(), limit.value.trim_end().to_owned()));
    Ok(UpdateJobResponse { effective: effective.collect(), job: Some(detail(daemon, &caller, id)?) })
}

pub async fn delete(_: &Arc<Daemon>, caller: Caller, request: DeleteJobRequest) -> Result<DeleteJobResponse, Status> {
    let id = caller.find(&request.id)?;
    if request.stop_first {
        let (_, mut events) = caller.reach.events();
        caller.reach.stop(id, false, None).await.map_err(status)?;
        // The end is told to whoever waits a moment before the list has it.
        while let Err(Error::StillRunning(_)) = caller.reach.remove(id)
            && events.next().await.is_some()
        {}
        return gone(&caller, id);
    }
    caller.reach.remove(id).map(|_| DeleteJobResponse {}).map_err(status)
}

/// It is not listed any more.
fn gone(caller: &Caller, id: JobId) -> Result<DeleteJobResponse, Status> {
    match caller.reach.info(id) {
        Err(Error::NotFound { .. }) => Ok(DeleteJobResponse {}),
        Err(error) => Err(status(error)),
        Ok(_) => Err(status(Error::StillRunning(id))),
    }
}
