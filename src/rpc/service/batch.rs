//! Calls about many jobs: BatchStartJobs, BatchStopJobs, PurgeJobs. Each job has an answer of its own.

use super::caller::Caller;
use super::{Daemon, item_error, start as one};
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::batch_jobs_response::{Item, item};
use crate::rpc::proto::{
    BatchJobsResponse, BatchStartJobsRequest, BatchStopJobsRequest, PurgeJobsRequest, PurgeJobsResponse,
};
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic::Status;

/// Jobs of one batch at most: a second of starts.
const BATCH_MOST: usize = 256;
/// Starts of one batch at once: the keeper builds one cell after the other.
const STARTS_AT_ONCE: usize = 8;

/// Starts them, some at a time; the answers are in the order of the asks.
pub async fn start(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: BatchStartJobsRequest,
) -> Result<BatchJobsResponse, Status> {
    let count = request.requests.len();
    if count > BATCH_MOST {
        let said = format!("{count} jobs are asked for at once; ask for {BATCH_MOST} at most");
        return Err(Told::new(Reason::TooManyItems, said).into());
    }
    // The call is about no one job.
    let caller = Caller { about: Arc::default(), ..caller };
    let (caller, mut asks) = (Arc::new(caller), request.requests.into_iter().enumerate());
    let mut items: Vec<Item> = (0..count).map(|_| Item::default()).collect();
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < STARTS_AT_ONCE
            && let Some((index, ask)) = asks.next()
        {
            let (daemon, caller) = (Arc::clone(daemon), Arc::clone(&caller));
            under_way.spawn(async move { (index, one::started(&daemon, &caller, ask).await) });
        }
        match under_way.join_next().await {
            Some(Ok((index, answer))) => {
                let answer = answer.map(|started| started.job.unwrap_or_default());
                items[index] = told(String::new(), answer);
            }
            // Lost with the runtime.
            Some(Err(_)) => {}
            None => return Ok(BatchJobsResponse { items }),
        }
    }
}

/// An item of an answer.
fn told(id: String, answer: Result<crate::rpc::proto::Job, Told>) -> Item {
    match answer {
        Ok(job) => Item { id: job.id.clone(), result: Some(item::Result::Job(job)) },
        Err(error) => Item { id, result: Some(item::Result::Error(item_error(error))) },
    }
}

/// Stops all that are meant and have not ended: every one is asked at once, so it takes as long as the slowest.
pub async fn stop(_: &Arc<Daemon>, caller: Caller, request: BatchStopJobsRequest) -> Result<BatchJobsResponse, Status> {
    let grace = request.grace.as_ref().map(|grace| convert::time("grace", grace)).transpose().map_err(status)?;
    let running = caller.reach.list(request.filter.as_ref())?.into_iter().filter(|info| info.status.is_running());
    let mut under_way = JoinSet::new();
    for info in running {
        let reach = caller.reach.clone();
        under_way.spawn(async move {
            let stopped = reach.stop(info.id, request.kill, grace).await;
            let answer = stopped.map(|stopped| {
                let now = reach.info(info.id).unwrap_or_else(|_| info.clone());
                convert::detail(&now, Some(&stopped.outcome))
            });
            (info.created, told(info.id.short(), answer.map_err(Told::from)))
        });
    }
    let mut items = under_way.join_all().await;
    items.sort_by_key(|(created, _)| *created);
    Ok(BatchJobsResponse { items: items.into_iter().map(|(_, item)| item).collect() })
}

/// Takes all that are meant and have ended out of the list.
pub async fn purge(_: &Arc<Daemon>, caller: Caller, request: PurgeJobsRequest) -> Result<PurgeJobsResponse, Status> {
    let ended = caller.reach.list(request.filter.as_ref())?.into_iter().filter(|info| info.status.is_final());
    // One that somebody else has taken out meanwhile is not ours to tell.
    let taken = ended.filter(|info| request.dry_run || caller.reach.remove(info.id).is_ok());
    Ok(PurgeJobsResponse { ids: taken.map(|info| info.id.short()).collect() })
}
