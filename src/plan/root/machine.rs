//! PURE: what the profile `compat` shows of the machine, and what it covers of that.

use super::entry;
use crate::plan::Refusal;
use crate::spec::{JobSpec, Net, Profile};
use init_shim::wire::{Entry, What};

/// What of the whole `/proc` and `/sys` is hidden: memory and addresses of the kernel, keys, locks, timers and their owners,
/// the host's processors' power (a side channel), firmware, tracing, and the cgroups, which could be killed by themselves.
const HIDDEN: [&str; 19] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/latency_stats",
    "/proc/locks",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/bpf",
    "/sys/fs/cgroup",
    "/sys/kernel",
    "/sys/module",
];
/// What of the whole `/proc` sets what is the host's. Root's alone, and no user of the cell is that root: a second wall.
const READ_ONLY: [&str; 6] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/pressure", "/proc/sys", "/proc/sysrq-trigger"];

/// Whether the ask can be shown the machine, if it asks for it.
///
/// # Errors
/// With the host's network: sysfs shows a network namespace, and only its owner may mount it (sysfs(5)).
pub fn possible(spec: &JobSpec) -> Result<(), Refusal> {
    let walls = spec.isolation();
    if walls.profile != Profile::Compat || walls.net != Net::Host {
        return Ok(());
    }
    Err(Refusal {
        field: "--profile".to_owned(),
        value: walls.profile.word().to_owned(),
        problem: "it shows /sys, which the kernel does not give out together with the host's network".to_owned(),
        remedy: "leave out --net host, or use --profile build".to_owned(),
    })
}

/// The whole of `/proc` and `/sys`, less what tells too much or sets anything.
pub fn show(entries: &mut Vec<Entry>) {
    entries.push(entry("/proc", What::WholeProc));
    entries.push(entry("/sys", What::Sys));
    entries.extend(HIDDEN.iter().map(|path| entry(path, What::Hidden)));
    entries.extend(READ_ONLY.iter().map(|path| entry(path, What::ReadOnly)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, host::example};
    use crate::spec::Isolation;

    fn plan(net: Net) -> Result<Plan, Refusal> {
        let walls = Isolation { profile: Profile::Compat, net, ..Isolation::default() };
        Plan::of(&JobSpec::command("true").isolation(walls).build().expect("a spec"), &example())
    }

    #[test]
    fn what_is_covered_is_covered_after_what_it_is_in_was_mounted() {
        let entries = plan(Net::None).expect("a plan").order.entries;
        let at = |path: &str| entries.iter().position(|entry| entry.path == path.as_bytes()).expect(path);
        for path in HIDDEN.iter().chain(&READ_ONLY) {
            let whole = if path.starts_with("/proc/") { at("/proc") } else { at("/sys") };
            assert!(at(path) > whole, "{path}");
        }
    }

    #[test]
    fn with_the_hosts_network_it_is_refused_by_name() {
        assert_eq!(plan(Net::Host).expect_err("refused").field, "--profile");
    }
}
