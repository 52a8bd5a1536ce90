//! `api.JobService`: the wire of the older Remote Job Executor, over the same jobs. What it cannot say is as by default: its
//! jobs read nothing, go on without their caller, and have the default walls and limits.

use super::caller::Caller;
use super::output::Following;
use super::pulled::{Frames, pulled};
use super::reach::Reach;
use super::{Served, start};
use crate::rpc::authz::Rpc;
use crate::rpc::compat::job_service_server::JobService;
use crate::rpc::compat::{
    JobInfo, JobOutputResponse, JobQueryRequest, JobStartRequest, JobStartResponse, JobStopRequest, JobStopResponse,
    JobSubscriptionRequest,
};
use crate::rpc::errors::{Reason, status};
use crate::rpc::proto::output_frame::Frame;
use crate::rpc::proto::{JobSpec, OutputFrame, StartJobRequest, Stream};
use crate::supervise::OutputFrom;
use tonic::{Request, Response, Status};

/// Output of one answer at most, both streams together: half of what a message of gRPC's may have by default.
const OUTPUT_MOST: u64 = 2 << 20;

#[tonic::async_trait]
impl JobService for Served {
    async fn start(&self, request: Request<JobStartRequest>) -> Result<Response<JobStartResponse>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::CompatStart)?;
        let JobStartRequest { command, args } = request.into_inner();
        let argv = [command].into_iter().chain(args).map(String::into_bytes).collect();
        let spec = Some(JobSpec { argv, ..Default::default() });
        let started = start::started(&self.0, &caller, StartJobRequest { spec, ..Default::default() }).await?;
        Ok(Response::new(JobStartResponse { job_id: started.job.unwrap_or_default().id }))
    }

    /// Its answers are never errors: `stopped`, `not found`, `error`.
    async fn stop(&self, request: Request<JobStopRequest>) -> Result<Response<JobStopResponse>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::CompatStop)?;
        let said = request.into_inner().job_id;
        let answer =
            |status: &str, message: String| Ok(Response::new(JobStopResponse { status: status.to_owned(), message }));
        let stopped = match caller.find(&said) {
            Ok(id) => caller.reach.stop(id, false, None).await.map_err(Into::into),
            Err(told) => Err(told),
        };
        match stopped {
            Ok(_) => answer("stopped", format!("job {said} stopped")),
            Err(told) if matches!(told.reason(), Reason::JobNotFound | Reason::InvalidId) => {
                answer("not found", told.message().to_owned())
            }
            Err(told) => answer("error", told.message().to_owned()),
        }
    }

    async fn query_status(&self, request: Request<JobQueryRequest>) -> Result<Response<JobInfo>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::CompatQueryStatus)?;
        let id = caller.find(&request.into_inner().job_id)?;
        let info = caller.reach.info(id).map_err(status)?;
        Ok(Response::new(JobInfo { job_id: info.id.short(), status: info.status.word().to_owned() }))
    }

    /// What is kept of it, from the oldest on, as much as one message takes.
    async fn get_output(&self, request: Request<JobQueryRequest>) -> Result<Response<JobOutputResponse>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::CompatGetOutput)?;
        let mut output = self.follow(caller.reach, &request.into_inner().job_id).await?;
        output.bounded(OUTPUT_MOST);
        let mut all = JobOutputResponse::default();
        while let Some(frame) = output.next().await {
            let part = of(frame?);
            all.stdout.extend(part.stdout);
            all.stderr.extend(part.stderr);
        }
        Ok(Response::new(all))
    }

    type SubscribeOutputStream = Frames<JobOutputResponse>;

    /// From the first byte that is kept to the end of the job.
    async fn subscribe_output(
        &self,
        request: Request<JobSubscriptionRequest>,
    ) -> Result<Response<Self::SubscribeOutputStream>, Status> {
        let caller = Caller::of(&self.0, &request, Rpc::CompatSubscribeOutput)?;
        let output = self.follow(caller.reach, &request.into_inner().job_id).await?;
        Ok(Response::new(pulled(output, |mut output| async move {
            loop {
                match output.next().await?.map(of) {
                    // What is no output is not said on this wire.
                    Ok(part) if part.stdout.is_empty() && part.stderr.is_empty() => {}
                    part => return Some((part, output)),
                }
            }
        })))
    }
}

impl Served {
    async fn follow(&self, reach: Reach, said: &str) -> Result<Following, Status> {
        let id = reach.find(said)?;
        let job = reach.begun(id).await.map_err(status)?;
        let info = reach.info(id).map_err(status)?;
        Following::new(&self.0, reach, &job, info, OutputFrom::Start)
    }
}

/// The output of a frame, if it has any.
fn of(frame: OutputFrame) -> JobOutputResponse {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    if let Some(Frame::Chunk(chunk)) = frame.frame {
        let to = if chunk.stream == Stream::Stderr as i32 { &mut stderr } else { &mut stdout };
        to.extend_from_slice(&chunk.data);
    }
    JobOutputResponse { stdout, stderr }
}
