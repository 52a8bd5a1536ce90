//! From one keeper to another under running jobs: that of another program hands over to one of ours, which alone knows what
//! our orders mean.
//!
//! Whoever is killed at whichever moment, each keeper that holds something has a name under which it is found, and each job is
//! held by one at least: the new keeper holds all before an old one lets go of any, and an old one is gone before the new one
//! takes its name.

use super::found::{Found, names};
use super::held::HeldJob;
use super::{ANSWER_WITHIN, Link, NewKeeper, failed};
use crate::os::watch::Watch;
use crate::os::{Doing, OsError, cgroup};
use init_shim::next::BACKLOG;
use init_shim::socket::{ToKeeper, send_now};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};
use rustix::process::{Signal, pidfd_send_signal};
use serde::Serialize;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Keepers that are started, each because the one before died: more have a reason that does not go away.
const TRIES: usize = 3;
/// How long a keeper that holds nothing any more may take to end. It waits for nothing then.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Has all that these hold be held by a new keeper of our own, which is found by `path` in the end; they end.
///
/// # Errors
/// When no keeper can be started, or the name not be given to it. Whatever is held stays held.
pub(super) async fn hand_over(mut found: Vec<Found>, path: &Path) -> Result<(Link, Vec<HeldJob>), OsError> {
    let numbers: Vec<Vec<u64>> = found.iter().map(|old| old.held.iter().map(|held| held.job).collect()).collect();
    let held = united(&mut found);
    let taken: HashSet<&Path> = found.iter().map(|old| old.name.as_path()).collect();
    let free = names(path).find(|name| !taken.contains(name.as_path()) && name != path);
    let at = free.ok_or_else(|| OsError::new(Doing::Make, path, Errno::EXIST))?;
    let mut tries = 1;
    let link = loop {
        match one(&at, path, &held, found.first()).await {
            Err(error) if error.is_gone() && tries < TRIES => tries += 1,
            other => break other?,
        }
    };
    tracing::info!(jobs = held.len(), "the keeper was of another program, and has handed over to one of this");
    for (old, numbers) in found.into_iter().zip(numbers) {
        old.link.let_go(numbers).await;
    }
    fs::rename(&at, path).map_err(|error| OsError::new(Doing::Make, path, error))?;
    Ok((link, held))
}

/// All jobs that are held by any of these, each once, by numbers that no two have.
fn united(found: &mut [Found]) -> Vec<HeldJob> {
    let mut all: Vec<HeldJob> = Vec::new();
    for held in found.iter_mut().flat_map(|old| old.held.drain(..)) {
        if !all.iter().any(|known| known.name == held.name) {
            all.push(held);
        }
    }
    (1..).zip(&mut all).for_each(|(number, held)| held.job = number);
    all
}

/// A new keeper that has told that it holds all, where the old one is: cells are made beside it.
async fn one(at: &Path, path: &Path, held: &[HeldJob], old: Option<&Found>) -> Result<Link, OsError> {
    let new = NewKeeper::execute()?.that_outlives();
    if let (Some(pid), Some(old)) = (new.pid(), old.and_then(|old| old.link.pid()))
        && let Err(error) = cgroup::join_beside(old, pid)
    {
        // It died this moment. Then a place is looked for from where we are.
        tracing::warn!(%error, "the new keeper is not where the old one was");
    }
    let mut link = new.told(at, path, held.iter())?;
    match link.holds(held).await {
        Ok(()) => Ok(link),
        Err(error) => {
            link.end();
            Err(error)
        }
    }
}

impl NewKeeper {
    /// Tells it all that it is to hold, and where the next supervisor looks for it: `path`, where it is found now or will be
    /// moved to from `at`.
    ///
    /// # Errors
    /// When there cannot be listened, or it is gone. It holds nothing then, and ends.
    pub(super) fn told<'h>(
        self,
        at: &Path,
        path: &Path,
        mut held: impl Iterator<Item = &'h HeldJob>,
    ) -> Result<Link, OsError> {
        let mut link = self.link()?;
        match link.outlive(at, path).and_then(|()| held.try_for_each(|job| job.tell(&link).map_err(failed))) {
            Ok(()) => Ok(link),
            Err(error) => {
                link.end();
                Err(error)
            }
        }
    }
}

impl Link {
    /// Ends one that was told of jobs that are held elsewhere.
    fn end(&mut self) {
        self.process.iter_mut().for_each(|process| process.outlives = false);
        self.kill();
    }

    /// Asks what it holds: what is on its way to it is not held yet.
    ///
    /// # Errors
    /// EBADMSG when it does not hold all of these, ETIMEDOUT when it does not say.
    async fn holds(&self, all: &[HeldJob]) -> Result<(), OsError> {
        self.tell(&ToKeeper::Adopt, &[]).map_err(failed)?;
        let told = timeout(ANSWER_WITHIN, self.all_held()).await.map_err(|_| failed(Errno::TIMEDOUT))??;
        let same = |(known, told): (&HeldJob, &HeldJob)| known.name == told.name && known.kept.len() == told.kept.len();
        let whole = told.held.len() == all.len() && all.iter().zip(&told.held).all(same);
        if whole { Ok(()) } else { Err(failed(Errno::BADMSG)) }
    }

    /// Says where the next supervisor is to be waited for.
    fn outlive(&self, at: &Path, path: &Path) -> Result<(), OsError> {
        let failed_at = |errno: Errno| OsError::new(Doing::Make, at, errno);
        // One that was left by a keeper which is gone: nobody listens there, or it would have been found.
        match fs::remove_file(at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OsError::new(Doing::Remove, at, error));
            }
            _ => {}
        }
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .and_then(|socket| bind(&socket, &SocketAddrUnix::new(at)?).map(|()| socket))
            .and_then(|socket| listen(&socket, BACKLOG).map(|()| socket))
            .map_err(failed_at)?;
        let path = path.as_os_str().as_bytes().to_vec();
        self.tell(&ToKeeper::Outlive { path }, &[listener.as_fd()]).map_err(failed)
    }

    /// Tells something of much: waits while the keeper reads what was told before, which it does in microseconds.
    ///
    /// # Errors
    /// EPIPE when it is gone; ETIMEDOUT when it does not read.
    pub(super) fn tell(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
        let until = Instant::now() + ANSWER_WITHIN;
        loop {
            match send_now(&self.socket, message, fds) {
                Err(Errno::AGAIN) if Instant::now() < until => {
                    let pause = Timespec { tv_sec: 1, tv_nsec: 0 };
                    let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], Some(&pause));
                }
                Err(Errno::AGAIN) => return Err(Errno::TIMEDOUT),
                told => return told,
            }
        }
    }

    /// Has it let go of these, which another one holds, and waits for its end.
    async fn let_go(self, numbers: Vec<u64>) {
        let all = numbers.into_iter().map(|job| ToKeeper::Forget { job }).chain([ToKeeper::Close]);
        let mut told = Ok(());
        for message in all {
            told = told.and_then(|()| self.tell(&message, &[]));
        }
        let Self { socket, process: _, pidfd: Some(pidfd) } = self else { return };
        drop(socket);
        let Ok(kill) = pidfd.try_clone() else { return };
        let ended = async { Watch::readable(pidfd).ok()?.ready().await.ok() };
        // EPIPE: it is gone already.
        let ended = timeout(END_WITHIN, ended).await.ok().flatten();
        if ended.is_none() || told.is_err() {
            // It holds what another holds as well. ESRCH: it is gone already.
            let _ = pidfd_send_signal(&kill, Signal::KILL);
        }
    }
}
