//! `ironcell.v1.JobService`: each call by its own file.

use super::caller::Caller;
use super::pulled::Frames;
use super::{Served, attach, batch, end, input, look, output, start, watch};
use crate::rpc::authz::Rpc;
use crate::rpc::proto::job_service_server::JobService;
use crate::rpc::proto::{
    AttachRequest, BatchJobsResponse, BatchStartJobsRequest, BatchStopJobsRequest, DeleteJobRequest, DeleteJobResponse,
    GetJobRequest, GetJobStatsRequest, GetProcessTreeRequest, Job, JobEvent, JobStats, ListJobsRequest,
    ListJobsResponse, OutputFrame, PauseJobRequest, ProcessTree, PurgeJobsRequest, PurgeJobsResponse,
    ResizeTerminalRequest, ResizeTerminalResponse, ResumeJobRequest, SignalJobRequest, StartJobRequest,
    StartJobResponse, StopJobRequest, StopJobResponse, StreamOutputRequest, UpdateJobRequest, UpdateJobResponse,
    WaitJobRequest, WatchJobsRequest, WriteStdinRequest, WriteStdinResponse,
};
use tonic::{Request, Response, Status, Streaming};

type Answer<T> = Result<Response<T>, Status>;

/// Asks one of the files, if the caller may make the call.
macro_rules! ask {
    ($self:ident, $request:ident, $rpc:ident, $file:ident::$verb:ident) => {{
        let caller = Caller::of(&$self.0, &$request, Rpc::$rpc)?;
        Ok(Response::new($file::$verb(&$self.0, caller, $request.into_inner()).await?))
    }};
}

#[tonic::async_trait]
impl JobService for Served {
    async fn start_job(&self, request: Request<StartJobRequest>) -> Answer<StartJobResponse> {
        ask!(self, request, StartJob, start::start)
    }

    async fn batch_start_jobs(&self, request: Request<BatchStartJobsRequest>) -> Answer<BatchJobsResponse> {
        ask!(self, request, BatchStartJobs, batch::start)
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Answer<Job> {
        ask!(self, request, GetJob, look::get)
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Answer<ListJobsResponse> {
        ask!(self, request, ListJobs, look::list)
    }

    async fn wait_job(&self, request: Request<WaitJobRequest>) -> Answer<Job> {
        ask!(self, request, WaitJob, look::wait)
    }

    type WatchJobsStream = Frames<JobEvent>;

    async fn watch_jobs(&self, request: Request<WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        ask!(self, request, WatchJobs, watch::watch)
    }

    async fn stop_job(&self, request: Request<StopJobRequest>) -> Answer<StopJobResponse> {
        ask!(self, request, StopJob, end::stop)
    }

    async fn batch_stop_jobs(&self, request: Request<BatchStopJobsRequest>) -> Answer<BatchJobsResponse> {
        ask!(self, request, BatchStopJobs, batch::stop)
    }

    async fn signal_job(&self, request: Request<SignalJobRequest>) -> Answer<Job> {
        ask!(self, request, SignalJob, end::signal)
    }

    async fn pause_job(&self, request: Request<PauseJobRequest>) -> Answer<Job> {
        ask!(self, request, PauseJob, end::pause)
    }

    async fn resume_job(&self, request: Request<ResumeJobRequest>) -> Answer<Job> {
        ask!(self, request, ResumeJob, end::resume)
    }

    async fn update_job(&self, request: Request<UpdateJobRequest>) -> Answer<UpdateJobResponse> {
        ask!(self, request, UpdateJob, end::update)
    }

    async fn delete_job(&self, request: Request<DeleteJobRequest>) -> Answer<DeleteJobResponse> {
        ask!(self, request, DeleteJob, end::delete)
    }

    async fn purge_jobs(&self, request: Request<PurgeJobsRequest>) -> Answer<PurgeJobsResponse> {
        ask!(self, request, PurgeJobs, batch::purge)
    }

    type StreamOutputStream = Frames<OutputFrame>;

    async fn stream_output(&self, request: Request<StreamOutputRequest>) -> Answer<Self::StreamOutputStream> {
        ask!(self, request, StreamOutput, output::stream)
    }

    async fn write_stdin(&self, request: Request<WriteStdinRequest>) -> Answer<WriteStdinResponse> {
        ask!(self, request, WriteStdin, input::write)
    }

    type AttachStream = Frames<OutputFrame>;

    async fn attach(&self, request: Request<Streaming<AttachRequest>>) -> Answer<Self::AttachStream> {
        ask!(self, request, Attach, attach::attach)
    }

    async fn resize_terminal(&self, request: Request<ResizeTerminalRequest>) -> Answer<ResizeTerminalResponse> {
        ask!(self, request, ResizeTerminal, input::resize)
    }

    async fn get_job_stats(&self, request: Request<GetJobStatsRequest>) -> Answer<JobStats> {
        ask!(self, request, GetJobStats, look::stats)
    }

    async fn get_process_tree(&self, request: Request<GetProcessTreeRequest>) -> Answer<ProcessTree> {
        ask!(self, request, GetProcessTree, look::processes)
    }
}
