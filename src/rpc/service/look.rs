//! What looks and changes nothing: GetJob, ListJobs, WaitJob, GetJobStats, GetProcessTree.

use super::Daemon;
use super::batch::{ANSWER_BYTES, fitting};
use super::caller::Caller;
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::{
    GetJobRequest, GetJobStatsRequest, GetProcessTreeRequest, Job, JobStats, ListJobsRequest, ListJobsResponse,
    ProcessTree, WaitJobRequest,
};
use crate::spec::JobId;
use crate::supervise::JobInfo;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tonic::Status;

/// Jobs of a page, where nothing is said, and at most.
const PAGE: (usize, usize) = (100, 1000);

pub async fn get(daemon: &Arc<Daemon>, caller: Caller, request: GetJobRequest) -> Result<Job, Status> {
    let id = caller.find(&request.id)?;
    detail(daemon, &caller, id)
}

/// A job with its end and with who holds its input.
pub(super) fn detail(daemon: &Daemon, caller: &Caller, id: JobId) -> Result<Job, Status> {
    let job = caller.reach.detail(id).map_err(status)?;
    Ok(Job { attached: daemon.desk.holder(id), ..job })
}

pub async fn list(_: &Arc<Daemon>, caller: Caller, request: ListJobsRequest) -> Result<ListJobsResponse, Status> {
    let most = match usize::try_from(request.page_size) {
        Ok(0) => PAGE.0,
        Ok(size) => size.min(PAGE.1),
        Err(_) => {
            let said = format!("page_size is {}: write 0 or more", request.page_size);
            return Err(Told::new(Reason::InvalidField, said).into());
        }
    };
    let after = if request.page_token.is_empty() { None } else { Some(read_token(&request.page_token)?) };
    let mut found = caller.reach.list(request.filter.as_ref())?;
    found.retain(|info| after.is_none_or(|after| place(info) > after));
    let jobs = fitting(found.iter().map(convert::job), most, ANSWER_BYTES);
    let last = jobs.len().checked_sub(1).filter(|last| last + 1 < found.len());
    Ok(ListJobsResponse { next_page_token: last.map(|last| token(&found[last])).unwrap_or_default(), jobs })
}

/// Where a job stands in the order of the list. It says where to go on and nothing else: every page is looked up under the
/// reach of who asks for it.
fn place(info: &JobInfo) -> (u128, u128) {
    let created = info.created.duration_since(UNIX_EPOCH).unwrap_or_default();
    (created.as_nanos(), info.id.as_uuid().as_u128())
}

fn token(info: &JobInfo) -> String {
    let (created, id) = place(info);
    format!("{created:032x}{id:032x}")
}

fn read_token(token: &str) -> Result<(u128, u128), Told> {
    let number = |digits: &str| u128::from_str_radix(digits, 16).ok();
    let halves = if token.len() == 64 { token.split_at_checked(32) } else { None };
    let place = halves.and_then(|(created, id)| Some((number(created)?, number(id)?)));
    let none = || Told::new(Reason::InvalidPageToken, "page_token is none: write next_page_token of the page before");
    place.ok_or_else(none)
}

pub async fn wait(daemon: &Arc<Daemon>, caller: Caller, request: WaitJobRequest) -> Result<Job, Status> {
    let id = caller.find(&request.id)?;
    let timeout = request.timeout.as_ref().map(|time| convert::time("timeout", time)).transpose().map_err(status)?;
    let ended = caller.reach.wait(id);
    let outcome = match timeout {
        // A job that has not ended is no error: the caller asks again.
        Some(timeout) => match tokio::time::timeout(timeout, ended).await {
            Ok(outcome) => outcome,
            Err(_) => return detail(daemon, &caller, id),
        },
        None => ended.await,
    };
    let outcome = outcome.map_err(status)?;
    Ok(convert::detail(&caller.reach.info(id).map_err(status)?, Some(&outcome)))
}

pub async fn stats(_: &Arc<Daemon>, caller: Caller, request: GetJobStatsRequest) -> Result<JobStats, Status> {
    let id = caller.find(&request.id)?;
    caller.reach.stats(id).await.map(|stats| convert::stats(&stats)).map_err(status)
}

pub async fn processes(_: &Arc<Daemon>, caller: Caller, request: GetProcessTreeRequest) -> Result<ProcessTree, Status> {
    let id = caller.find(&request.id)?;
    let processes = caller.reach.processes(id).await.map_err(status)?;
    Ok(ProcessTree { processes: processes.iter().map(convert::process).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_token_is_read_as_it_was_written_and_nothing_else_is_one(place: (u128, u128), other in ".{0,70}") {
            let (created, id) = place;
            prop_assert_eq!(read_token(&format!("{created:032x}{id:032x}")).ok(), Some(place));
            if read_token(&other).is_ok() {
                prop_assert!(other.len() == 64 && other.is_ascii());
            }
        }
    }
}
