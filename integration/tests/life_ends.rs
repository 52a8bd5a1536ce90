//! Every end is told as what it was, and takes everything of the job with it.

use integration::support::{report, run};
use std::time::Duration;

#[test]
fn every_exit_code_is_the_commands_own() {
    for code in [0, 1, 2, 7, 63, 123, 124, 125, 126, 127, 128, 129, 137, 143, 200, 254, 255] {
        let (ran, report) = report(&["--", "sh", "-c", &format!("exit {code}")]);
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(report["exit"]["kind"], "code", "{report}");
        assert_eq!(report["exit"]["code"], code, "{report}");
        assert_eq!((report["exit_code"].as_i64(), report["cause"].as_str()), (Some(code.into()), Some("itself")));
    }
}

#[test]
fn every_signal_is_told_by_its_number() {
    for signal in [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 24, 25, 27, 30, 31, 34, 35, 49, 50, 63, 64] {
        let (ran, report) = report(&["--", "sh", "-c", &format!("kill -{signal} $$; sleep 5")]);
        assert_eq!(ran.code, 128 + signal, "{ran:?}");
        assert_eq!(report["exit"]["kind"], "signal", "{report}");
        assert_eq!(report["exit"]["signal"], signal, "{report}");
        // SIGSYS is the signal of a filter of system calls.
        assert_eq!(report["cause"], if signal == 31 { "seccomp" } else { "itself" }, "{report}");
    }
}

#[test]
fn a_deadline_ends_the_job_softly_first() {
    let (ran, told) = report(&["--time", "300ms", "--", "sh", "-c", "trap 'echo asked; exit 3' TERM; sleep 60 & wait"]);
    assert_eq!((ran.code, ran.out.as_str()), (124, "asked\n"), "{ran:?}");
    assert!(ran.took < Duration::from_secs(20) && ran.err.contains("timed out: --time"), "{ran:?}");
    assert_eq!((told["cause"].as_str(), told["exit"]["code"].as_i64()), (Some("wall_time"), Some(3)), "{told}");
}

#[test]
fn who_ignores_the_request_is_killed_when_its_grace_is_over() {
    let (ran, told) = report(&["--time", "200ms", "--grace", "1", "--", "sh", "-c", "trap '' TERM; sleep 60"]);
    assert_eq!(ran.code, 124, "{ran:?}");
    assert!(ran.took > Duration::from_millis(1200) && ran.took < Duration::from_secs(30), "{ran:?}");
    assert_eq!((told["exit"]["kind"].as_str(), told["exit"]["signal"].as_i64()), (Some("signal"), Some(9)), "{told}");
}

#[test]
fn without_grace_it_is_killed_at_once() {
    let ran = run(&["--time", "200ms", "--grace", "0", "--", "sh", "-c", "trap '' TERM; sleep 60"]);
    assert_eq!(ran.code, 124, "{ran:?}");
    assert!(ran.took < Duration::from_secs(20), "{ran:?}");
}

#[test]
fn a_stopped_job_cannot_sit_out_its_deadline() {
    for script in [
        "kill -STOP $$; sleep 60",
        "sleep 60 & kill -STOP $! $$; sleep 60",
        "sleep 60 & trap '' TERM; kill -STOP -1; kill -STOP $$",
    ] {
        let ran = run(&["--time", "300ms", "--grace", "300ms", "--", "sh", "-c", script]);
        assert_eq!(ran.code, 124, "{script}: {ran:?}");
        assert!(ran.took < Duration::from_secs(20), "{script}: {ran:?}");
    }
}

#[test]
fn a_job_within_its_deadline_is_left_alone() {
    let ran = run(&["--time", "60", "--", "sh", "-c", "sleep 0.1; exit 5"]);
    assert_eq!((ran.code, ran.err.as_str()), (5, ""), "{ran:?}");
}

#[test]
fn what_the_leader_leaves_behind_goes_with_it_and_its_code_stands() {
    // run() fails the test when a process is left.
    for script in [
        "sleep 1000 & exit 3",
        "setsid sleep 1000 & exit 3",
        "(setsid sh -c 'trap \"\" HUP TERM INT; sleep 1000 & exec sleep 1000' >/dev/null 2>&1 <&- &) & exit 3",
        "nohup sh -c 'while true; do sleep 0.01; done' >/dev/null 2>&1 & exit 3",
        "sleep 1000 & kill -STOP $!; exit 3",
    ] {
        let ran = run(&["--", "sh", "-c", script]);
        assert_eq!(ran.code, 3, "{script}: {ran:?}");
        assert!(ran.took < Duration::from_secs(20), "{script}: {ran:?}");
    }
}

#[test]
fn a_grandchild_that_holds_the_output_does_not_hold_up_the_end() {
    let ran = run(&["--", "sh", "-c", "(sleep 1000 &) ; echo out; exit 4"]);
    assert_eq!((ran.code, ran.out.as_str()), (4, "out\n"), "{ran:?}");
    assert!(ran.took < Duration::from_secs(20), "the end waited for the grandchild: {ran:?}");
}

#[test]
fn a_leader_that_executes_another_program_is_still_the_leader() {
    let ran = run(&["--", "sh", "-c", "(sleep 0.2; kill -9 $$) & exec sleep 60"]);
    assert_eq!(ran.code, 137, "{ran:?}");
    assert!(ran.err.contains("SIGKILL"), "{ran:?}");
}

#[test]
fn orphans_are_reaped_while_the_job_runs() {
    // Each `&` in a subshell leaves an orphan to PID 1; a zombie would keep its place in /proc.
    let script = "i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1)); done; sleep 0.5; ls -d /proc/[0-9]* | wc -l";
    let ran = run(&["--", "sh", "-c", script]);
    let left: u32 = ran.out.trim().parse().unwrap_or_else(|_| panic!("{ran:?}"));
    assert!(left <= 4, "{left} processes: {ran:?}");
}

#[test]
fn the_time_that_a_job_took_is_told() {
    let (_, told) = report(&["--", "sleep", "0.5"]);
    let wall = told["usage"]["wall"].as_f64().expect("a number");
    assert!((0.5..5.0).contains(&wall), "{told}");
}
