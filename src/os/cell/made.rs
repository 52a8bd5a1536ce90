//! A cell's cgroup on our side of a start, and what becomes of it when whoever starts it loses interest.

use crate::os::cgroup::CellCgroup;
use std::ops::Deref;

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
}

impl MadeCgroup {
    /// One that was just made.
    pub(super) fn new(cgroup: CellCgroup) -> Self {
        Self { cgroup, launched: false, frozen: false, outlives: false }
    }

    /// One that was launched by another, and goes on without us as well.
    pub(super) fn taken_over(cgroup: CellCgroup, frozen: bool) -> Self {
        Self { cgroup, launched: true, frozen, outlives: true }
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
