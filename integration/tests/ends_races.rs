//! Two things that happen in the same moment: what is told is one of them, and the other's numbers do not contradict it.
//! `IRONCELL_ROUNDS=100` for all rounds.

use integration::inside::Running;
use integration::limits::count;
use integration::support::{report, rounds, run};
use serde_json::Value;

/// Touches more memory than its limit at once.
const HOG: [&str; 5] = ["--", "dd", "if=/dev/zero", "of=/dev/null", "bs=64M"];

/// Rounds of each race for every change.
const USUAL: u32 = 5;

fn word(report: &Value, pointer: &str) -> String {
    report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[test]
fn a_job_that_runs_out_of_memory_as_soon_as_it_begins_is_told_as_such() {
    for round in 0..rounds(USUAL) {
        // From "as soon as it is executed" to "in the middle of its work".
        let limit = format!("{}M", 2 + round % 8);
        let (ran, told) = report(&[&["--memory", &limit][..], &HOG].concat());
        assert_eq!((ran.code, word(&told, "/cause")), (137, "memory".to_owned()), "{limit}: {told:#}");
        assert_eq!(word(&told, "/cause_detail/of"), "own");
        assert!(count(&told, "/evidence/oom_kills") > 0);
    }
}

#[test]
fn a_deadline_while_memory_runs_out_is_told_as_the_one_that_killed() {
    let usual = report(&[&["--memory", "16M"][..], &HOG].concat()).1["usage"]["wall"].as_f64().expect("a time");
    let rounds = rounds(USUAL);
    for round in 0..rounds {
        // Around the moment in which the kernel kills.
        let time = format!("{:.4}", (usual * (0.7 + 0.6 * f64::from(round) / f64::from(rounds))).max(0.001));
        let flags = ["--memory", "16M", "--time", &time, "--grace", "0"];
        let (ran, told) = report(&[&flags[..], &HOG].concat());
        match word(&told, "/cause").as_str() {
            "memory" => assert!(ran.code == 137 && count(&told, "/evidence/oom_kills") > 0, "{told:#}"),
            "wall_time" => assert!(ran.code == 124, "{told:#}"),
            other => panic!("{other}: {told:#}"),
        }
        let oom_first = timeline_has_oom_before_hard_stop(&told);
        assert!(!oom_first || word(&told, "/cause") == "memory", "the kernel was first: {told:#}");
    }
}

/// Whether it was noticed that the kernel killed before ironcell did.
fn timeline_has_oom_before_hard_stop(told: &Value) -> bool {
    let moments = told["evidence"]["timeline"].as_array().expect("a time line");
    let hard = moments.iter().position(|moment| moment["event"] == "stopping" && moment["how"] == "hard");
    let oom = moments.iter().position(|moment| moment["event"] == "oom");
    oom.zip(hard).is_some_and(|(oom, hard)| oom < hard)
}

#[test]
fn a_stop_while_memory_runs_out_is_told_as_the_one_that_killed() {
    for _ in 0..rounds(USUAL) {
        let cell = Running::cell(
            &["--memory", "16M"],
            "trap '' TERM; echo ready; exec dd if=/dev/zero of=/dev/null bs=64M count=1",
        );
        Running::signal(cell.pid(), libc::SIGTERM);
        let ran = cell.wait();
        // It ignores the request, so it is the kernel that ends it, long before the grace is over.
        assert_eq!(ran.code, 137, "{ran:?}");
        assert!(ran.err.contains("memory.max 16 MiB reached"), "{ran:?}");
    }
}

#[test]
fn a_deadline_in_the_moment_of_a_natural_end_is_told_as_one_of_the_two() {
    for round in 0..rounds(USUAL) {
        let sleep = format!("0.{:03}", 100 + round % 100);
        let (ran, told) = report(&["--time", &sleep, "--", "sleep", &sleep]);
        let limit: f64 = sleep.parse().expect("a number");
        let wall = told["usage"]["wall"].as_f64().expect("a time");
        match word(&told, "/cause").as_str() {
            "itself" => assert_eq!((ran.code, told["exit"]["code"].as_i64()), (0, Some(0)), "{told:#}"),
            "wall_time" => assert!(ran.code == 124 && wall >= limit, "{told:#}"),
            other => panic!("{other}: {told:#}"),
        }
    }
}

#[test]
fn a_first_process_that_is_killed_from_the_host_is_told_as_lost() {
    for _ in 0..rounds(USUAL) {
        let cell = Running::cell(&[], "echo ready; sleep 1000");
        Running::signal(cell.first(), libc::SIGKILL);
        let ran = cell.wait();
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
        assert!(ran.err.starts_with("ironcell: lost: "), "{ran:?}");
    }
}

#[test]
fn a_leader_that_is_killed_by_its_own_while_nobody_lacks_memory_is_no_memory_case() {
    for _ in 0..rounds(USUAL) {
        let (ran, told) = report(&["--memory", "64M", "--", "sh", "-c", "kill -9 $$; sleep 5"]);
        assert_eq!((ran.code, word(&told, "/cause")), (137, "itself".to_owned()), "{told:#}");
        assert_eq!(count(&told, "/evidence/oom_kills"), 0);
    }
}

#[test]
fn a_child_that_runs_out_of_memory_takes_the_whole_job_along_and_never_just_itself() {
    for _ in 0..rounds(USUAL) {
        let script = "dd if=/dev/zero of=/dev/null bs=64M count=1 & kill -9 $$; sleep 5";
        let (ran, told) = report(&["--memory", "16M", "--", "sh", "-c", script]);
        assert_eq!((ran.code, told["exit"]["signal"].as_i64()), (137, Some(9)), "{told:#}");
        // The leader ended before the kernel had to kill, or together with its child.
        let kills = count(&told, "/evidence/oom_kills");
        match word(&told, "/cause").as_str() {
            "memory" => assert!(kills > 0, "{told:#}"),
            "itself" => assert_eq!(kills, 0, "{told:#}"),
            other => panic!("{other}: {told:#}"),
        }
    }
}

#[test]
fn after_all_of_them_a_run_is_as_it_should_be() {
    let ran = run(&["--", "sh", "-c", "exit 5"]);
    assert_eq!((ran.code, ran.err.as_str()), (5, ""));
}
