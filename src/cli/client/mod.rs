//! The verbs that are asked of a daemon: each is named as its call, and one verb is one file. None of this is on the path of
//! `ironcell run`.

mod attach;
mod change;
mod drain;
mod events;
mod follow;
mod info;
mod json;
mod keys;
mod log;
mod ls;
mod ps;
mod purge;
mod reconcile;
mod rm;
mod shutdown;
mod signal;
mod start;
mod stats;
mod status;
mod stop;
mod table;
mod to;
mod top;
mod update;
mod wait;
mod whoami;

use super::exit;
use super::voice::Voice;
use crate::life::Refused;
use crate::rpc::client::{Client, NotDone};
use crate::rpc::connect::ConnectError;
use crate::spec::SpecError;
use std::io;
pub use to::To;

/// What a daemon can be asked for.
#[derive(Debug, clap::Subcommand)]
pub enum ClientVerb {
    /// Start a job that the daemon holds, and print its id
    Start(Box<start::StartArgs>),
    /// End jobs softly, and wait until nothing of them is left
    Stop(stop::StopArgs),
    /// Say where a job stands, and how and why it ended
    Status(status::StatusArgs),
    /// Print what a job has written
    Log(log::LogArgs),
    /// List jobs
    Ls(ls::LsArgs),
    /// Type into a job, and see what it writes
    Attach(attach::AttachArgs),
    /// Wait for the end of a job, and return what run would
    Wait(wait::WaitArgs),
    /// Send a signal to jobs
    Signal(signal::SignalArgs),
    /// Hold every process of jobs still
    Pause(change::ChangeArgs),
    /// Let paused jobs go on
    Resume(change::ChangeArgs),
    /// Change the limits of a running job
    Update(Box<update::UpdateArgs>),
    /// Take jobs that have ended out of the list, and their output with them
    Rm(rm::RmArgs),
    /// The same for all that have ended and are meant
    Purge(purge::PurgeArgs),
    /// Say what a running job uses
    Stats(stats::StatsArgs),
    /// Show what all running jobs use, again and again
    Top(top::TopArgs),
    /// List the processes of a running job
    Ps(ps::PsArgs),
    /// Print what happens to jobs, as it happens
    Events(events::EventsArgs),
    /// Say who the daemon takes you for
    Whoami(whoami::WhoamiArgs),
    /// Say what the daemon is, and what its host can do
    Info(info::InfoArgs),
    /// Clear away what dead owners left on the daemon's host
    Reconcile(reconcile::ReconcileArgs),
    /// Have the daemon start no more jobs
    Drain(drain::DrainArgs),
    /// End the daemon
    Shutdown(shutdown::ShutdownArgs),
}

/// Why a verb was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answers.
    #[error(transparent)]
    Unreachable(#[from] ConnectError),
    /// The daemon has refused.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The line has no meaning.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// Our own words could not be printed, or a descriptor not be had.
    #[error("failed to write to standard output: {0}")]
    Io(#[from] io::Error),
    /// In words.
    #[error("{0}")]
    Said(String),
}

impl Failure {
    /// The exit code.
    fn code(&self) -> u8 {
        match self {
            Self::NotDone(not_done) => match not_done.refused {
                Refused::NotFound => exit::NOT_FOUND,
                Refused::NotExecutable => exit::NOT_EXECUTABLE,
                Refused::Cell => exit::OWN_FAILURE,
            },
            _ => exit::OWN_FAILURE,
        }
    }
}

/// What a verb comes to: an exit code.
type Done = Result<u8, Failure>;

/// Asks a daemon.
pub fn ask(verb: &ClientVerb, err: &mut Voice) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            err.say(&format!("failed to get ready: {error}"));
            return exit::OWN_FAILURE;
        }
    };
    let done = runtime.block_on(asked(verb, err));
    // Not waited for: the thread that reads a terminal cannot be ended.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        // A reader that has enough, as head(1), is told nothing.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => exit::OWN_FAILURE,
        Err(failure) => {
            err.say(&failure.to_string());
            failure.code()
        }
    }
}

async fn asked(verb: &ClientVerb, err: &mut Voice<'_>) -> Done {
    match verb {
        ClientVerb::Start(args) => start::start(args, err).await,
        ClientVerb::Stop(args) => stop::stop(args, err).await,
        ClientVerb::Status(args) => status::status(args).await,
        ClientVerb::Log(args) => log::log(args, err).await,
        ClientVerb::Ls(args) => ls::ls(args).await,
        ClientVerb::Attach(args) => attach::attach(args, err).await,
        ClientVerb::Wait(args) => wait::wait(args, err).await,
        ClientVerb::Signal(args) => signal::signal(args, err).await,
        ClientVerb::Pause(args) => change::pause(args, err).await,
        ClientVerb::Resume(args) => change::resume(args, err).await,
        ClientVerb::Update(args) => update::update(args).await,
        ClientVerb::Rm(args) => rm::rm(args, err).await,
        ClientVerb::Purge(args) => purge::purge(args).await,
        ClientVerb::Stats(args) => stats::stats(args).await,
        ClientVerb::Top(args) => top::top(args).await,
        ClientVerb::Ps(args) => ps::ps(args).await,
        ClientVerb::Events(args) => events::events(args, err).await,
        ClientVerb::Whoami(args) => whoami::whoami(args).await,
        ClientVerb::Info(args) => info::info(args).await,
        ClientVerb::Reconcile(args) => reconcile::reconcile(args).await,
        ClientVerb::Drain(args) => drain::drain(args).await,
        ClientVerb::Shutdown(args) => shutdown::shutdown(args).await,
    }
}

/// Does something to each of several jobs: what fails with one is said, and the others are done.
async fn each<F: AsyncFnMut(&mut Client, &str) -> Result<(), Failure>>(
    to: &To,
    ids: &[String],
    err: &mut Voice<'_>,
    mut act: F,
) -> Done {
    let mut client = to.connect().await?;
    let mut code = 0;
    for id in ids {
        if let Err(failure) = act(&mut client, id).await {
            err.say(&failure.to_string());
            code = failure.code();
        }
    }
    Ok(code)
}

#[cfg(test)]
mod tests;
