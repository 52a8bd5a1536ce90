//! `ironcell verify` without options: every promise is told of once, from what was seen, and nothing is left.

use integration::verify::{Verified, verify};
use std::collections::BTreeSet;

/// What holds in every cell, with or without a filter of system calls.
const ALWAYS: [&str; 36] = [
    "no_mounts",
    "own_root",
    "planned_mounts",
    "no_set_id_mounts",
    "no_device_mounts",
    "no_exec_mounts",
    "private_mounts",
    "host_read_only",
    "host_files",
    "no_handles",
    "own_processes",
    "kernel_settings",
    "no_sysfs",
    "first_process",
    "no_capabilities",
    "secure_bits",
    "no_new_privs",
    "set_id_programs",
    "ids",
    "not_root",
    "no_groups",
    "nobody_outside",
    "own_kernel_limits",
    "own_session",
    "own_signals",
    "no_core_files",
    "resource_limits",
    "memory_locks",
    "descriptors",
    "environment",
    "directory",
    "host_name",
    "own_namespaces",
    "no_namespaces",
    "host_network",
    "own_cgroup",
];

#[test]
fn every_promise_is_told_of_once_and_none_is_unproven() {
    let found = verify(&[]);
    let names: Vec<&str> = found.promises().iter().map(|promise| Verified::text(promise, "promise")).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    assert!(names.len() > 50, "{names:?}");
    for promise in found.promises() {
        assert_ne!(promise["verdict"], "unproven", "{promise:#}");
        assert_ne!(promise["verdict"], "relaxed", "nothing was asked for: {promise:#}");
    }
}

#[test]
fn what_every_cell_keeps_is_held() {
    let found = verify(&[]);
    for name in ALWAYS {
        assert_eq!(found.verdict(name), "held", "{:#}", found.promise(name));
    }
}

#[test]
fn the_exit_code_is_0_only_if_every_promise_is_kept() {
    let found = verify(&[]);
    let good =
        found.promises().iter().all(|promise| ["held", "not_asked"].contains(&Verified::text(promise, "verdict")));
    assert_eq!(found.ran.code, if good { 0 } else { 125 }, "{:?}", found.ran);
    assert_eq!(found.value["held"], good);
}

#[test]
fn forks_and_memory_end_at_their_limits() {
    let found = verify(&[]);
    for name in ["pids_max", "memory_max"] {
        let promise = found.promise(name);
        assert_eq!(promise["verdict"], "held", "{promise:#}");
        assert_eq!(promise["attempts"][0]["control"]["result"], "succeeded", "{promise:#}");
    }
}

#[test]
fn the_controls_succeed_for_the_hosts_root() {
    let found = verify(&[]);
    // What the kernel of the machine does not have, nobody can try there.
    let absent = ["ENOSYS", "EAFNOSUPPORT", "ENOENT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "ENODEV", "ENXIO", "EPERM"];
    for promise in found.promises() {
        for attempt in promise["attempts"].as_array().expect("attempts") {
            let control = &attempt["control"];
            if control["result"] == "succeeded" {
                continue;
            }
            let why = Verified::text(control, "why");
            let no_such_part = absent.iter().any(|errno| why.ends_with(errno));
            let other =
                ["it is so on the host, too", "nobody answered"].contains(&why) || why.starts_with("no console");
            assert!(no_such_part || other || Verified::text(attempt, "attempt") == "metadata", "{attempt:#}");
        }
    }
    for name in [
        "mount_tmpfs",
        "mount_table",
        "pivot_root",
        "make_disk",
        "seize_first",
        "signal_first",
        "find_key",
        "host_port",
        "host_socket",
        "set_user_id",
        "file_capabilities",
        "unshare_user",
        "lower_oom_score",
        "first_process",
        "credentials",
        "push_input",
        "write_system",
        "open_by_handle",
        "set_host_name",
    ] {
        let attempt = found.attempt(name);
        assert_eq!(attempt["control"]["result"], "succeeded", "{attempt:#}");
    }
}
