//! Killed at each of its calls, neither the supervisor nor the keeper nor PID 1 leaves anything: what a sweep over random
//! moments may miss, a sweep over calls does not.

use integration::fault::{Fault, run_with};
use integration::inside::{scratch, text};
use integration::support::{Host, ironcell_path, run};
use std::process::{Command, Stdio};

/// More calls than any of them makes; a call that is made more often is not killed at each.
const CALLS_MOST: u32 = 12;

/// `ironcell run` whose supervisor, and nobody else, is killed at its n-th call of this name. Its code.
fn killed_at(call: &str, count: u32, flags: &[&str]) -> Option<i32> {
    let mut strace = Command::new("strace");
    strace.args([
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &format!("inject={call}:signal=KILL:when={count}"),
    ]);
    strace.arg(ironcell_path()).arg("run").args(flags).args(["--", "sh", "-c", "(setsid sleep 1000 &); exit 5"]);
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("strace runs").code()
}

#[test]
fn a_supervisor_that_is_killed_at_any_of_its_calls_leaves_nothing() {
    let directory = scratch();
    let bind = format!("{}:/out", text(directory.path()));
    let before = Host::now();
    let mut kills = 0;
    for call in
        ["mkdirat", "flock", "memfd_create", "pipe2", "sendmsg", "recvmsg", "epoll_ctl", "unlinkat", "write", "fcntl"]
    {
        for count in 1..=CALLS_MOST {
            let code = killed_at(call, count, &["--rw", &bind]);
            before.assert_nothing_left();
            if code.is_some() {
                assert_eq!(code, Some(5), "{call} {count}");
                break;
            }
            kills += 1;
        }
    }
    assert!(kills >= 20, "only {kills} times something was killed");
}

#[test]
fn a_keeper_or_first_process_that_is_killed_at_any_of_its_calls_leaves_nothing_and_is_told() {
    let mut kills = 0;
    for call in [
        "clone3",
        "openat",
        "write",
        "read",
        "setresuid",
        "mount_setattr",
        "move_mount",
        "pivot_root",
        "setgroups",
        "sendmsg",
        "clone",
    ] {
        for count in 1..=CALLS_MOST / 2 {
            let when = count.to_string();
            let fault = Fault { call, how: "signal=KILL", when: &when };
            // run_with() fails the test when anything is left.
            let (ran, report) = run_with(fault, &[], &["sh", "-c", "exit 5"]);
            if ran.code == 5 {
                break;
            }
            assert!([125, 137].contains(&ran.code), "{call} {count}: {ran:?}");
            assert!(ran.err.starts_with("ironcell: ") && ran.err.lines().count() == 1, "{call} {count}: {ran:?}");
            assert_ne!(report["cause"], "memory", "{call} {count}: {report}");
            kills += 1;
        }
    }
    assert!(kills >= 15, "only {kills} times something was killed");
}

#[test]
fn after_all_of_them_a_run_is_as_it_should_be() {
    let ran = run(&["--", "sh", "-c", "exit 5"]);
    assert_eq!((ran.code, ran.err.as_str()), (5, ""));
}
