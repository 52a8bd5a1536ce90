//! The keeper of a supervisor whose jobs outlive it: it holds copies of each running job's descriptors, so that either of the
//! two may die at any instant. The next supervisor finds the keeper and asks for them; a dead keeper is replaced, and the
//! new one is given the copies that are kept here for it.

use super::held::HeldJob;
use super::new::Process;
use super::{Keeper, Link, failed, tell_place};
use crate::os::{Doing, OsError};
use init_shim::socket::{Role, ToKeeper, send_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Signal, pidfd_send_signal};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use tokio::sync::watch;

/// What is known of a keeper that outlives.
#[derive(Debug)]
pub(super) struct Vault {
    /// Where the next supervisor finds it.
    pub(super) path: PathBuf,
    /// The place for cells, as the keeper was told of it.
    pub(super) place: OnceLock<(OwnedFd, String)>,
    held: Mutex<BTreeMap<u64, HeldJob>>,
    /// Whether the place for cells is gone, as that of systemd's goes with the last process in it.
    pub(super) placeless: watch::Sender<bool>,
    /// How often another process was put in its place.
    pub(super) replaced: AtomicU64,
    /// This supervisor goes, and its jobs stay: nothing that is dropped from now on is a job's end.
    left: AtomicBool,
}

impl Vault {
    pub(super) fn held(&self) -> MutexGuard<'_, BTreeMap<u64, HeldJob>> {
        // Each change is one call.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a job; false when this supervisor has gone, and nothing that it lets go of is at its end.
    pub(super) fn forget(&self, job: u64) -> bool {
        let stays = !self.left.load(Ordering::Acquire);
        if stays {
            self.held().remove(&job);
        }
        stays
    }
}

impl Keeper {
    /// A keeper that holds these, and outlives us at this path; and copies of all for whoever goes on with the jobs.
    ///
    /// # Errors
    /// When there are no descriptors left. Whatever is held stays held.
    pub(super) fn holding(link: Link, path: &Path, held: Vec<HeldJob>) -> Result<(Self, Vec<HeldJob>), OsError> {
        let copies = held.iter().map(HeldJob::try_clone).collect::<io::Result<Vec<_>>>();
        let copies = copies.map_err(|error| OsError::new(Doing::Make, "a descriptor", error))?;
        let next = held.iter().map(|held| held.job).max().unwrap_or_default() + 1;
        let vault = Vault {
            path: path.to_owned(),
            place: OnceLock::new(),
            held: Mutex::new(held.into_iter().map(|held| (held.job, held)).collect()),
            placeless: watch::Sender::new(false),
            replaced: AtomicU64::new(0),
            left: AtomicBool::new(false),
        };
        let (link, turn) = (RwLock::new(Arc::new(link)), tokio::sync::Mutex::new(()));
        Ok((Self { link, turn, next: AtomicU64::new(next), vault: Some(vault) }, copies))
    }

    /// How often its process had died and another was put in its place.
    pub fn replaced(&self) -> u64 {
        self.vault.as_ref().map_or(0, |vault| vault.replaced.load(Ordering::Relaxed))
    }

    /// Tells it where cells will be made, before that place is made, as [`NewKeeper::announce`].
    ///
    /// # Errors
    /// When it is gone already; then why.
    pub fn announce(&self, above: BorrowedFd<'_>, name: &str) -> Result<(), OsError> {
        let link = self.link();
        if let Some(vault) = &self.vault {
            let above = above.try_clone_to_owned().map_err(|error| OsError::new(Doing::Make, "a descriptor", error))?;
            // Told once.
            let _ = vault.place.set((above, name.to_owned()));
        }
        tell_place(&link.socket, above, name)
    }

    /// Waits until there is no place for cells any more: the keeper was killed when nothing ran, and systemd has taken the place
    /// away. Only a new supervisor can make another one.
    pub async fn placeless(&self) {
        let Some(vault) = &self.vault else { return std::future::pending().await };
        // The sender is the vault's own.
        let _ = vault.placeless.subscribe().wait_for(|gone| *gone).await;
    }

    /// Whether its process lives.
    pub fn lives(&self) -> bool {
        let link = self.link();
        let Some(pidfd) = &link.pidfd else { return false };
        // A pidfd is readable from the end of its process on.
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&now)), Ok(0))
    }

    /// Its process id.
    ///
    /// # Errors
    /// ESRCH when /proc does not tell, as of one that is gone.
    pub fn pid(&self) -> Result<i32, OsError> {
        self.link().pid().ok_or_else(|| failed(Errno::SRCH))
    }

    /// Whether jobs outlive their supervisor.
    pub fn outlives(&self) -> bool {
        self.vault.is_some()
    }

    /// Has a running job held for the next supervisor. Nothing, where jobs do not outlive theirs.
    pub fn hold(&self, job: HeldJob) {
        let Some(vault) = &self.vault else { return };
        // Under the lock: a keeper that is put in the place of this one in this moment is told of all that is in the list.
        // So one that is gone need not be told.
        let mut held = vault.held();
        let told = job.tell_now(&self.link());
        held.insert(job.job, job);
        self.heard(told);
    }

    /// Closes the copies of one descriptor.
    pub(super) fn release(&self, job: u64, role: Role) {
        let Some(vault) = self.vault.as_ref().filter(|vault| !vault.left.load(Ordering::Acquire)) else { return };
        let mut held = vault.held();
        if let Some(held) = held.get_mut(&job) {
            drop(held.take(role));
        }
        self.heard(send_now(&self.link().socket, &ToKeeper::Release { job, role }, &[]));
    }

    /// What becomes of a keeper that was told something. One that is gone is replaced, and its successor told what is in the
    /// list; and so is one that has not read for hundreds of messages, since nobody may wait for it.
    pub(super) fn heard(&self, told: rustix::io::Result<()>) {
        if told == Err(Errno::AGAIN) {
            tracing::error!("the keeper does not read any more, and is replaced");
            self.link().kill();
        }
    }

    /// This supervisor goes, and all jobs stay as they are.
    pub fn leave(&self) {
        self.vault.iter().for_each(|vault| vault.left.store(true, Ordering::Release));
    }

    /// Whether another comes in its place when it dies.
    pub(super) fn is_replaced(&self) -> bool {
        self.vault.is_some() && !self.has_left()
    }

    /// Whether it has said so.
    pub fn has_left(&self) -> bool {
        self.vault.as_ref().is_some_and(|vault| vault.left.load(Ordering::Acquire))
    }
}

impl Link {
    /// Its process id, for people and for its place; none of one that is gone.
    pub(super) fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(Process::pid).or_else(|| pid_of(self.pidfd.as_ref()?.as_fd()))
    }

    /// Kills it.
    pub(super) fn kill(&self) {
        if let Some(pidfd) = &self.pidfd {
            // ESRCH: it is gone already.
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
    }
}

/// The process that a pidfd is of, as proc_pid_fdinfo(5) tells it.
fn pid_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok().filter(|pid| *pid > 0)
}
