//! The cgroups above the cells: whether it was one of their limits that a job was killed for.

use super::file::Dir;
use super::stat::value_of;
use rustix::fd::OwnedFd;
use rustix::io::pread;

/// Cgroups from the place for cells up: more than any manager of services nests.
const DEPTH_MOST: usize = 64;
/// Bytes of `memory.events.local`: seven short lines.
const TEXT_MOST: usize = 512;

/// `memory.events.local` (kernel 5.3) of every cgroup from the place for cells up to the highest that can be seen. Held open,
/// so that a look costs one call each.
#[derive(Debug)]
pub struct Above {
    files: Vec<OwnedFd>,
    /// Whether the highest is the root of all, and each of them that counts could be opened.
    complete: bool,
}

impl Above {
    /// Opens them.
    pub(super) fn of(base: &Dir) -> Self {
        let mut above = Self { files: Vec::new(), complete: false };
        if !base.has("memory.max") {
            // Memory is counted elsewhere, or nowhere: nothing can be said of it.
            return above;
        }
        for path in base.path.ancestors().take(DEPTH_MOST) {
            let Ok(dir) = Dir::open(path) else { return above };
            if !dir.has("cgroup.procs") {
                // Above the mount: there is a root of all below, or more that cannot be seen.
                return above;
            }
            if !dir.has("cgroup.events") {
                // Only the root of all has none. It has no limit either.
                above.complete = true;
                return above;
            }
            match dir.open_file("memory.events.local") {
                Ok(file) => above.files.push(file),
                // Without the controller it has no limit.
                Err(_) if !dir.has("memory.max") => {}
                Err(_) => return above,
            }
        }
        above
    }

    /// How often a limit of theirs could not be met so far.
    pub fn oom_events(&self) -> Option<u64> {
        self.files.iter().map(count).sum()
    }

    /// How often since it was so many: `None` when that is not known, or nothing was seen and not everything can be.
    pub fn oom_events_since(&self, before: Option<u64>) -> Option<u64> {
        let since = self.oom_events()?.saturating_sub(before?);
        (since > 0 || self.complete).then_some(since)
    }
}

/// `oom` of one of them.
fn count(file: &OwnedFd) -> Option<u64> {
    let mut text = [0; TEXT_MOST];
    let length = pread(file, &mut text, 0).ok()?;
    value_of(&String::from_utf8_lossy(&text[..length]), "oom")
}
