//! PURE: what the profile `compat` shows of the machine, and what it covers of that.

use super::entry;
use init_shim::wire::{Entry, What};

/// What of the whole `/proc` and `/sys` is hidden: memory and addresses of the kernel, keys, timers and their owners,
/// the host's processors' power (a side channel), firmware, tracing, and the cgroups, which could be killed by themselves.
const HIDDEN: [&str; 18] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/latency_stats",
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
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The whole of `/proc` and `/sys`, less what tells too much or sets anything.
pub fn show(entries: &mut Vec<Entry>) {
    entries.push(entry("/proc", What::WholeProc));
    entries.push(entry("/sys", What::Sys));
    entries.extend(HIDDEN.iter().map(|path| entry(path, What::Hidden)));
    entries.extend(READ_ONLY.iter().map(|path| entry(path, What::ReadOnly)));
}
