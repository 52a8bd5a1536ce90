//! Opens a supervisor whose jobs outlive it.

use super::Lasting;
use super::adopt::adopt;
use crate::os::cgroup::{self, DeviceGuard};
use crate::os::keeper::{Keeper, NewKeeper};
use crate::supervise::house::{CellHands, Hands, House};
use crate::supervise::output::Disk;
use crate::supervise::{Bounds, Error, Supervisor};
use std::path::Path;
use std::sync::Arc;

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
        let (new, found) = match NewKeeper::find(&path)? {
            Some(found) => (found, true),
            None => (NewKeeper::execute()?.that_outlives(), false),
        };
        let devices = Arc::new(DeviceGuard::load()?);
        let keeper = new.attend()?;
        let (keeper, held) =
            if found { keeper.taking_over(&path).await? } else { (keeper.outliving(&path)?, Vec::new()) };
        let base = cgroup::prepare_beside(keeper.pid()?, |above, name| keeper.announce(above, name))?;
        let keeper = Arc::new(keeper);
        let hands = CellHands { keeper: Arc::clone(&keeper), base: Arc::new(base), devices };
        let house = Arc::new(House::new(Hands::Cells(hands.clone()), bounds, Some(Arc::clone(&lasting))));
        house.spool_in(Disk::keeping(&lasting.spool())?);
        adopt(&house, &lasting, &hands, held).await?;
        tokio::spawn(Keeper::guard(Arc::downgrade(&keeper)));
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
}
