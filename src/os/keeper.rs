//! The keeper seen from the supervisor: started once, ordered over a socket, gone when the socket closes. Of a supervisor whose
//! jobs outlive it the keeper stays, is found again by the next one, and is replaced when it dies (see `vault`).

mod found;
mod guard;
mod handover;
mod held;
mod image;
mod new;
mod vault;

pub use held::{HeldJob, Release};
pub(super) use image::sealed_copy;
pub use new::NewKeeper;

use super::watch::Watch;
use super::{Doing, OsError};
use init_shim::report::Failure;
use init_shim::socket::{FromKeeper, LaunchFds, ToKeeper, receive, send, send_now};
use new::Process;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{PidfdFlags, pidfd_open};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout};
use vault::Vault;

/// How long an answer may take. A cell is built in a millisecond; under emulation and load, in a hundred.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a start waits for another keeper in the place of one that is gone, and how often it looks: that is done in some
/// ten milliseconds, unless the host is short of something.
const REPLACED_WITHIN: Duration = Duration::from_secs(10);
const REPLACED_AGAIN: Duration = Duration::from_millis(10);

/// The keeper at work.
#[derive(Debug)]
pub struct Keeper {
    /// Replaced by another when its process dies and jobs are to outlive that.
    link: RwLock<Arc<Link>>,
    /// One order and its answer at a time: the keeper has one thread.
    turn: Mutex<()>,
    next: AtomicU64,
    /// Of a supervisor whose jobs outlive it.
    vault: Option<Vault>,
}

/// One process that is the keeper. Field order matters: the socket closes before the process is waited for.
#[derive(Debug)]
struct Link {
    socket: Watch,
    process: Option<Process>,
    /// The process of one that outlives us, whoever has started it.
    pidfd: Option<OwnedFd>,
}

impl NewKeeper {
    /// Makes ready to wait for its answers.
    ///
    /// # Errors
    /// Outside of a tokio runtime with IO.
    pub fn attend(self) -> Result<Keeper, OsError> {
        let link = RwLock::new(Arc::new(self.link()?));
        Ok(Keeper { link, turn: Mutex::new(()), next: AtomicU64::new(1), vault: None })
    }

    fn link(self) -> Result<Link, OsError> {
        let socket = Watch::readable(self.socket).map_err(|error| OsError::new(Doing::Watch, "the keeper", error))?;
        let child = self.process.as_ref().filter(|process| process.outlives);
        let pidfd = child.map(|child| pidfd_open(child.pid, PidfdFlags::empty())).transpose().map_err(failed)?;
        Ok(Link { socket, process: self.process, pidfd })
    }
}

/// A cell's first process as the keeper answered it.
#[derive(Debug)]
pub struct Launched {
    /// Its process id on the host, for people.
    pub pid: i32,
    /// Its identity.
    pub pidfd: OwnedFd,
}

/// Why the keeper launched nothing.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A step outside of the cell failed.
    #[error("step {} failed with errno {}", .0.step as u16, .0.errno)]
    Step(Failure),
    /// The keeper is gone, or not fit.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl Keeper {
    fn link(&self) -> Arc<Link> {
        // A new one is put in its place in one assignment.
        Arc::clone(&self.link.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number for a cell that is to be launched. Whatever becomes of it, it is to be [forgotten](Keeper::forget).
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until no other start is at the keeper: it has one thread.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Orders a cell and waits for its first process. A caller that goes away meanwhile leaves no cell: its lease closes. An
    /// order that finds nobody has begun nothing: of a keeper that is replaced, its successor has it.
    ///
    /// # Errors
    /// The step that failed, or that the keeper is gone.
    pub async fn launch(
        &self,
        mut turn: MutexGuard<'_, ()>,
        job: u64,
        first_id: u32,
        name: &str,
        fds: LaunchFds,
    ) -> Result<Launched, LaunchError> {
        let order = ToKeeper::Launch { job, first_id, name: name.to_owned() };
        let until = Instant::now() + REPLACED_WITHIN;
        let link = loop {
            let link = self.link();
            match send(&link.socket, &order, &fds.as_slice()) {
                Ok(()) => break link,
                Err(Errno::PIPE | Errno::CONNRESET) if self.is_replaced() && Instant::now() < until => {
                    // Who replaces it needs the turn.
                    drop((turn, link));
                    sleep(REPLACED_AGAIN).await;
                    turn = self.turn().await;
                }
                Err(errno) => return Err(failed(errno).into()),
            }
        };
        drop(fds);
        let _turn = turn;
        match timeout(ANSWER_WITHIN, link.answer(job)).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(Errno::TIMEDOUT).into()),
        }
    }

    /// The supervisor goes, and has let go of the place for cells: the keeper need not wait for that.
    pub fn close(&self) {
        // One that is gone has cleared up already.
        let _ = send(&self.link().socket, &ToKeeper::Close, &[]);
    }

    /// The cell is gone and its cgroup removed.
    pub fn forget(&self, job: u64) {
        if self.vault.as_ref().is_none_or(|vault| vault.forget(job)) {
            let link = self.link();
            // A keeper that is gone has forgotten it.
            match &self.vault {
                None => drop(send(&link.socket, &ToKeeper::Forget { job }, &[])),
                Some(_) => self.heard(send_now(&link.socket, &ToKeeper::Forget { job }, &[])),
            }
        }
    }
}

impl Link {
    /// The answer for this job; those for callers that went away are let go.
    async fn answer(&self, job: u64) -> Result<Launched, LaunchError> {
        loop {
            let got = self.socket.attempt(|fd| receive::<FromKeeper>(fd, RecvFlags::DONTWAIT)).await;
            let got = got.map_err(|error| OsError::new(Doing::Read, "the keeper", error))?;
            // Whether it had begun is not known.
            let gone = || OsError::new(Doing::Read, "the keeper", Errno::CONNRESET);
            let (message, mut fds) = got.ok_or_else(gone)?;
            match message {
                FromKeeper::Launched { job: of, pid } if of == job => {
                    let pidfd = fds.pop().ok_or_else(|| failed(Errno::BADMSG))?;
                    return Ok(Launched { pid, pidfd });
                }
                FromKeeper::Refused { job: of, failure } if of == job => {
                    let failure = Failure::decode(&failure).ok_or_else(|| failed(Errno::BADMSG))?;
                    return Err(LaunchError::Step(failure));
                }
                FromKeeper::Unfit { errno } => return Err(unfit(errno).into()),
                FromKeeper::Ready
                | FromKeeper::Launched { .. }
                | FromKeeper::Refused { .. }
                | FromKeeper::Held { .. }
                | FromKeeper::AllTold => {}
            }
        }
    }
}

/// The keeper could not get ready.
fn unfit(errno: i32) -> OsError {
    let errno = Errno::from_raw_os_error(errno);
    OsError::new(Doing::Make, "the keeper", errno).remedy("`ironcell doctor` says what is missing")
}

/// Tells a keeper where cells will be made; if it is gone, why.
fn tell_place(socket: impl AsFd, above: BorrowedFd<'_>, name: &str) -> Result<(), OsError> {
    match send(&socket, &ToKeeper::Base { name: name.to_owned() }, &[above]) {
        // It has gone before we spoke, and said why.
        Err(Errno::PIPE | Errno::CONNRESET) => Err(last_words(&socket)),
        other => other.map_err(failed),
    }
}

/// Why a keeper that is gone has gone, if it said so.
fn last_words(socket: impl AsFd) -> OsError {
    match receive::<FromKeeper>(socket, RecvFlags::DONTWAIT) {
        Ok(Some((FromKeeper::Unfit { errno }, _))) => unfit(errno),
        _ => failed(Errno::PIPE),
    }
}

/// A failure at the keeper.
fn failed(errno: Errno) -> OsError {
    OsError::new(Doing::Order, "the keeper", errno)
}
