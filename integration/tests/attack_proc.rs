//! Out of the cell by /proc, /sys and /dev: what changes the kernel or tells its secrets is not there.

use integration::attack::{attack, attack_outside};
use integration::inside::Running;
use integration::support::run;

const CHANGES: [&str; 10] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sysrq-trigger",
    "/proc/1/oom_score_adj",
    "/proc/1/mem",
    "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/cgroup.procs",
];

const SECRETS: [&str; 14] = [
    "/proc/kcore",
    "/proc/kallsyms",
    "/proc/keys",
    "/proc/kmsg",
    "/proc/cmdline",
    "/proc/timer_list",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/loadavg",
    "/proc/uptime",
    "/proc/modules",
    "/sys/class/net/lo/address",
    "/dev/mem",
    "/dev/kmsg",
];

#[test]
fn nothing_that_changes_the_kernel_can_be_written() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &[&["open", "w"], &CHANGES[..]].concat());
        for (path, answer) in &answers {
            assert!(["ENOENT", "EACCES", "EROFS", "EPERM"].contains(&answer.as_str()), "user {user}: {path} {answer}");
        }
        assert_eq!(answers.len(), CHANGES.len());
    }
    // The control reads: what a write does to the host is not to be tried.
    let outside = attack_outside(&[&["open", "r"], &CHANGES[..2]].concat());
    assert!(outside.values().all(|answer| answer == "ok 1"), "they are there: {outside:?}");
}

#[test]
fn nothing_that_tells_of_the_kernel_or_the_host_can_be_read() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &[&["open", "r"], &SECRETS[..]].concat());
        for (path, answer) in &answers {
            assert!(["ENOENT", "EACCES"].contains(&answer.as_str()), "user {user}: {path} {answer}");
        }
    }
    let outside = attack_outside(&[&["open", "r"], &SECRETS[1..10]].concat());
    let read = outside.values().filter(|answer| answer.starts_with("ok")).count();
    assert!(read >= 7, "the control: the host's root reads them: {outside:?}");
}

#[test]
fn two_jobs_see_nothing_of_each_other_in_proc() {
    let one = Running::cell(
        &[],
        "sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done; echo ready; read line; kill $!; exit 0",
    );
    let ran =
        run(&["--user", "0", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; ls /proc | grep -c '^[0-9]'"]);
    assert!(!ran.out.contains("1000") && !ran.out.contains("ironcell"), "{ran:?}");
    assert!(ran.out.trim().ends_with(['3', '4', '5']), "its own only: {ran:?}");
    assert_eq!(one.end().code, 0);
}
