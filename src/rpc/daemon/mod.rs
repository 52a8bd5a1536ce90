//! The daemon as a whole: from its configuration to its end. A stop leaves jobs alone; only callers, or their own ends, end
//! them.

mod logs;
mod manager;
mod reload;
mod warm;

use self::reload::Reload;
use super::config::{Asked, Config, ConfigError, Shown};
use super::listen::local::{Local, SocketError};
use super::listen::remote::Remote;
use super::listen::socket::Socket;
use super::live::Live;
use super::metrics::Metrics;
use super::metrics::http::{Page, Window};
use super::metrics::page::page;
use super::serve::{Doors, serve};
use super::service::{self, Settings, ShutdownAsk};
use super::stop::{Stop, Switch};
use super::tls::keys::Keys;
use super::wire::Terms;
use crate::supervise::{self, Shutdown, Supervisor};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The systemd unit, with [`PROGRAM`] in place of the program's path.
pub const UNIT: &str = include_str!("../ironcelld.service");
/// What stands for the program in [`UNIT`].
pub const PROGRAM: &str = "/usr/bin/ironcelld";

/// Why the daemon did not come up, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// It is configured so that it cannot run. To start it again would not help.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no Unix socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no TLS port, or none for the metrics.
    #[error("{key} is {address}: nothing can listen there: {error}; is another daemon there?")]
    Listen {
        /// The key that names it.
        key: &'static str,
        /// Where it was to be.
        address: SocketAddr,
        /// The system's word for it.
        error: io::Error,
    },
    /// There can be no jobs.
    #[error(transparent)]
    Supervisor(#[from] supervise::Error),
    /// The process itself has what it needs not.
    #[error("the daemon has no runtime: {0}")]
    Runtime(io::Error),
    /// Systemd has taken the place for cells away.
    #[error(
        "the keeper was killed while no job ran, and systemd has taken the place for cells away: start the daemon anew"
    )]
    Placeless,
}

/// Threads that jobs are driven by: no job waits for what callers are answered, and little is done for each.
const DRIVING: usize = 2;

/// Runs the daemon to its end, in runtimes of its own. `asked` is where the configuration came from, to read it again.
///
/// # Errors
/// Why it did not come up, or did not go on.
pub fn run(config: Config, asked: Asked) -> Result<(), DaemonError> {
    logs::begin(config.log);
    for warning in config.check()? {
        tracing::warn!("{}", warning.0);
    }
    let descriptors = supervise::raise_descriptors();
    tracing::debug!(?descriptors, "as many descriptors as the hard limit allows");
    let runtime = |name: &str, threads: Option<usize>| {
        let mut builder = Builder::new_multi_thread();
        threads.into_iter().for_each(|threads| _ = builder.worker_threads(threads));
        builder.thread_name(name).enable_all().build().map_err(DaemonError::Runtime)
    };
    let (jobs, callers) = (runtime("jobs", Some(DRIVING))?, runtime("callers", None)?);
    let ended = jobs.block_on(attend(config, asked, callers.handle()));
    // What still reads files on a thread of its own is not waited for.
    callers.shutdown_background();
    jobs.shutdown_background();
    ended
}

/// From the doors to the end.
async fn attend(config: Config, from: Asked, callers: &Handle) -> Result<(), DaemonError> {
    let signals = Signals::new().map_err(DaemonError::Runtime)?;
    // First of all: a second daemon on the same socket goes no further.
    let local = Some(Local::bind(&config.socket)?);
    let window = window(&config).await?;
    let (remote, keys) = match config.remote().map_err(ConfigError::Key)? {
        Some((address, paths)) => {
            let keys = Keys::read(paths).map_err(ConfigError::File)?;
            let bound = TcpListener::bind(address).await;
            let listener = bound.map_err(|error| DaemonError::Listen { key: "tls.listen", address, error })?;
            (Some(Remote { listener, keys: keys.clone() }), Some(keys))
        }
        None => (None, None),
    };
    let (metrics, begun) = (Arc::<Metrics>::default(), Instant::now());
    let supervisor = Arc::new(Supervisor::open_lasting(&config.state_dir, config.jobs).await?);
    metrics.adopted_after(begun.elapsed());
    warm::keep_warm(&supervisor, config.warm);
    let (switch, stop) = Switch::new();
    let (shutdown, mut asked) = watch::channel(None);
    let live = Live::new(config.rules());
    let settings = Settings {
        live: live.clone(),
        metrics: Arc::clone(&metrics),
        compat: config.compat,
        shutdown,
        ..Settings::default()
    };
    let routes = service::routes(Arc::clone(&supervisor), settings).await;
    let terms = Terms { live: live.clone(), metrics: Arc::clone(&metrics), stop: stop.clone() };
    let served = callers.spawn(serve(Doors { remote, local }, routes, terms));
    let scraped = window.map(|window| callers.spawn(window.show(pages(metrics, &supervisor))));
    manager::ready();
    tracing::info!(socket = %config.socket.display(), listen = ?config.remote.listen, "ironcelld is ready");
    let beating = tokio::spawn(manager::beat());
    let reload = Reload { from, begun: config, live, keys, supervisor: Arc::clone(&supervisor) };
    let ended = tokio::select! {
        () = until_end(served, signals, reload, (&switch, &stop), &mut asked) => Ok(()),
        () = supervisor.placeless() => Err(DaemonError::Placeless),
    };
    let ask = *asked.borrow();
    match ask {
        Some(ShutdownAsk { grace, leave_jobs: false }) => end_jobs(&supervisor, grace).await,
        // What is dropped from now on is no job's end.
        Some(_) | None => supervisor.leave(),
    }
    beating.abort();
    scraped.iter().for_each(JoinHandle::abort);
    ended
}

/// Where the metrics are shown.
async fn window(config: &Config) -> Result<Option<Window>, DaemonError> {
    Ok(match &config.metrics {
        None => None,
        Some(Shown::Socket(path)) => Some(Window::Socket(Socket::bind(path)?)),
        Some(Shown::Port(address)) => {
            let failed = |error| DaemonError::Listen { key: "metrics", address: *address, error };
            Some(Window::Port(TcpListener::bind(address).await.map_err(failed)?))
        }
    })
}

/// Makes the page, as long as there is a supervisor: whoever reads it keeps none.
fn pages(metrics: Arc<Metrics>, supervisor: &Arc<Supervisor>) -> Page {
    let supervisor = Arc::downgrade(supervisor);
    Arc::new(move || supervisor.upgrade().map(|supervisor| page(&metrics, &supervisor)).unwrap_or_default())
}

/// How long jobs may take to end when the daemon is asked to end them: the longest grace that an admin may want, and some.
const JOBS_END_WITHIN: Duration = Duration::from_secs(60);

/// Ends all jobs.
async fn end_jobs(supervisor: &Supervisor, grace: Option<Duration>) {
    let within = grace.map_or(JOBS_END_WITHIN, |grace| grace.saturating_add(JOBS_END_WITHIN));
    let left = supervisor.end(Shutdown::Soft { grace }, within).await;
    if !left.is_empty() {
        tracing::error!(jobs = ?left, "these jobs have not ended");
    }
}

/// Serves, and does what the signals say.
async fn until_end(
    mut served: JoinHandle<()>,
    mut signals: Signals,
    reload: Reload,
    (switch, stop): (&Switch, &Stop),
    asked: &mut watch::Receiver<Option<ShutdownAsk>>,
) {
    loop {
        let told = tokio::select! {
            _ = &mut served => return,
            told = signals.next() => told,
            // An error is the end of the services, and so of `served`.
            Ok(_) = asked.wait_for(Option::is_some), if !stop.is_asked() => Told::Stop,
        };
        match told {
            Told::Stop if stop.is_asked() => {}
            Told::Stop => {
                tracing::info!("ironcelld ends");
                manager::stopping();
                switch.stop();
            }
            Told::Reload => {
                manager::reloading();
                reload.again();
                manager::ready();
            }
        }
    }
}

/// What the daemon is told by signals.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

/// One of them.
enum Told {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.term.recv() => Told::Stop,
            _ = self.int.recv() => Told::Stop,
            _ = self.hup.recv() => Told::Reload,
        }
    }
}

#[cfg(test)]
mod tests;
