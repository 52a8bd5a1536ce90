//! A cell held still: `cgroup.freeze`, and who is in it (cgroup-v2.rst; kernel 5.2).

use super::cell::CellCgroup;
use crate::os::OsError;

impl CellCgroup {
    /// Asks the kernel to hold every process in it still, or to let all go on. That all stand still is told by
    /// [`CellCgroup::is_frozen`]; who is in a call that cannot be interrupted comes to it late.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn freeze(&self, frozen: bool) -> Result<(), OsError> {
        self.dir.write("cgroup.freeze", if frozen { "1" } else { "0" })
    }

    /// Whether every process in it stands still.
    ///
    /// # Errors
    /// When `cgroup.events` cannot be read.
    pub fn is_frozen(&self) -> Result<bool, OsError> {
        Ok(self.dir.read("cgroup.events")?.is_some_and(|text| frozen(&text)))
    }

    /// The process ids of all that are in it, as this program's PID namespace numbers them.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn pids(&self) -> Result<Vec<i32>, OsError> {
        let all = self.dir.read("cgroup.procs")?.unwrap_or_default();
        // 0 stands for a process that this namespace has no number for.
        Ok(all.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect())
    }
}

/// `frozen 1` among the lines of `cgroup.events`.
fn frozen(text: &str) -> bool {
    text.lines().any(|line| line.trim() == "frozen 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_word_for_a_frozen_cgroup_is_known() {
        assert!(frozen("populated 1\nfrozen 1\n") && !frozen("populated 1\nfrozen 0\n") && !frozen(""));
    }
}
