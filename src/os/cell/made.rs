//! A cell's cgroup on our side of a start, and what becomes of it when whoever starts it loses interest.

use crate::os::cgroup::{CellCgroup, Guest};
use std::ops::Deref;
use std::sync::Arc;

/// A cell's cgroup. As long as nothing was launched into it, it goes with whoever loses interest in it, as a runtime that
/// ends in the middle of a start.
#[derive(Debug)]
pub(super) struct MadeCgroup {
    cgroup: CellCgroup,
    /// Whether a process was launched into it: then it goes with that.
    pub launched: bool,
    /// Whether it stands still: then its PID 1 does not see that its owner is gone.
    pub frozen: bool,
    /// Whether it goes on without whoever drives it.
    pub outlives: bool,
    /// Of one below another manager's cgroup: what holds its place there, let go of when the cgroup is.
    _guest: Option<Arc<Guest>>,
}

impl MadeCgroup {
    /// One that was just made.
    pub(super) fn new(cgroup: CellCgroup, guest: Option<Arc<Guest>>) -> Self {
        Self { cgroup, launched: false, frozen: false, outlives: false, _guest: guest }
    }

    /// One that was launched by another, and goes on without us as well.
    pub(super) fn taken_over(cgroup: CellCgroup, frozen: bool, guest: Option<Guest>) -> Self {
        Self { cgroup, launched: true, frozen, outlives: true, _guest: guest.map(Arc::new) }
    }
}

impl Deref for MadeCgroup {
    type Target = CellCgroup;

    fn deref(&self) -> &CellCgroup {
        &self.cgroup
    }
}

impl Drop for MadeCgroup {
    fn drop(&mut self) {
        if !self.launched {
            // EBUSY: the keeper has launched it meanwhile, and clears it away.
            let _ = self.cgroup.remove();
        }
        if self.frozen && !self.outlives {
            // Whoever drove it is gone with its runtime. The rest is the next sweep's.
            let _ = self.cgroup.kill();
        }
    }
}
