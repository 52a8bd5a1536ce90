//! What of a cell is looked at while it runs. Through descriptors that are held from its start: a supervisor that has run
//! out of them must not lose sight of a limit.

use crate::os::OsError;
use crate::os::cgroup::{CellCgroup, pressure, value_of};
use crate::os::watch::Watch;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::pread;
use std::time::Duration;

/// Bytes of `cpu.stat` and `memory.events`, whose lines are a dozen each.
const TEXT_MOST: usize = 1024;

/// The counters of one cell.
#[derive(Debug)]
pub struct Counters {
    /// `cpu.stat`, where somebody looks at it.
    cpu: Option<OwnedFd>,
    /// `cpu.pressure` and `io.pressure` beside it, where somebody asks who waits and the kernel measures that (4.20).
    pressure: Vec<OwnedFd>,
    /// `memory.events`, where the kernel has it.
    memory: Option<Watch>,
}

/// What of a cell will be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// Its processor time.
    pub cpu: bool,
    /// Beside it, whether it waits for processors or disks.
    pub waits: bool,
}

/// A look at `cpu.stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuLook {
    /// Processor time of the whole tree.
    pub used: Duration,
    /// Whether `cpu.max` has ever held it back.
    pub throttled: bool,
    /// For how long processes of it have waited for a processor or a disk, added up; 0 where that is not looked at.
    pub waited: Duration,
}

/// A look at `memory.events`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryLook {
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: u64,
    /// Whether `memory.high` has ever slowed it down.
    pub throttled: bool,
}

impl Counters {
    /// Opens what is needed for these looks.
    ///
    /// # Errors
    /// When `cpu.stat` cannot be opened although it is needed.
    pub(super) fn open(cgroup: &CellCgroup, looks: Looks) -> Result<Self, OsError> {
        let cpu = looks.cpu.then(|| cgroup.open_file("cpu.stat")).transpose()?;
        // Without the controller there is none. One that cannot be watched costs news, no limit.
        let memory = cgroup.open_file("memory.events").ok().and_then(|file| Watch::changed(file).ok());
        let files = ["cpu.pressure", "io.pressure"].into_iter().filter(|_| looks.waits);
        // Where pressure is not measured there is no such file, or it cannot be read.
        let pressure = files.filter_map(|file| cgroup.open_file(file).ok()).collect();
        Ok(Self { cpu, pressure, memory })
    }

    /// The processor time now; `None` when it is not looked at.
    pub fn cpu(&self) -> Option<CpuLook> {
        let text = read(self.cpu.as_ref()?)?;
        let used = value_of(&text, "usage_usec").map(Duration::from_micros)?;
        let waited = self.pressure.iter().filter_map(|file| Some(pressure(&read(file)?)?.some)).sum();
        Some(CpuLook { used, throttled: value_of(&text, "nr_throttled").is_some_and(|count| count > 0), waited })
    }

    /// `memory.events` now; `None` where there is none.
    pub fn memory(&self) -> Option<MemoryLook> {
        let text = read(self.memory.as_ref()?)?;
        let throttled = value_of(&text, "high").is_some_and(|count| count > 0);
        Some(MemoryLook { oom_kills: value_of(&text, "oom_kill")?, throttled })
    }

    /// Waits until `memory.events` has changed; for ever where there is none.
    pub async fn memory_changed(&self) {
        match &self.memory {
            Some(memory) if memory.once().await.is_ok() => {}
            _ => std::future::pending().await,
        }
    }
}

/// The text of a file, from its beginning.
fn read(file: impl AsFd) -> Option<String> {
    let mut text = [0; TEXT_MOST];
    let length = pread(file, &mut text, 0).ok()?;
    Some(String::from_utf8_lossy(&text[..length]).into_owned())
}
