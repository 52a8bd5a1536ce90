//! WatchJobs: all jobs that are meant, and then what happens to them, with nothing missed in between.

use super::caller::Caller;
use super::pulled::{Frames, pulled};
use super::reach::Reach;
use super::{Daemon, StreamRoom};
use crate::rpc::convert;
use crate::rpc::metrics::Metrics;
use crate::rpc::proto::job_event::Type;
use crate::rpc::proto::{JobEvent, JobFilter, WatchJobsRequest};
use crate::supervise::{Event, EventReader, Filter, Heard, JobInfo};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;
use tonic::Status;

/// Where a watcher is.
struct Watching {
    reach: Reach,
    filter: Filter,
    owner: String,
    /// The jobs of the beginning that are still to be told.
    snapshot: VecDeque<JobInfo>,
    begun: bool,
    events: EventReader,
    metrics: Arc<Metrics>,
    _room: StreamRoom,
}

pub async fn watch(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: WatchJobsRequest,
) -> Result<Frames<JobEvent>, Status> {
    let said: JobFilter = request.filter.unwrap_or_default();
    let filter = convert::filter(&said).map_err(crate::rpc::errors::status)?;
    let room = daemon.stream()?;
    let (jobs, events) = caller.reach.events();
    let mut watching = Watching {
        reach: caller.reach,
        filter,
        owner: said.owner,
        snapshot: VecDeque::new(),
        begun: false,
        events,
        metrics: Arc::clone(&daemon.settings.metrics),
        _room: room,
    };
    watching.snapshot = jobs.into_iter().filter(|info| watching.means(info)).collect();
    Ok(pulled(watching, |mut watching| async move { Some((Ok(watching.next().await?), watching)) }))
}

impl Watching {
    fn means(&self, info: &JobInfo) -> bool {
        let owner = self.owner.is_empty() || info.owner.as_str() == self.owner;
        owner && self.filter.means(info, SystemTime::now())
    }

    /// Whether an event is about a job that is meant. Of one that is not listed any more its owner alone is known.
    fn wants(&self, event: &Event, now: Option<&JobInfo>) -> bool {
        match now {
            Some(info) => self.means(info),
            None => self.owner.is_empty() || event.owner.as_str() == self.owner,
        }
    }

    async fn next(&mut self) -> Option<JobEvent> {
        if let Some(info) = self.snapshot.pop_front() {
            let (id, owner) = (info.id.short(), info.owner.to_string());
            let job = Some(convert::job(&info));
            return Some(JobEvent { id, owner, job, ..plain(Type::Snapshot) });
        }
        if !self.begun {
            self.begun = true;
            return Some(plain(Type::SnapshotEnd));
        }
        loop {
            match self.events.next().await? {
                Heard::Gap { missed } => {
                    self.metrics.events_missed(missed);
                    return Some(JobEvent { count: missed, ..plain(Type::Gap) });
                }
                Heard::Event(event) => {
                    let now = self.reach.info(event.id).ok();
                    if self.wants(&event, now.as_ref()) {
                        return Some(convert::event(&event, now.as_ref()));
                    }
                }
            }
        }
    }
}

/// One that is about no job.
fn plain(kind: Type) -> JobEvent {
    JobEvent { r#type: kind as i32, time: convert::timestamp(SystemTime::now()), ..Default::default() }
}
