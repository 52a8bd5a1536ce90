//! Any process of ironcell's may be killed at any moment: the cell goes with its owner, and nothing is left.

use integration::inside::{Running, STAYS, children, scratch, text};
use integration::support::{Host, ironcell, run};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const BUSY: &str = "trap '' TERM HUP INT; (setsid sleep 1000 &); echo ready; while true; do sleep 0.05; done";

#[test]
fn when_the_supervisor_is_killed_the_keeper_clears_up() {
    let cell = Running::cell(&[], BUSY);
    Running::signal(cell.pid(), libc::SIGKILL);
    let (ran, before) = cell.wait_only();
    assert_eq!(ran.code, 137);
    before.assert_nothing_left();
}

#[test]
fn when_the_keeper_is_killed_the_job_runs_on_to_its_end() {
    let mut cell = Running::cell(&[], "echo ready; read line; echo $line; exit 6");
    let keeper = cell.keeper();
    Running::signal(keeper, libc::SIGKILL);
    cell.tell("word");
    assert_eq!(cell.line(), "word");
    let ran = cell.end();
    assert_eq!(ran.code, 6, "{ran:?}");
}

#[test]
fn when_the_cells_first_process_is_killed_all_of_it_is_gone_and_it_is_said() {
    let cell = Running::cell(&[], BUSY);
    Running::signal(cell.first(), libc::SIGKILL);
    let ran = cell.wait();
    assert_eq!(ran.code, 125, "how the leader ended is not known: {ran:?}");
    assert!(ran.err.starts_with("ironcell: ") && ran.err.lines().count() == 1, "{ran:?}");
}

#[test]
fn when_both_are_killed_at_once_the_processes_go_and_the_next_run_sweeps() {
    let before = Host::now();
    let cell = Running::cell(&[], BUSY);
    let (supervisor, keeper, leader) = (cell.pid(), cell.keeper(), cell.leader());
    // Stopped first, so that neither can act on the other's end.
    for pid in [keeper, supervisor] {
        Running::signal(pid, libc::SIGSTOP);
    }
    for pid in [keeper, supervisor] {
        Running::signal(pid, libc::SIGKILL);
    }
    let (ran, _) = cell.wait_only();
    assert_eq!(ran.code, 137);
    let until = Instant::now() + Duration::from_secs(5);
    while std::path::Path::new(&format!("/proc/{leader}")).exists() {
        assert!(Instant::now() < until, "the job outlives its owners");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(run(&["--", "true"]).code, 0);
    before.assert_nothing_left();
}

#[test]
fn when_all_three_are_killed_the_next_run_sweeps() {
    let before = Host::now();
    let cell = Running::cell(&[], STAYS);
    for pid in [cell.keeper(), cell.pid()] {
        Running::signal(pid, libc::SIGSTOP);
    }
    for pid in [cell.first(), cell.keeper(), cell.pid()] {
        Running::signal(pid, libc::SIGKILL);
    }
    assert_eq!(cell.wait_only().0.code, 137);
    assert_eq!(run(&["--", "true"]).code, 0);
    before.assert_nothing_left();
}

#[test]
fn a_sweep_leaves_cells_alone_that_run() {
    let cell = Running::cell(&[], "echo ready; read line; exit 6");
    for _ in 0..3 {
        assert_eq!(run(&["--", "true"]).code, 0);
    }
    assert_eq!(cell.end().code, 6);
}

/// A run with all that a start can have, and a job that lasts a moment.
fn start(directory: &str) -> Child {
    let bind = format!("{directory}:/out");
    let args = [
        "run",
        "--rw",
        &bind,
        "--tmpfs",
        "/t",
        "--ro",
        "/srv:/s",
        "--",
        "sh",
        "-c",
        "(setsid sleep 1000 &); sleep 0.05",
    ];
    ironcell(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
}

/// How long such a run takes here and now.
fn usual(directory: &str) -> Duration {
    let started = Instant::now();
    for _ in 0..3 {
        assert!(start(directory).wait().expect("it ends").success());
    }
    started.elapsed() / 3
}

const MOMENTS: u32 = 30;

#[test]
fn a_supervisor_that_is_killed_at_any_moment_leaves_nothing() {
    let directory = scratch();
    let usual = usual(text(directory.path()));
    let before = Host::now();
    for moment in 0..MOMENTS {
        let mut child = start(text(directory.path()));
        sleep(usual * moment / MOMENTS);
        // It may have ended already: then there is nothing to kill.
        let _ = child.kill();
        child.wait().expect("it ends");
        before.assert_nothing_left();
    }
}

#[test]
fn a_keeper_that_is_killed_at_any_moment_leaves_nothing() {
    let directory = scratch();
    let usual = usual(text(directory.path()));
    let before = Host::now();
    for moment in 0..MOMENTS {
        let mut child = start(text(directory.path()));
        sleep(usual * moment / MOMENTS);
        for keeper in children(child.id() as i32) {
            // SAFETY: takes two numbers; the keeper is a child that nobody has waited for, unless it has ended.
            unsafe { libc::kill(keeper, libc::SIGKILL) };
        }
        let code = child.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 125)), "moment {moment}: {code:?}");
        before.assert_nothing_left();
    }
}

#[test]
fn both_killed_at_any_moment_leave_nothing_that_the_next_run_does_not_sweep() {
    let directory = scratch();
    let usual = usual(text(directory.path()));
    let before = Host::now();
    for moment in 0..MOMENTS {
        let mut child = start(text(directory.path()));
        sleep(usual * moment / MOMENTS);
        let supervisor = child.id() as i32;
        // SAFETY: take two numbers; the supervisor is our child, and what it forked cannot be reaped while it is stopped.
        unsafe {
            libc::kill(supervisor, libc::SIGSTOP);
            for keeper in children(supervisor) {
                libc::kill(keeper, libc::SIGKILL);
            }
            libc::kill(supervisor, libc::SIGKILL);
        }
        child.wait().expect("it ends");
    }
    assert_eq!(run(&["--", "true"]).code, 0);
    before.assert_nothing_left();
}
