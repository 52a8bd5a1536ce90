//! Ctrl-C and its kin: the first asks the job to end, the second kills it; nothing else of the caller's reaches it.

use integration::inside::{Running, STAYS, status};
use integration::support::ironcell;
use std::os::unix::process::CommandExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longer than the time in which the same signal twice is one and the same Ctrl-C.
const APART: Duration = Duration::from_millis(700);

#[test]
fn the_first_signal_is_passed_on_as_a_request_to_end() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
        let cell = Running::cell(&[], "trap 'echo asked; exit 9' TERM; echo ready; sleep 60 & wait");
        Running::signal(cell.pid(), signal);
        let ran = cell.wait();
        assert_eq!((ran.code, ran.out.as_str()), (9, "asked\n"), "signal {signal}: {ran:?}");
        assert!(ran.took < Duration::from_secs(20), "{ran:?}");
    }
}

#[test]
fn a_job_that_knows_nothing_of_it_ends_by_sigterm() {
    let cell = Running::cell(&[], "echo ready; exec sleep 60");
    Running::signal(cell.pid(), libc::SIGINT);
    let ran = cell.wait();
    assert_eq!(ran.code, 143, "{ran:?}");
    assert!(ran.err.contains("SIGINT") || ran.err.contains("Ctrl-C"), "who asked is told: {ran:?}");
}

#[test]
fn the_second_signal_kills_at_once() {
    let cell = Running::cell(&["--grace", "100"], "trap '' TERM INT; echo ready; while true; do sleep 1; done");
    Running::signal(cell.pid(), libc::SIGINT);
    sleep(APART);
    let second = Instant::now();
    Running::signal(cell.pid(), libc::SIGINT);
    let ran = cell.wait();
    assert_eq!(ran.code, 137, "{ran:?}");
    assert!(second.elapsed() < Duration::from_secs(10), "{ran:?}");
}

#[test]
fn who_ignores_the_first_has_its_grace_and_no_more() {
    let cell = Running::cell(&["--grace", "1"], "trap '' TERM INT; echo ready; while true; do sleep 1; done");
    let asked = Instant::now();
    Running::signal(cell.pid(), libc::SIGTERM);
    let ran = cell.wait();
    assert_eq!(ran.code, 137, "{ran:?}");
    let took = asked.elapsed();
    assert!(took > Duration::from_millis(950) && took < Duration::from_secs(10), "{took:?} {ran:?}");
}

#[test]
fn a_ctrl_c_goes_to_the_whole_group_and_still_ends_the_job_in_order() {
    // As a terminal does it: to every process of the group, the keeper is in none of the caller's.
    let mut command = ironcell(&[
        "run",
        "--",
        "sh",
        "-c",
        "trap 'echo asked; exit 9' TERM; trap 'echo INT' INT; echo ready; sleep 60 & wait",
    ]);
    command.process_group(0);
    let cell = Running::start(command);
    // SAFETY: takes two numbers; the group is the one that was made for the child.
    assert_eq!(unsafe { libc::killpg(cell.pid(), libc::SIGINT) }, 0);
    let ran = cell.wait();
    assert_eq!((ran.code, ran.out.as_str()), (9, "asked\n"), "{ran:?}");
}

#[test]
fn a_frozen_job_is_ended_when_its_grace_is_over() {
    let cell = Running::cell(&["--grace", "500ms"], STAYS);
    Running::signal(cell.leader(), libc::SIGSTOP);
    // Until it has stopped: of two signals that wait for it the kernel gives it the lower number first.
    let until = Instant::now() + Duration::from_secs(5);
    while !status(cell.leader(), "State").starts_with('T') {
        assert!(Instant::now() < until, "it does not stop");
        sleep(Duration::from_millis(1));
    }
    Running::signal(cell.pid(), libc::SIGTERM);
    let ran = cell.wait();
    assert_eq!(ran.code, 137, "{ran:?}");
    assert!(ran.took < Duration::from_secs(20), "{ran:?}");
}

#[test]
fn a_job_in_a_frozen_cgroup_is_killed_all_the_same() {
    let cell = Running::cell(&["--grace", "300ms"], STAYS);
    let line = std::fs::read_to_string(format!("/proc/{}/cgroup", cell.leader())).expect("its cgroup");
    let path = line.lines().find_map(|line| line.strip_prefix("0::")).expect("a line of v2").to_owned();
    let mount = integration::support::cgroup_mount().display().to_string();
    std::fs::write(format!("{mount}{path}/cgroup.freeze"), "1").expect("frozen");
    Running::signal(cell.pid(), libc::SIGTERM);
    let ran = cell.wait();
    assert_eq!(ran.code, 137, "{ran:?}");
}

#[test]
fn a_stopped_ironcell_goes_on_where_it_was() {
    let mut cell = Running::cell(&[], "echo ready; read line; echo $line; exit 6");
    Running::signal(cell.pid(), libc::SIGSTOP);
    cell.tell("word");
    assert_eq!(cell.line(), "word", "the job runs on");
    Running::signal(cell.pid(), libc::SIGCONT);
    assert_eq!(cell.wait().code, 6);
}
