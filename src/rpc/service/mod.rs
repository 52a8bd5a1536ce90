//! The services: what a caller asks is looked up under his reach, done by the supervisor, and told on the wire. No handler
//! knows a process: what happens is asked of [`Supervisor`].

mod attach;
mod batch;
mod caller;
mod compat;
mod desk;
mod end;
mod input;
mod jobs;
mod look;
mod output;
mod pulled;
mod reach;
mod start;
mod system;
mod watch;

use crate::rpc::compat::job_service_server::JobServiceServer as CompatServer;
use crate::rpc::errors::{Reason, Told};
use crate::rpc::live::Live;
use crate::rpc::metrics::{Metrics, Streaming};
use crate::rpc::proto::job_service_server::JobServiceServer;
use crate::rpc::proto::system_service_server::SystemServiceServer;
use crate::rpc::proto::{self, DESCRIPTORS};
use crate::supervise::Supervisor;
use desk::Desk;
use input::Offsets;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;
use tokio::sync::watch::Sender;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::service::Routes;

/// What the daemon's configuration says of its services.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What may be told anew: the policy, and what logs keep in files.
    pub live: Live,
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// Streams of output and events at once, of all callers together. Each costs a cursor and what its connection holds.
    pub streams: usize,
    /// Whether the older Remote Job Executor's service is there, too.
    pub compat: bool,
    /// Told when an admin asks for the daemon's end.
    pub shutdown: Sender<Option<ShutdownAsk>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            live: Live::default(),
            metrics: Arc::default(),
            streams: 16384,
            compat: false,
            shutdown: Sender::new(None),
        }
    }
}

/// How an admin wants the daemon to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShutdownAsk {
    /// In place of each job's own grace.
    pub grace: Option<Duration>,
    /// The jobs go on without it.
    pub leave_jobs: bool,
}

/// What all handlers share.
#[derive(Debug)]
struct Daemon {
    supervisor: Arc<Supervisor>,
    settings: Settings,
    started: SystemTime,
    draining: AtomicBool,
    /// Who holds the input of which job.
    desk: Arc<Desk>,
    /// How much was written to which input.
    offsets: Offsets,
    streams: Arc<Semaphore>,
    /// What this host can and cannot do, once somebody has asked.
    checks: OnceCell<Vec<proto::Check>>,
    /// Where jobs are driven: not where a thousand callers are answered, or a job would wait for each of them.
    home: Handle,
}

/// Room for one stream.
#[derive(Debug)]
struct StreamRoom {
    _place: OwnedSemaphorePermit,
    _counted: Streaming,
}

impl Daemon {
    /// Room for one more stream, until it is dropped.
    fn stream(&self) -> Result<StreamRoom, Status> {
        let most = self.settings.streams;
        let full =
            || Told::new(Reason::TooManyStreams, format!("{most} streams are open; try again when one has ended"));
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| full())?;
        Ok(StreamRoom { _place: place, _counted: self.settings.metrics.streaming() })
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    fn drain(&self, on: bool) {
        self.draining.store(on, Ordering::Release);
    }
}

/// A handle of the shared part: what tonic's servers hold.
#[derive(Debug, Clone)]
struct Served(Arc<Daemon>);

/// All services of a supervisor, with health and reflection. Who calls is [`crate::rpc::peer::Connection`], which the
/// transport puts into each request; without one nothing is answered. Jobs are started in the runtime that this is called in,
/// whichever one serves.
pub async fn routes(supervisor: Arc<Supervisor>, settings: Settings) -> Routes {
    let streams = Arc::new(Semaphore::new(settings.streams));
    let compat = settings.compat;
    let served = Served(Arc::new(Daemon {
        supervisor,
        settings,
        started: SystemTime::now(),
        draining: AtomicBool::new(false),
        desk: Arc::default(),
        offsets: Offsets::default(),
        streams,
        checks: OnceCell::new(),
        home: Handle::current(),
    }));
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<JobServiceServer<Served>>().await;
    reporter.set_serving::<SystemServiceServer<Served>>().await;
    let mut routes = Routes::new(health)
        .add_service(JobServiceServer::new(served.clone()))
        .add_service(SystemServiceServer::new(served.clone()));
    if compat {
        routes = routes.add_service(CompatServer::new(served));
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    match reflection.build_v1() {
        Ok(reflection) => routes.add_service(reflection),
        Err(error) => {
            // The descriptors are our own; without them callers miss nothing but reflection.
            tracing::error!(%error, "reflection is not there");
            routes
        }
    }
}

/// What went wrong with one of many.
fn item_error(told: Told) -> proto::ItemError {
    let (reason, message) = (told.reason(), told.message().to_owned());
    proto::ItemError { code: reason.code() as i32, reason: reason.word().to_owned(), message }
}
