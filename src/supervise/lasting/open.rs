//! Opens a supervisor whose jobs outlive it.

use super::Lasting;
use super::adopt::adopt;
use crate::os::OsError;
use crate::os::cgroup::{self, Base, DeviceGuard};
use crate::os::keeper::Keeper;
use crate::supervise::house::{CellHands, Hands, House};
use crate::supervise::{Bounds, Error, Supervisor};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

impl Supervisor {
    /// Opens a supervisor whose jobs outlive it, as a daemon's do: whenever it dies, or [leaves](Supervisor::leave), its jobs go
    /// on, and the next one that is opened with the same directory has all of them again, running or ended, with all of their
    /// output. `dir` is on a file system that jobs cannot fill or slow down, best a tmpfs: records are written there before
    /// and after each step of a job's life, and the output of jobs that are spooled.
    ///
    /// Every job that is started has a spool ([`Store::Spool`](crate::spec::Store::Spool)) where it is to lose no output.
    ///
    /// # Errors
    /// As [`Supervisor::open`]; when another supervisor has this directory; when the keeper of the one before does not answer.
    pub async fn open_lasting(dir: impl AsRef<Path>, bounds: Bounds) -> Result<Self, Error> {
        crate::supervise::supervisor::require_root()?;
        let lasting = Arc::new(Lasting::open(dir.as_ref())?);
        let path = lasting.keeper();
        let (keeper, held) = Keeper::lasting(&path).await?;
        let keeper = Arc::new(keeper);
        // From now on every descriptor of a job is here as well: should the keeper die, another one is given them.
        tokio::spawn(Keeper::guard(Arc::downgrade(&keeper)));
        let devices = Arc::new(DeviceGuard::load()?);
        let base = place(&keeper).await?;
        let hands = CellHands { keeper: Arc::clone(&keeper), base: Arc::new(base), devices };
        let house = Arc::new(House::new(Hands::Cells(hands.clone()), bounds, Some(Arc::clone(&lasting))));
        house.spool_in(lasting.disk()?);
        adopt(&house, &lasting, &hands, held).await?;
        let supervisor = Self::of(house);
        supervisor.sweep()?;
        Ok(supervisor)
    }

    /// Leaves all jobs as they are for the next supervisor of the same directory. To be followed by the end of the process, or
    /// of the runtime: the tasks of this one's jobs are still there. Of a supervisor that was not opened to last it only says
    /// that no more jobs are started.
    pub fn leave(&self) {
        self.house().leave();
    }

    /// Waits until no cell can be made any more, and only another supervisor can make some again: under systemd, when the keeper
    /// was killed while no job ran. Never, where that cannot be.
    pub async fn placeless(&self) {
        match self.house().hands() {
            Ok(Hands::Cells(hands)) => hands.keeper.placeless().await,
            Ok(Hands::Other(_)) | Err(_) => std::future::pending().await,
        }
    }
}

/// How often the place for cells is looked for with a keeper that dies meanwhile, and the pause between: it is replaced in
/// some ten milliseconds.
const PLACE_TRIES: usize = 50;
const PLACE_AGAIN: Duration = Duration::from_millis(100);

/// The place for cells, beside the keeper.
async fn place(keeper: &Keeper) -> Result<Base, OsError> {
    let look = || cgroup::prepare_beside(keeper.pid()?, |above, name| keeper.announce(above, name));
    for _ in 1..PLACE_TRIES {
        match look() {
            Err(_) if !keeper.lives() => sleep(PLACE_AGAIN).await,
            other => return other,
        }
    }
    look()
}
