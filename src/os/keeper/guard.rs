//! Another keeper in the place of one that died under its jobs.

use super::{Keeper, NewKeeper};
use crate::os::watch::Watch;
use crate::os::{OsError, cgroup};
use rustix::fd::AsFd;
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
    fn process_watch(&self) -> Option<Watch> {
        let pidfd = self.link().pidfd.as_ref()?.try_clone().ok()?;
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
        // Under the lock: what is held from now on is told to the new one.
        let held = vault.held();
        let link = new.told(&vault.path, &vault.path, held.values())?;
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(link);
        vault.replaced.fetch_add(1, Ordering::Relaxed);
        Ok(held.len())
    }
}
