//! Calls about many jobs: BatchStartJobs, BatchStopJobs, PurgeJobs. Each job has an answer of its own.

use super::caller::Caller;
use super::{Daemon, item_error, start as one};
use crate::rpc::audit::Subject;
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::batch_jobs_response::{Item, item};
use crate::rpc::proto::{
    BatchJobsResponse, BatchStartJobsRequest, BatchStopJobsRequest, PurgeJobsRequest, PurgeJobsResponse,
};
use prost::Message;
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic::Status;

/// Jobs of one batch at most: a second of starts.
const BATCH_MOST: usize = 256;
/// Items of an answer at most that is about all jobs that are meant: what is left out of it is counted.
pub(super) const ITEMS_MOST: usize = 1000;
/// Bytes of such an answer, unless its first item alone has more: half of what a message of gRPC's may have by default.
pub(super) const ANSWER_BYTES: usize = 2 << 20;
/// Ids of an answer: with 12 characters each they fit into as much.
const IDS_MOST: usize = 100_000;
/// Starts of one batch at once: the keeper builds one cell after the other.
const STARTS_AT_ONCE: usize = 8;

/// Starts them, some at a time; the answers are in the order of the asks.
pub async fn start(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: BatchStartJobsRequest,
) -> Result<BatchJobsResponse, Status> {
    let asked = request.requests.len();
    if asked > BATCH_MOST {
        let said = format!("{asked} jobs are asked for at once; ask for {BATCH_MOST} at most");
        return Err(Told::new(Reason::TooManyItems, said).into());
    }
    // The call is about no one job.
    let caller = Caller { subject: Subject::default(), ..caller };
    let (caller, mut asks) = (Arc::new(caller), request.requests.into_iter().enumerate());
    let mut items: Vec<Item> = (0..asked).map(|_| Item::default()).collect();
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
            None => {
                let failed = items.iter().filter(|item| matches!(item.result, Some(item::Result::Error(_)))).count();
                return Ok(BatchJobsResponse { items, left_out: 0, failed: count(failed) });
            }
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
            (info, stopped.map(|stopped| stopped.outcome))
        });
    }
    let mut ended = under_way.join_all().await;
    // What went wrong first, then as they were asked for: of too many the last are left out.
    ended.sort_by_key(|(info, ended)| (ended.is_ok(), info.created, info.id));
    let failed = ended.iter().filter(|(_, ended)| ended.is_err()).count();
    let all = ended.len();
    let items = ended.into_iter().map(|(info, ended)| {
        let now = || caller.reach.info(info.id).unwrap_or_else(|_| info.clone());
        told(info.id.short(), ended.map(|outcome| convert::detail(&now(), Some(&outcome))).map_err(Told::from))
    });
    let items = fitting(items, ITEMS_MOST, ANSWER_BYTES);
    let (left_out, failed) = (count(all - items.len()), count(failed));
    Ok(BatchJobsResponse { items, left_out, failed })
}

/// Takes all that are meant and have ended out of the list.
pub async fn purge(_: &Arc<Daemon>, caller: Caller, request: PurgeJobsRequest) -> Result<PurgeJobsResponse, Status> {
    let ended = caller.reach.list(request.filter.as_ref())?.into_iter().filter(|info| info.status.is_final());
    // One that somebody else has taken out meanwhile is not ours to tell.
    let taken = ended.filter(|info| request.dry_run || caller.reach.remove(info.id).is_ok());
    let mut ids: Vec<String> = taken.map(|info| info.id.short()).collect();
    let all = ids.len();
    ids.truncate(IDS_MOST);
    Ok(PurgeJobsResponse { left_out: count(all - ids.len()), ids })
}

/// As many of them, from the first on, as one answer takes; the first in any case.
pub(super) fn fitting<T: Message>(all: impl Iterator<Item = T>, most: usize, most_bytes: usize) -> Vec<T> {
    let (mut fit, mut bytes) = (Vec::new(), 0);
    for message in all.take(most) {
        bytes += message.encoded_len();
        if bytes > most_bytes && !fit.is_empty() {
            break;
        }
        fit.push(message);
    }
    fit
}

/// A number for the wire.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::proto::Job;

    #[test]
    fn an_answer_has_as_many_as_fit_and_one_in_any_case() {
        let job = |size: usize| Job { argv: vec![vec![b'x'; size]], ..Default::default() };
        let fit = |sizes: &[usize], most, bytes| fitting(sizes.iter().map(|size| job(*size)), most, bytes).len();
        assert_eq!(fit(&[], 3, 100), 0);
        assert_eq!(fit(&[40, 40, 40], 3, 100), 2);
        assert_eq!(fit(&[1, 1, 1, 1], 3, 100), 3);
        assert_eq!(fit(&[1000, 1], 3, 100), 1, "the first is told whatever it has");
        assert_eq!(fit(&[1, 1000, 1], 3, 100), 1, "none is passed over for a later one");
    }
}
