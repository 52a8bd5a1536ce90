//! `ironcell verify` without options: every promise is told of once, from what was seen, and nothing is left.

use integration::verify::{Verified, verify};
use std::collections::BTreeSet;

#[test]
fn every_promise_is_told_of_once_and_held() {
    let found = verify(&[]);
    let names: Vec<&str> = found.promises().iter().map(|promise| Verified::text(promise, "promise")).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    assert!(names.len() > 50, "{names:?}");
    for promise in found.promises() {
        assert_eq!(promise["verdict"], "held", "{promise:#}");
    }
}

#[test]
fn the_exit_code_of_a_cell_that_keeps_its_promises_is_0() {
    let found = verify(&[]);
    assert_eq!((found.ran.code, &found.value["held"]), (0, &true.into()), "{:?}", found.ran);
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
