//! Writes the settings of a cell and reads each back. The only home of cgroups-rs.
//!
//! cgroups-rs is used for the limits that it does right, by its single setters under a [`Hierarchy`] of our own. Never
//! its `new`, `auto` or `apply`: they pick v1 on hybrid hosts, write to every parent, and drop errors. Each write is
//! read back by our own code through the held descriptor, so a setter that did nothing is found out.

use super::cell::CellCgroup;
use crate::os::{Doing, OsError};
use crate::plan::{Origin, Setting};
use cgroups_rs::fs::cgroup::Cgroup;
use cgroups_rs::fs::cpu::CpuController;
use cgroups_rs::fs::cpuset::CpuSetController;
use cgroups_rs::fs::memory::{MemController, SetMemory};
use cgroups_rs::fs::pid::PidController;
use cgroups_rs::fs::{Hierarchy, MaxValue, Subsystem};
use std::path::PathBuf;

/// A setting as the kernel has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Effective {
    /// The file inside the job's cgroup.
    pub file: String,
    /// What the kernel reads back.
    pub value: String,
    /// Who wanted it.
    pub origin: Origin,
    /// The field that it comes from.
    pub field: String,
}

/// Why a cell's limits are not in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The kernel refused a write or a read.
    #[error("{field}: {error}")]
    Refused {
        /// The field that it comes from.
        field: String,
        /// The call.
        error: OsError,
    },
    /// The kernel took the write and has something else in force.
    #[error("{field}: wrote {wrote} to {}, and the kernel has {read:?}", .path.display())]
    NotHeld {
        /// The field that it comes from.
        field: String,
        /// The file.
        path: PathBuf,
        /// What was written.
        wrote: String,
        /// What was read back.
        read: String,
    },
    /// A change of several limits failed, and one that was changed before could not be put back.
    #[error("{cause}; and {field} could not be put back: {error}")]
    Torn {
        /// The field that is not as it was.
        field: String,
        /// Why the change failed.
        cause: Box<ApplyError>,
        /// Why it is not as it was.
        error: Box<OsError>,
    },
}

/// By whose hand a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// cgroups-rs, where the value is one that its setter can say.
    Crate,
    /// One write(2) through the held descriptor.
    Direct,
}

/// The choice for each file, one line each. Whatever is not here is written directly: cgroups-rs has no setter for it
/// (`memory.oom.group`, `memory.zswap.max`, `io.weight`), or a wrong one (its `set_weight` means `io.bfq.weight`), or
/// needs four writes for what is one line (`io.max`).
const HANDS: [(&str, Hand); 7] = [
    ("memory.max", Hand::Crate),
    ("memory.high", Hand::Crate),
    ("memory.swap.max", Hand::Crate),
    ("pids.max", Hand::Crate),
    ("cpu.max", Hand::Crate),
    ("cpu.weight", Hand::Crate),
    ("cpuset.cpus", Hand::Crate),
];

impl CellCgroup {
    /// Writes all settings in their order, then reads all back.
    ///
    /// # Errors
    /// Names the first that the kernel refused or does not have in force as written.
    pub fn apply(&self, settings: &[Setting]) -> Result<Vec<Effective>, ApplyError> {
        let theirs = Cgroup::load(Box::new(Below(self.base_path().to_path_buf())), self.name());
        for setting in settings {
            self.write_setting(&theirs, setting)
                .map_err(|error| ApplyError::Refused { field: setting.field.clone(), error })?;
        }
        let page_size = crate::os::page_size();
        settings.iter().map(|setting| self.read_back(setting, page_size)).collect()
    }

    /// One write, by the hand that is chosen for the file.
    fn write_setting(&self, theirs: &Cgroup, setting: &Setting) -> Result<(), OsError> {
        let chosen = HANDS.iter().find(|(file, _)| *file == setting.file).map_or(Hand::Direct, |(_, hand)| *hand);
        let done = match chosen {
            Hand::Crate => by_crate(theirs, setting),
            Hand::Direct => None,
        };
        match done {
            None => self.dir.write(&setting.file, &setting.value),
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                let failed = OsError::new(Doing::Write, self.path().join(&setting.file), errno_of(&error));
                Err(failed.value(setting.value.clone()))
            }
        }
    }

    /// What the kernel has in force.
    fn read_back(&self, setting: &Setting, page_size: u64) -> Result<Effective, ApplyError> {
        let refused = |error| ApplyError::Refused { field: setting.field.clone(), error };
        let gone = || OsError::new(Doing::Read, self.path().join(&setting.file), rustix::io::Errno::NOENT);
        let read = self.dir.read(&setting.file).map_err(refused)?.ok_or_else(gone).map_err(refused)?;
        if !setting.holds(&read, page_size) {
            return Err(ApplyError::NotHeld {
                field: setting.field.clone(),
                path: self.path().join(&setting.file),
                wrote: setting.value.clone(),
                read: read.trim().to_owned(),
            });
        }
        Ok(Effective {
            file: setting.file.clone(),
            value: read.trim().to_owned(),
            origin: setting.origin,
            field: setting.field.clone(),
        })
    }
}

/// Writes through cgroups-rs; `None` when its setter cannot say this value.
fn by_crate(cgroup: &Cgroup, setting: &Setting) -> Option<cgroups_rs::fs::error::Result<()>> {
    let memory = || cgroup.controller_of::<MemController>();
    let cpu = || cgroup.controller_of::<CpuController>();
    let value = setting.value.as_str();
    Some(match setting.file.as_str() {
        "memory.max" => memory()?.set_limit(signed(value)?),
        "memory.swap.max" => memory()?.set_memswap_limit(signed(value)?),
        "memory.high" => {
            memory()?.set_mem(SetMemory { high: Some(max_value(value)?), low: None, max: None, min: None })
        }
        "pids.max" => cgroup.controller_of::<PidController>()?.set_pid_max(max_value(value)?),
        "cpu.max" => {
            let (quota, period) = value.split_once(' ')?;
            cpu()?.set_cfs_quota_and_period(Some(signed(quota)?), Some(period.parse().ok()?))
        }
        "cpu.weight" => cpu()?.set_shares(value.parse().ok()?),
        "cpuset.cpus" => cgroup.controller_of::<CpuSetController>()?.set_cpus(value),
        _ => return None,
    })
}

/// A number as the crate takes it for limits: -1 is `max`.
fn signed(value: &str) -> Option<i64> {
    if value == "max" { Some(-1) } else { value.parse().ok().filter(|number| *number >= 0) }
}

fn max_value(value: &str) -> Option<MaxValue> {
    if value == "max" { Some(MaxValue::Max) } else { value.parse().ok().map(MaxValue::Value) }
}

/// The kernel's number inside an error of the crate.
fn errno_of(error: &cgroups_rs::fs::error::Error) -> std::io::Error {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let errno = source.and_then(std::io::Error::raw_os_error).unwrap_or(libc::EIO);
    std::io::Error::from_raw_os_error(errno)
}

/// The cgroups below one directory, as cgroups-rs wants to see them. Its own finds the wrong mount on hybrid hosts.
#[derive(Debug, Clone)]
struct Below(PathBuf);

impl Hierarchy for Below {
    fn subsystems(&self) -> Vec<Subsystem> {
        let (root, below) = (|| self.0.clone(), PathBuf::new);
        vec![
            Subsystem::Mem(MemController::new(root(), below(), true)),
            Subsystem::Pid(PidController::new(root(), below(), true)),
            Subsystem::Cpu(CpuController::new(root(), below(), true)),
            Subsystem::CpuSet(CpuSetController::new(root(), below(), true)),
        ]
    }

    fn root(&self) -> PathBuf {
        self.0.clone()
    }

    fn root_control_group(&self) -> Cgroup {
        Cgroup::load(Box::new(self.clone()), "")
    }

    fn parent_control_group(&self, path: &str) -> Cgroup {
        let parent = std::path::Path::new(path).parent().unwrap_or(std::path::Path::new(""));
        Cgroup::load(Box::new(self.clone()), parent)
    }

    fn v2(&self) -> bool {
        true
    }
}
