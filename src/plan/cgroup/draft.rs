//! A list of settings in the making: knows the host and refuses what it does not have.

use super::{CPU_PERIOD_MICROS, CpuList, DEFAULT_PIDS_MAX, Origin, Setting};
use crate::plan::Refusal;
use crate::plan::host::{Controller, Host};
use crate::spec::{CpuMax, Limits, PidsLimit};

/// Settings so far, for one host.
pub(super) struct Draft<'h> {
    pub(super) host: &'h Host,
    pub(super) settings: Vec<Setting>,
}

/// The kernel's range of `cpu.weight` and `io.weight` (cgroup-v2.rst).
const WEIGHTS: std::ops::RangeInclusive<u16> = 1..=10_000;

impl<'h> Draft<'h> {
    /// Nothing yet.
    pub(super) fn new(host: &'h Host) -> Self {
        Self { host, settings: Vec::with_capacity(12) }
    }

    /// What the caller asked for.
    pub(super) fn asked(&mut self, field: &str, file: &str, value: impl Into<String>) {
        self.push(field, file, value.into(), Origin::Asked);
    }

    /// What ironcell applies where the caller asked for nothing.
    pub(super) fn by_default(&mut self, field: &str, file: &str, value: impl Into<String>) {
        self.push(field, file, value.into(), Origin::Default);
    }

    /// What holds for every cell; the field is the file itself, since nobody asked for it.
    pub(super) fn house(&mut self, file: &str, value: &str) {
        self.push(file, file, value.to_owned(), Origin::House);
    }

    fn push(&mut self, field: &str, file: &str, value: String, origin: Origin) {
        self.settings.push(Setting { file: file.to_owned(), value, field: field.to_owned(), origin });
    }

    /// Whether a job's cgroup has this controller.
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.host.hierarchy.controllers.contains(&controller)
    }

    /// Whether a job's cgroup has this file, as far as it was looked at.
    pub(super) fn has_file(&self, file: &str) -> bool {
        let files = &self.host.hierarchy.files;
        files.is_empty() || files.iter().any(|known| known == file)
    }

    /// The controller and the file are there, or the limit is refused.
    pub(super) fn need(&self, controller: Controller, file: &str, field: &str, value: &str) -> Result<(), Refusal> {
        if !self.has(controller) {
            return Err(self.no_controller(controller, field, value));
        }
        if !self.has_file(file) {
            return Err(self.no_file(file, field, value));
        }
        Ok(())
    }

    /// A controller that was asked for is not there.
    fn no_controller(&self, controller: Controller, field: &str, value: &str) -> Refusal {
        let hierarchy = &self.host.hierarchy;
        let (name, mount) = (controller.name(), hierarchy.mount.display());
        let refused = hierarchy.refused.iter().find(|(known, _)| *known == controller).map(|(_, why)| why.as_str());
        let (problem, remedy) = if hierarchy.on_v1.contains(&controller) {
            (
                format!("the controller {name} is not in the cgroup v2 hierarchy at {mount}: it is bound to cgroup v1"),
                "boot with systemd.unified_cgroup_hierarchy=1 (or cgroup_no_v1=all)",
            )
        } else if let Some(why) = refused {
            (format!("the controller {name} could not be enabled below {mount}: {why}"), "mend that")
        } else {
            (
                format!(
                    "the controller {name} is not available to {} in the cgroup v2 hierarchy at {mount}",
                    hierarchy.base.display()
                ),
                "delegate it to this cgroup (systemd: Delegate=yes), or boot a kernel that has it",
            )
        };
        refusal(field, value, problem, format!("{remedy}, or leave {field} out; `ironcell doctor` says more"))
    }

    /// The controller is there, and the kernel gives it no such file.
    pub(super) fn no_file(&self, file: &str, field: &str, value: &str) -> Refusal {
        let base = self.host.hierarchy.base.display();
        refusal(
            field,
            value,
            format!("this kernel has no file {file} in the cgroups below {base}"),
            format!("{}, or leave {field} out; `ironcell doctor` says more", missing_file(file)),
        )
    }

    /// `pids.max`.
    pub(super) fn pids(&mut self, limits: &Limits) -> Result<(), Refusal> {
        const FIELD: &str = "--pids";
        let Some(asked) = limits.pids_max else {
            if self.has(Controller::Pids) {
                self.by_default(FIELD, "pids.max", DEFAULT_PIDS_MAX.to_string());
            }
            return Ok(());
        };
        let value = match asked {
            PidsLimit::Count(count) => count.to_string(),
            PidsLimit::Max => "max".to_owned(),
        };
        self.need(Controller::Pids, "pids.max", FIELD, &value)?;
        if matches!(asked, PidsLimit::Count(count) if count < PidsLimit::LEAST) {
            let remedy = format!("ask for at least {}", PidsLimit::LEAST);
            return Err(refusal(FIELD, &value, "a cell has its own PID 1 and the command", remedy));
        }
        self.asked(FIELD, "pids.max", value);
        Ok(())
    }

    /// `cpu.max`, `cpu.weight`, `cpuset.cpus`.
    pub(super) fn cpu(&mut self, limits: &Limits) -> Result<(), Refusal> {
        if let Some(asked) = limits.cpu_max {
            let text = asked.to_string();
            self.need(Controller::Cpu, "cpu.max", "--cpus", &text)?;
            if matches!(asked, CpuMax::Millis(millis) if millis < CpuMax::LEAST_MILLIS) {
                return Err(refusal("--cpus", &text, "the kernel's least quota is 1 ms", "ask for at least 0.01"));
            }
            self.asked("--cpus", "cpu.max", cpu_max(asked));
        }
        if let Some(weight) = limits.cpu_weight {
            self.need(Controller::Cpu, "cpu.weight", "--cpu-weight", &weight.to_string())?;
            self.weight("--cpu-weight", "cpu.weight", weight)?;
        }
        if let Some(cpus) = &limits.cpuset_cpus {
            self.need(Controller::Cpuset, "cpuset.cpus", "--cpuset", cpus)?;
            self.cpuset(cpus)?;
        }
        Ok(())
    }

    /// A weight in the kernel's range.
    pub(super) fn weight(&mut self, field: &str, file: &str, weight: u16) -> Result<(), Refusal> {
        if !WEIGHTS.contains(&weight) {
            let remedy = format!("ask for {} to {}", WEIGHTS.start(), WEIGHTS.end());
            return Err(refusal(field, &weight.to_string(), "the kernel has no such weight", remedy));
        }
        self.asked(field, file, weight.to_string());
        Ok(())
    }

    /// The kernel takes processors that the parent does not have and then runs the job on others: so it is checked here.
    fn cpuset(&mut self, cpus: &str) -> Result<(), Refusal> {
        const FIELD: &str = "--cpuset";
        let host = &self.host.cpus;
        let Some(asked) = CpuList::parse(cpus).filter(|list| !list.is_empty()) else {
            return Err(refusal(FIELD, cpus, "not a list of processors", "write one, as 0,2-4"));
        };
        if !host.contains_all(&asked) {
            let problem = format!("cells on this host may only use the processors {host}");
            return Err(refusal(FIELD, cpus, problem, "ask for some of these"));
        }
        self.asked(FIELD, "cpuset.cpus", asked.to_string());
        Ok(())
    }
}

/// Thousandths of a processor as quota and period.
fn cpu_max(asked: CpuMax) -> String {
    match asked {
        CpuMax::Millis(millis) => {
            format!("{} {CPU_PERIOD_MICROS}", u64::from(millis) * CPU_PERIOD_MICROS / 1000)
        }
        CpuMax::Max => format!("max {CPU_PERIOD_MICROS}"),
    }
}

/// What brings a missing file about; only for those whose absence has a well-known reason.
fn missing_file(file: &str) -> &'static str {
    match file {
        "memory.swap.max" => "boot without swapaccount=0 and with a kernel that has swap",
        "io.weight" => "boot a kernel with CONFIG_BLK_CGROUP_IOCOST",
        "memory.zswap.max" => "boot a kernel with zswap, 5.19 or newer",
        _ => "boot a kernel that has it",
    }
}

/// A refusal of `field`.
pub(super) fn refusal(field: &str, value: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Refusal {
    Refusal { field: field.to_owned(), value: value.to_owned(), problem: problem.into(), remedy: remedy.into() }
}
