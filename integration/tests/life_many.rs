//! Many runs, one after the other and at once, leave the host as it was.

use integration::support::{Host, RUN_WITHIN, collect, ironcell, lane};
use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Network namespaces that the kernel holds, dying ones included, as its allocator counts them: in steps of a page.
fn network_namespaces() -> Option<i64> {
    let table = fs::read_to_string("/proc/slabinfo").ok()?;
    table.lines().find(|line| line.starts_with("net_namespace "))?.split_whitespace().nth(1)?.parse().ok()
}

/// Cgroups of the hierarchy, all of them.
fn cgroups() -> i64 {
    let stat = fs::read_to_string(integration::support::cgroup_mount().join("cgroup.stat")).expect("cgroup.stat");
    let line = stat.lines().find_map(|line| line.strip_prefix("nr_descendants "));
    line.and_then(|number| number.parse().ok()).expect("a number")
}

/// The count goes back to where it was, give or take what its own steps are.
fn goes_back(what: &str, before: i64, slack: i64, now: impl Fn() -> i64) {
    let until = Instant::now() + Duration::from_secs(15);
    while now() > before + slack {
        assert!(Instant::now() < until, "{what}: {} now, {before} before", now());
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn many_runs_one_after_the_other_leave_nothing() {
    let (before, groups, networks) = (Host::now(), cgroups(), network_namespaces());
    // Under systemd each run asks it for a scope, which takes half a second in emulation.
    let runs = if lane() == "systemd" { 20 } else { 200 };
    for number in 0..runs {
        let code = number % 256;
        let mut command = ironcell(&["run", "--", "sh", "-c", &format!("(setsid sleep 1000 &); exit {code}")]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
        assert_eq!(status.code(), Some(code), "run {number}");
    }
    before.assert_nothing_left();
    goes_back("cgroups", groups, 0, cgroups);
    if let Some(networks) = networks {
        // Some slabs of them, far fewer than there were runs.
        goes_back("network namespaces", networks, 60, || network_namespaces().unwrap_or(0));
    }
}

#[test]
fn a_command_that_ends_at_once_is_never_missed() {
    // Eight at a time, so that the target may run to its end before its PID 1 goes on.
    let before = Host::now();
    let rounds = if lane() == "systemd" { 3 } else { 25 };
    for _ in 0..rounds {
        let started = Instant::now();
        let start = |_| {
            let mut command = ironcell(&["run", "--", "/bin/true"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let children: Vec<_> = (0..8).map(start).collect();
        for child in children {
            let ran = collect(child, started);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        }
    }
    before.assert_nothing_left();
}

#[test]
fn twenty_runs_at_once_are_each_their_own_and_leave_nothing() {
    let (before, groups) = (Host::now(), cgroups());
    for _ in 0..3 {
        let started = Instant::now();
        let start = |number: i32| {
            let script = format!("echo {number} > /tmp/own; sleep 0.5; cat /tmp/own; hostname; exit {number}");
            let mut command = ironcell(&["run", "--hostname", &format!("n{number}"), "--", "sh", "-c", &script]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
        };
        let children: Vec<_> = (0..20).map(start).collect();
        for (number, child) in children.into_iter().enumerate() {
            let ran = collect(child, started);
            assert_eq!((ran.code, ran.out), (number as i32, format!("{number}\nn{number}\n")), "{}", ran.err);
        }
        assert!(started.elapsed() < RUN_WITHIN);
    }
    before.assert_nothing_left();
    goes_back("cgroups", groups, 0, cgroups);
}

#[test]
fn twenty_runs_at_once_of_which_half_are_killed_leave_the_other_half_alone() {
    let before = Host::now();
    let started = Instant::now();
    let start = |_| {
        let mut command = ironcell(&["run", "--", "sh", "-c", "sleep 1; exit 5"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let mut children: Vec<_> = (0..20).map(start).collect();
    sleep(Duration::from_millis(300));
    for child in children.iter_mut().step_by(2) {
        child.kill().expect("it is ours");
    }
    for (number, child) in children.into_iter().enumerate() {
        let expected = if number % 2 == 0 { 137 } else { 5 };
        let ran = collect(child, started);
        assert_eq!(ran.code, expected, "run {number}: {}", ran.err);
    }
    before.assert_nothing_left();
}
