//! The keeper of a supervisor whose jobs outlive it: it holds copies of each running job's descriptors, so that either of the
//! two may die at any instant. The next supervisor finds the keeper and asks for them; a dead keeper is replaced, and the
//! new one is given the copies that are kept here for it.

use super::held::HeldJob;
use super::{ANSWER_WITHIN, Keeper, Link, failed, tell_place};
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use init_shim::socket::{FromKeeper, HoldFds, Role, ToKeeper, receive, send, send_now};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use rustix::process::{Signal, pidfd_send_signal};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::watch;
use tokio::time::timeout;

/// Supervisors that wait for the keeper: one, and one that comes by mistake.
const BACKLOG: i32 = 2;

/// What is known of a keeper that outlives.
#[derive(Debug)]
pub(super) struct Vault {
    /// Where the next supervisor finds it.
    pub(super) path: PathBuf,
    /// The place for cells, as the keeper was told of it.
    pub(super) place: OnceLock<(OwnedFd, String)>,
    held: Mutex<BTreeMap<u64, HeldJob>>,
    /// The keeper's process, when another program has started it.
    pub(super) found: Option<Watch>,
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
    /// Makes a keeper that was just started one that outlives us: the next supervisor finds it by this path.
    ///
    /// # Errors
    /// When the path cannot be listened at, or the keeper is gone.
    pub fn outliving(self, path: &Path) -> Result<Self, OsError> {
        self.link().outlive(path)?;
        Ok(self.with_vault(path, None))
    }

    /// How often its process had died and another was put in its place.
    pub fn replaced(&self) -> u64 {
        self.vault.as_ref().map_or(0, |vault| vault.replaced.load(Ordering::Relaxed))
    }

    /// Takes over from a supervisor that is gone; every job that the keeper holds.
    ///
    /// # Errors
    /// When it does not answer as a keeper does.
    pub async fn taking_over(self, path: &Path) -> Result<(Self, Vec<HeldJob>), OsError> {
        let link = self.link();
        send(&link.socket, &ToKeeper::Adopt, &[]).map_err(failed)?;
        let told = timeout(ANSWER_WITHIN, link.all_held()).await.map_err(|_| failed(Errno::TIMEDOUT))?;
        let (held, own) = told?;
        let watched = Watch::readable(own).map_err(|error| OsError::new(Doing::Watch, "the keeper", error))?;
        drop(link);
        let keeper = self.with_vault(path, Some(watched));
        let next = held.iter().map(|held| held.job).max().unwrap_or_default() + 1;
        keeper.next.store(next, Ordering::Relaxed);
        let copies = held.iter().map(HeldJob::try_clone).collect::<io::Result<Vec<_>>>();
        let copies = copies.map_err(|error| OsError::new(Doing::Make, "a descriptor", error))?;
        if let Some(vault) = &keeper.vault {
            vault.held().extend(held.into_iter().map(|held| (held.job, held)));
        }
        Ok((keeper, copies))
    }

    fn with_vault(self, path: &Path, found: Option<Watch>) -> Self {
        let (path, held, left) = (path.to_owned(), Mutex::default(), AtomicBool::new(false));
        Self {
            vault: Some(Vault {
                path,
                place: OnceLock::new(),
                held,
                found,
                placeless: watch::Sender::new(false),
                replaced: AtomicU64::new(0),
                left,
            }),
            ..self
        }
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
        let file = self.pid().map(|pid| format!("/proc/{pid}/stat"));
        // A zombie's state is Z, behind its name.
        let stat = file.ok().and_then(|file| fs::read_to_string(file).ok());
        stat.is_some_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z')))
    }

    /// Its process id.
    ///
    /// # Errors
    /// ESRCH when /proc does not tell, as of one that is gone.
    pub fn pid(&self) -> Result<i32, OsError> {
        let link = self.link();
        let pid = match (&link.process, &self.vault) {
            (Some(process), _) => Some(process.pid()),
            (None, Some(Vault { found: Some(found), .. })) => pid_of(found.as_fd()),
            (None, _) => None,
        };
        pid.ok_or_else(|| failed(Errno::SRCH))
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
        let told = job.tell(&self.link());
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
            self.kill();
        }
    }

    /// Kills the process. The guard has another one in its place.
    fn kill(&self) {
        tracing::error!("the keeper does not read any more, and is replaced");
        if let Some(process) = self.process_watch() {
            // ESRCH: it is gone already.
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    }

    /// This supervisor goes, and all jobs stay as they are.
    pub fn leave(&self) {
        self.vault.iter().for_each(|vault| vault.left.store(true, Ordering::Release));
    }

    /// Whether it has said so.
    pub fn has_left(&self) -> bool {
        self.vault.as_ref().is_some_and(|vault| vault.left.load(Ordering::Acquire))
    }
}

impl Link {
    /// Says where the next supervisor is to be waited for.
    pub(super) fn outlive(&self, path: &Path) -> Result<(), OsError> {
        let failed_at = |errno: Errno| OsError::new(Doing::Make, path, errno);
        // One that was left by a keeper which is gone: nobody listens there, or it would have been found.
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OsError::new(Doing::Remove, path, error));
            }
            _ => {}
        }
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .and_then(|socket| bind(&socket, &SocketAddrUnix::new(path)?).map(|()| socket))
            .and_then(|socket| listen(&socket, BACKLOG).map(|()| socket))
            .map_err(failed_at)?;
        send(&self.socket, &ToKeeper::Outlive, &[listener.as_fd()]).map_err(failed)
    }

    /// All that is held, and the keeper's own process.
    async fn all_held(&self) -> Result<(Vec<HeldJob>, OwnedFd), OsError> {
        let mut all = Vec::new();
        loop {
            let got = self.socket.attempt(|fd| receive::<FromKeeper>(fd, RecvFlags::DONTWAIT)).await;
            let got = got.map_err(|error| OsError::new(Doing::Read, "the keeper", error))?;
            let (message, mut fds) = got.ok_or_else(|| failed(Errno::PIPE))?;
            match message {
                FromKeeper::Held { job, name, pid, roles } => {
                    let (cell, rest) = HoldFds::of(fds).ok_or_else(|| failed(Errno::BADMSG))?;
                    all.push(HeldJob { job, name, pid, cell, kept: roles.into_iter().zip(rest).collect() });
                }
                FromKeeper::AllTold => return Ok((all, fds.pop().ok_or_else(|| failed(Errno::BADMSG))?)),
                FromKeeper::Unfit { errno } => return Err(super::unfit(errno)),
                FromKeeper::Ready | FromKeeper::Launched { .. } | FromKeeper::Refused { .. } => {}
            }
        }
    }
}

/// The process that a pidfd is of, as proc_pid_fdinfo(5) tells it.
fn pid_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok().filter(|pid| *pid > 0)
}
