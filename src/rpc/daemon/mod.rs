//! The daemon as a whole: from its configuration to its end. A stop leaves jobs alone; only callers, or their own ends, end
//! them.

mod logs;
mod manager;

use super::config::{Config, ConfigError};
use super::listen::local::{Local, SocketError};
use super::listen::remote::Remote;
use super::serve::{Doors, serve};
use super::service::{self, Settings, ShutdownAsk};
use super::stop::{Stop, Switch};
use super::tls::keys::Keys;
use crate::supervise::{self, Shutdown, Supervisor};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

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
    /// There is no TLS port.
    #[error("tls.listen is {address}: nothing can listen there: {error}; is another daemon there?")]
    Listen {
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
    /// The server ended by itself.
    #[error("the server failed: {0}")]
    Serve(#[from] tonic::transport::Error),
}

/// Runs the daemon to its end, in a runtime of its own.
///
/// # Errors
/// Why it did not come up, or did not go on.
pub fn run(config: &Config) -> Result<(), DaemonError> {
    logs::begin(config.log);
    for warning in config.check()? {
        tracing::warn!("{}", warning.0);
    }
    let descriptors = supervise::raise_descriptors();
    tracing::debug!(?descriptors, "as many descriptors as the hard limit allows");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(DaemonError::Runtime)?;
    let ended = runtime.block_on(attend(config));
    // What still reads files on a thread of its own is not waited for.
    runtime.shutdown_background();
    ended
}

/// From the doors to the end.
async fn attend(config: &Config) -> Result<(), DaemonError> {
    let signals = Signals::new().map_err(DaemonError::Runtime)?;
    // First of all: a second daemon on the same socket goes no further.
    let local = Some(Local::bind(&config.socket)?);
    let (remote, keys) = match config.remote().map_err(ConfigError::Key)? {
        Some((address, paths)) => {
            let keys = Keys::read(paths).map_err(ConfigError::File)?;
            let listener = TcpListener::bind(address).await.map_err(|error| DaemonError::Listen { address, error })?;
            (Some(Remote { listener, keys: keys.clone() }), Some(keys))
        }
        None => (None, None),
    };
    let supervisor = Arc::new(Supervisor::open_lasting(&config.state_dir, config.jobs).await?);
    let (switch, stop) = Switch::new();
    let (shutdown, mut asked) = watch::channel(None);
    let routes = service::routes(Arc::clone(&supervisor), settings(config, shutdown)).await;
    let (policy, limits) = (Arc::new(config.policy.clone()), Arc::new(config.limits.clone()));
    let served = serve(Doors { remote, local }, routes, policy, limits, stop.clone());
    manager::ready();
    tracing::info!(socket = %config.socket.display(), listen = ?config.remote.listen, "ironcelld is ready");
    let beating = tokio::spawn(manager::beat());
    let ended = tokio::select! {
        ended = until_end(served, signals, keys, (&switch, &stop), &mut asked) => ended,
        () = supervisor.placeless() => Err(DaemonError::Placeless),
    };
    let ask = *asked.borrow();
    match ask {
        Some(ShutdownAsk { grace, leave_jobs: false }) => end_jobs(&supervisor, grace).await,
        // What is dropped from now on is no job's end.
        Some(_) | None => supervisor.leave(),
    }
    beating.abort();
    ended
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

/// What the services are told of the configuration.
fn settings(config: &Config, shutdown: watch::Sender<Option<ShutdownAsk>>) -> Settings {
    Settings {
        policy: Arc::new(config.policy.clone()),
        spool: Some(config.spool.to_string()),
        compat: config.compat,
        shutdown,
        ..Settings::default()
    }
}

/// Serves, and does what the signals say.
async fn until_end(
    served: impl Future<Output = Result<(), tonic::transport::Error>>,
    mut signals: Signals,
    keys: Option<Keys>,
    (switch, stop): (&Switch, &Stop),
    asked: &mut watch::Receiver<Option<ShutdownAsk>>,
) -> Result<(), DaemonError> {
    tokio::pin!(served);
    loop {
        let told = tokio::select! {
            ended = &mut served => return ended.map_err(DaemonError::Serve),
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
                reload(keys.as_ref());
                manager::ready();
            }
        }
    }
}

/// Reads keys, certificates and revocation lists anew.
fn reload(keys: Option<&Keys>) {
    match keys.map(Keys::reload) {
        None => tracing::info!("nothing to reload: there is no TLS port"),
        Some(Ok(())) => tracing::info!("keys, certificates and revocation lists are reloaded"),
        Some(Err(error)) => tracing::error!(%error, "the old keys, certificates and revocation lists stay"),
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
