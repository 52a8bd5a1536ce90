//! PURE: what a cell promises about files, mounts and other processes.

use super::super::{checks, mounts as table};
use super::GivenUp::{ByCompat, ByProfile, ByShowing, ByWriting, Never};
use super::{Promise, is, promise, refused};
use crate::spec::Profile;

/// In the order in which they are told.
pub(super) const ALL: &[Promise] = &[
    promise(
        "no_mounts",
        "The job can mount nothing, and change or take away no mount.",
        &[
            refused("mount_tmpfs"),
            refused("mount_proc"),
            refused("mount_bind"),
            refused("remount"),
            refused("share_mounts"),
            refused("unmount"),
            refused("fsopen"),
            refused("open_tree"),
            refused("mount_setattr"),
            refused("mount_cgroup"),
        ],
        Never,
    ),
    promise("own_root", "The job cannot leave its root.", &[refused("chroot"), refused("pivot_root")], Never),
    promise(
        "planned_mounts",
        "The job sees the mounts of its plan with their access, and no other.",
        &[is("mount_table", table::planned)],
        Never,
    ),
    promise(
        "no_set_id_mounts",
        "No mount gives set-user-id rights.",
        &[is("mount_table", table::without_set_id)],
        Never,
    ),
    promise(
        "no_device_mounts",
        "No device answers in any mount but those of the cell's own /dev.",
        &[is("mount_table", table::without_devices)],
        Never,
    ),
    promise(
        "no_exec_mounts",
        "Nothing can be executed in /proc, /dev/pts and from a device.",
        &[is("mount_table", table::without_exec)],
        Never,
    ),
    promise(
        "private_mounts",
        "No mount event passes between cell and host.",
        &[is("mount_table", table::private)],
        Never,
    ),
    promise(
        "host_read_only",
        "Nothing of the host's files can be written to.",
        &[is("mount_table", table::read_only), refused("write_system")],
        ByWriting,
    ),
    promise(
        "host_files",
        "Nothing of the host's files is there but its system directories and what is given.",
        &[refused("see_shadow")],
        ByShowing("/etc/shadow"),
    ),
    promise(
        "file_rules",
        "Should a mount ever be writable that ought not to be, Landlock still refuses, where the kernel has it.",
        &[is("file_rules", checks::file_rules)],
        Never,
    ),
    promise(
        "no_handles",
        "No file is opened by its number, past its directories.",
        &[refused("open_by_handle")],
        Never,
    ),
    promise(
        "own_processes",
        "The job sees its own processes only, and nothing of the host in /proc.",
        &[
            is("mount_table", table::own_proc),
            refused("see_first"),
            refused("signal_host"),
            refused("meminfo"),
            refused("proc_sys"),
        ],
        ByCompat,
    ),
    promise(
        "kernel_settings",
        "The job cannot change how the kernel works.",
        &[refused("core_pattern"), refused("sysrq")],
        Never,
    ),
    promise("no_sysfs", "The job sees no /sys.", &[refused("sys")], ByShowing("/sys")),
    promise(
        "kernel_secrets",
        "The job cannot read the kernel's memory, addresses, keys and log.",
        &[
            refused("kcore"),
            refused("kallsyms"),
            refused("proc_keys"),
            refused("kernel_log"),
            refused("open_memory"),
            refused("open_kernel_log"),
        ],
        Never,
    ),
    promise(
        "first_process",
        "The cell's PID 1 has one right, and the job can neither signal, trace, read nor limit it.",
        &[
            is("first_process", checks::first_process),
            refused("signal_first"),
            refused("seize_first"),
            refused("read_first"),
            refused("take_from_first"),
            refused("limit_first"),
        ],
        Never,
    ),
    promise(
        "no_tracing",
        "The job can trace and read no process, not even its own.",
        &[refused("trace_child"), refused("read_child"), refused("compare_processes")],
        ByProfile(Profile::Build),
    ),
];
