//! The keepers that a supervisor which is gone has left: found by their names, and asked for all that they hold.
//!
//! There is one, at the name where it is looked for. Only whoever died while one keeper handed over to another has left two
//! (see `handover`), the second at a name beside that.

use super::handover::hand_over;
use super::held::HeldJob;
use super::image::is_ours;
use super::{ANSWER_WITHIN, Keeper, Link, NewKeeper, failed};
use crate::os::{Doing, OsError};
use init_shim::socket::{FromKeeper, HoldFds, ToKeeper, receive, send};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::RecvFlags;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::time::timeout;

/// Names beside the usual one. Two keepers are the most that can be left, and each may have left a name that is dead.
const BESIDE: usize = 10;

/// How often it is looked for one that comes while a new one is started.
const TRIES: usize = 3;

/// A keeper, and all that it holds.
#[derive(Debug)]
pub(super) struct Found {
    pub name: PathBuf,
    pub link: Link,
    pub held: Vec<HeldJob>,
    /// Whether it is this very program, and builds cells as we mean them.
    ours: bool,
}

/// What a keeper tells when it is asked for all.
pub(super) struct Told {
    pub held: Vec<HeldJob>,
    pidfd: OwnedFd,
    /// The file of its program.
    program: Option<OwnedFd>,
}

/// The names of keepers, the usual one first.
pub(super) fn names(path: &Path) -> impl Iterator<Item = PathBuf> {
    let beside = (0..BESIDE).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    });
    [path.to_owned()].into_iter().chain(beside)
}

impl Keeper {
    /// The keeper of the supervisor before, with all that it holds; or a new one. It is of this very program, and outlives us: the
    /// next supervisor finds it by this path, which is absolute.
    ///
    /// # Errors
    /// When one that is found does not answer as a keeper does, or none can be started. Whatever is held stays held.
    pub async fn lasting(path: &Path) -> Result<(Self, Vec<HeldJob>), OsError> {
        for _ in 1..TRIES {
            match Self::look(path).await {
                // A keeper whose name was gone has made it anew meanwhile.
                Err(error) if error.is(libc::EADDRINUSE) => {}
                other => return other,
            }
        }
        Self::look(path).await
    }

    async fn look(path: &Path) -> Result<(Self, Vec<HeldJob>), OsError> {
        let mut found = Vec::new();
        for name in names(path) {
            found.extend(Found::at(name).await?);
        }
        let (link, held) = match <[Found; 1]>::try_from(found) {
            Ok([Found { name, link, held, ours: true }]) if name == path => (link, held),
            Ok([other]) => hand_over(vec![other], path).await?,
            Err(none) if none.is_empty() => {
                let new = NewKeeper::execute()?;
                if NewKeeper::find(path)?.is_some() {
                    return Err(failed(Errno::ADDRINUSE));
                }
                (new.that_outlives().told(path, path, [].iter())?, Vec::new())
            }
            Err(several) => hand_over(several, path).await?,
        };
        // The others are of keepers that are gone. One that cannot be removed is found to be dead the next time as well.
        names(path).skip(1).for_each(|name| drop(fs::remove_file(name)));
        Self::holding(link, path, held)
    }
}

impl Found {
    /// The keeper of this name; none where nobody is, or one that is on its way out, as it held nothing any more.
    async fn at(name: PathBuf) -> Result<Option<Self>, OsError> {
        let Some(found) = NewKeeper::find(&name)? else { return Ok(None) };
        let link = found.link()?;
        let asked = async {
            send(&link.socket, &ToKeeper::Adopt, &[]).map_err(failed)?;
            link.all_held().await
        };
        let Told { held, pidfd, program } = match timeout(ANSWER_WITHIN, asked).await {
            Ok(Err(error)) if error.is_gone() => return Ok(None),
            Ok(told) => told?,
            Err(_) => return Err(failed(Errno::TIMEDOUT)),
        };
        // A disk may have to be read for it. One that cannot be compared is another.
        let compared = tokio::task::spawn_blocking(|| program.is_some_and(|program| is_ours(program).unwrap_or(false)));
        let ours = compared.await.unwrap_or(false);
        Ok(Some(Self { name, link: Link { pidfd: Some(pidfd), ..link }, held, ours }))
    }
}

impl Link {
    /// All that is held.
    pub(super) async fn all_held(&self) -> Result<Told, OsError> {
        let mut held = Vec::new();
        let nonsense = || failed(Errno::BADMSG);
        loop {
            let got = self.socket.attempt(|fd| receive::<FromKeeper>(fd, RecvFlags::DONTWAIT)).await;
            let got = got.map_err(|error| OsError::new(Doing::Read, "the keeper", error))?;
            let (message, fds) = got.ok_or_else(|| failed(Errno::PIPE))?;
            match message {
                FromKeeper::Held { job, name, pid, roles } => {
                    let (cell, rest) = HoldFds::of(fds).ok_or_else(nonsense)?;
                    held.push(HeldJob { job, name, pid, cell, kept: roles.into_iter().zip(rest).collect() });
                }
                FromKeeper::AllTold => {
                    let mut fds = fds.into_iter();
                    let pidfd = fds.next().ok_or_else(nonsense)?;
                    return Ok(Told { held, pidfd, program: fds.next() });
                }
                FromKeeper::Unfit { errno } => return Err(super::unfit(errno)),
                FromKeeper::Ready | FromKeeper::Launched { .. } | FromKeeper::Refused { .. } => {}
            }
        }
    }
}
