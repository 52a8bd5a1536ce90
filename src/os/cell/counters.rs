//! What of a cell is looked at while it runs. Through descriptors that are held from its start: a supervisor that has run
//! out of them must not lose sight of a limit.

use crate::os::OsError;
use crate::os::cgroup::{CellCgroup, value_of};
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
    /// `cpu.pressure` and `io.pressure` beside it, where the kernel measures pressure (4.20).
    pressure: Vec<OwnedFd>,
    /// `memory.events`, where the kernel has it.
    memory: Option<Watch>,
}

/// A look at `cpu.stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuLook {
    /// Processor time of the whole tree.
    pub used: Duration,
    /// Whether `cpu.max` has ever held it back.
    pub throttled: bool,
    /// For how long processes of it have waited for a processor or a disk, added up: who waits for these is not idle.
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
    /// Opens what is needed; `cpu` says whether the processor time will be looked at.
    ///
    /// # Errors
    /// When `cpu.stat` cannot be opened although it is needed.
    pub(super) fn open(cgroup: &CellCgroup, cpu: bool) -> Result<Self, OsError> {
        let cpu = cpu.then(|| cgroup.open_file("cpu.stat")).transpose()?;
        // Without the controller there is none. One that cannot be watched costs news, no limit.
        let memory = cgroup.open_file("memory.events").ok().and_then(|file| Watch::changed(file).ok());
        let files = ["cpu.pressure", "io.pressure"].into_iter().filter(|_| cpu.is_some());
        // Where pressure is not measured there is no such file, or it cannot be read.
        let pressure = files.filter_map(|file| cgroup.open_file(file).ok()).collect();
        Ok(Self { cpu, pressure, memory })
    }

    /// The processor time now; `None` when it is not looked at.
    pub fn cpu(&self) -> Option<CpuLook> {
        let text = read(self.cpu.as_ref()?)?;
        let used = value_of(&text, "usage_usec").map(Duration::from_micros)?;
        let waited = self.pressure.iter().filter_map(|file| some_total(&read(file)?)).sum();
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

/// `some … total=MICROSECONDS` of a pressure file (Documentation/accounting/psi.rst).
fn some_total(text: &str) -> Option<Duration> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    let (_, total) = line.rsplit_once("total=")?;
    total.trim().parse().ok().map(Duration::from_micros)
}

/// The text of a file, from its beginning.
fn read(file: impl AsFd) -> Option<String> {
    let mut text = [0; TEXT_MOST];
    let length = pread(file, &mut text, 0).ok()?;
    Some(String::from_utf8_lossy(&text[..length]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_some_waited_is_read_from_a_pressure_file() {
        let text =
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n";
        assert_eq!(some_total(text), Some(Duration::from_micros(12_345)));
        assert_eq!(some_total("full total=9"), None);
    }
}
