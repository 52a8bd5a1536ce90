//! Inside a cell there are no further namespaces, mounts or roots: a job that could make some would have a new root's
//! rights in them, and with those the host's whole /proc.

use integration::inside::{look, look_outside, no_filter};
use integration::support::run;
use std::fs;

#[test]
fn no_namespace_can_be_made_inside_a_cell() {
    let [seccomp, rules] = no_filter();
    for user in ["1000", "0"] {
        for (call, answer) in look(&["--user", user], &["nested"]) {
            let refused = if call.starts_with("clone3") { "ENOSYS" } else { "EPERM" };
            assert_eq!(answer, refused, "user {user}: {call}");
        }
        for (call, answer) in look(&["--user", user, seccomp, rules], &["nested"]) {
            assert!(["EPERM", "ENOSPC", "EUSERS"].contains(&answer.as_str()), "user {user}: {call} {answer}");
        }
    }
    let outside = look_outside(&["nested"]);
    assert_eq!(outside["unshare-user"], "ok 0", "the control: on the host it can: {outside:?}");
}

#[test]
fn nothing_can_be_mounted_or_unmounted_inside_a_cell() {
    let [seccomp, rules] = no_filter();
    for flags in [["--user", "1000"].as_slice(), &["--user", "0"], &["--user", "0", seccomp, rules]] {
        for (call, answer) in look(flags, &["mounts"]) {
            assert_eq!(answer, "EPERM", "{flags:?}: {call}");
        }
    }
}

#[test]
fn proc_tells_of_processes_only() {
    // A cell with user namespaces could mount a whole one: the kernel asks only whether some proc is there already.
    let script =
        "unshare -Urmpf --mount-proc ls /proc; ls /proc; cat /proc/cmdline /proc/sys/kernel/hostname /proc/keys";
    let ran = run(&["--", "sh", "-c", script]);
    let names: Vec<&str> = ran.out.lines().filter(|name| name.parse::<u32>().is_err()).collect();
    assert_eq!(names, ["self", "thread-self"], "{ran:?}");
    assert!(fs::read_dir("/proc").expect("/proc").count() > 20, "the control: the host's has more");
}

#[test]
fn the_limit_is_the_cells_alone() {
    let limit = || fs::read_to_string("/proc/sys/user/max_user_namespaces").expect("the host's limit");
    let before = limit();
    assert_eq!(run(&["--", "true"]).code, 0);
    assert_eq!(limit(), before, "a cell changed the host's limit");
    assert_ne!(before.trim(), "0", "the control");
}
