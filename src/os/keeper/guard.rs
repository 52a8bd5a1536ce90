//! Another keeper in the place of one that died under its jobs.

use super::new::Process;
use super::vault::Vault;
use super::{Keeper, NewKeeper, failed};
use crate::os::watch::Watch;
use crate::os::{OsError, cgroup};
use rustix::fd::AsFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// First and longest pause between tries to replace a keeper: nothing else is wrong with the jobs meanwhile.
const REPLACE_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

impl Keeper {
    /// Replaces the keeper whenever its process dies, as long as anybody else has it. Of a keeper that does not outlive, the
    /// death is noticed by the next order.
    pub async fn guard(this: Weak<Self>) {
        while let Some(keeper) = this.upgrade() {
            let Some(dead) = keeper.process_watch() else {
                // The host is short of descriptors, or it has died this moment.
                drop(keeper);
                sleep(REPLACE_AGAIN.1).await;
                continue;
            };
            drop(keeper);
            if dead.ready().await.is_err() {
                return;
            }
            let (mut pause, longest) = REPLACE_AGAIN;
            while let Some(keeper) = this.upgrade().filter(|keeper| !keeper.has_left()) {
                match keeper.replace().await {
                    Ok(jobs) => {
                        tracing::warn!(jobs, "the keeper had died; another is in its place");
                        break;
                    }
                    Err(error) => tracing::error!(%error, "the keeper has died, and no other could be started yet"),
                }
                drop(keeper);
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }

    /// Its process, to wait for its end.
    pub(super) fn process_watch(&self) -> Option<Watch> {
        let link = self.link();
        let pidfd = match (&link.process, &self.vault) {
            (Some(process), Some(_)) => pidfd_open(Pid::from_raw(process.pid())?, PidfdFlags::empty()).ok()?,
            (None, Some(Vault { found: Some(found), .. })) => found.as_fd().try_clone_to_owned().ok()?,
            _ => return None,
        };
        Watch::readable(pidfd).ok()
    }

    /// Another keeper in the place of one that died; how many jobs it holds.
    async fn replace(&self) -> Result<usize, OsError> {
        let Some(vault) = &self.vault else { return Ok(0) };
        // No start is under way meanwhile; one that was has failed with the keeper.
        let _turn = self.turn().await;
        let new = NewKeeper::execute()?.that_outlives();
        if let Some((above, name)) = vault.place.get() {
            if let (Some(pid), Err(error)) = (new.pid(), cgroup::join_leaf(above.as_fd(), new.pid())) {
                vault.placeless.send_replace(true);
                return Err(error.value(format!("the keeper {pid}")));
            }
            new.announce(above.as_fd(), name)?;
        }
        let mut link = new.link()?;
        let held = vault.held();
        let told =
            link.outlive(&vault.path).and_then(|()| held.values().try_for_each(|job| job.tell(&link).map_err(failed)));
        if let Err(error) = told {
            // All that it was told of is here: it ends, and the next try has another one.
            link.process.iter_mut().for_each(|process| process.outlives = false);
            link.process.iter().for_each(Process::kill);
            return Err(error);
        }
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(link);
        vault.replaced.fetch_add(1, Ordering::Relaxed);
        Ok(held.len())
    }
}
