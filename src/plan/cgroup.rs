//! PURE: the limits of a spec as files and values of cgroup v2, in the order in which they are written.
//!
//! The order matters: what keeps memory from leaking away (swap, zswap) is closed before the limit itself is set.

mod cpus;
mod draft;
mod files;
mod holds;
mod io;
mod memory;

pub use cpus::CpuList;

use super::Refusal;
use super::host::Host;
use crate::spec::Limits;
use draft::Draft;

/// `pids.max` when the caller names none: far more than a build needs, far less than a fork bomb.
pub const DEFAULT_PIDS_MAX: u32 = 1024;
/// `memory.max` when the caller names none, in hundredths of a percent of the host's memory: one job leaves the host
/// alive.
pub const DEFAULT_MEMORY_SHARE: u32 = 7500;
/// The least `memory.max`: PID 1, its stack and its page tables do not start in less.
pub const LEAST_MEMORY_MAX: u64 = 1024 * 1024;
/// Microseconds of a period of `cpu.max`, the kernel's default: shorter ones cost more than they smooth.
pub const CPU_PERIOD_MICROS: u64 = 100_000;

/// One write into the job's cgroup, made and read back before any process exists.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    /// The file inside the job's cgroup, as `memory.max`.
    pub file: String,
    /// What is written.
    pub value: String,
    /// The field that it comes from, as `--memory`, for errors and reports.
    pub field: String,
    /// Who wanted it.
    pub origin: Origin,
}

/// Who wanted a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The caller asked for it: it is enforced or the job is refused.
    Asked,
    /// A default of ironcell's, applied where the controller is there.
    Default,
    /// What holds for every cell: without it another limit would not mean what it says.
    House,
}

/// The limits of a job as settings of its cgroup.
///
/// # Errors
/// Names the first limit that this host cannot enforce, and the way out.
pub fn settings(limits: &Limits, host: &Host) -> Result<Vec<Setting>, Refusal> {
    let mut draft = Draft::new(host);
    // A job that could make cgroups of its own would count against nothing that is read here.
    draft.house("cgroup.max.descendants", "0");
    memory::settings(limits, &mut draft)?;
    draft.pids(limits)?;
    draft.cpu(limits)?;
    io::settings(limits, &mut draft)?;
    files::settings(limits, &mut draft)?;
    Ok(draft.settings)
}

/// The writes by which a running job with the limits `current` has those that are `asked` as well: only what was asked
/// for, checked together with what stays.
///
/// # Errors
/// As [`settings`]; and what belongs to each process from its start is refused by name.
pub fn change(current: &Limits, asked: &Limits, host: &Host) -> Result<Vec<Setting>, Refusal> {
    if let Some(limit) = asked.rlimits.first() {
        let problem = "each process has it from its start, and a running one keeps what it has";
        return Err(draft::refusal("--rlimit", &format!("{limit:?}"), problem, "start another job with it"));
    }
    let together = Limits {
        memory_max: asked.memory_max.or(current.memory_max),
        memory_high: asked.memory_high.or(current.memory_high),
        ..asked.clone()
    };
    let stays = |setting: &Setting| match setting.field.as_str() {
        "--memory" => asked.memory_max.is_none(),
        "--memory-high" => asked.memory_high.is_none(),
        _ => false,
    };
    let mut settings = settings(&together, host)?;
    settings.retain(|setting| setting.origin == Origin::Asked && !stays(setting));
    Ok(settings)
}

#[cfg(test)]
mod tests;
