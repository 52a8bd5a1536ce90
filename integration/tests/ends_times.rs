//! `--cpu-time` and `--idle`: found when they are over and not before, over the whole tree, softly first; and what is
//! returned then.

use integration::limits::{cpu_seconds, number};
use integration::support::{report, run};

/// Works for ever.
const BUSY: &str = "while :; do :; done";

/// How far processor time may be beyond its limit when the job is asked to end: a hundredth, and 50 ms. What it uses from
/// there to its end is its own; the machine is emulated, so the shell gets some more time for that.
const BEYOND: f64 = 0.05;
const TO_ITS_END: f64 = 0.15;

#[test]
fn processor_time_is_that_of_the_whole_tree_and_exact() {
    for script in [BUSY, "while :; do :; done & while :; do :; done", "(while :; do :; done) & wait"] {
        let (ran, told) = report(&["--cpu-time", "0.5", "--", "sh", "-c", script]);
        assert_eq!((ran.code, told["cause"].as_str()), (124, Some("cpu_time")), "{script}: {told:#}");
        assert_eq!(told["cause_detail"], serde_json::json!({"limit": 0.5, "how": "soft"}));
        let used = cpu_seconds(&told);
        assert!((0.5..0.505 + BEYOND + TO_ITS_END).contains(&used), "{script}: {used}");
        assert_eq!(told["evidence"]["limit"]["name"], "cpu_time");
        assert!((number(&told, "/evidence/limit/peak") - used).abs() < 0.001, "{told:#}");
        assert!(ran.err.starts_with("ironcell: timed out: --cpu-time 500ms is over (0."), "{}", ran.err);
    }
}

#[test]
fn sleeping_uses_no_processor_time() {
    let (ran, told) = report(&["--cpu-time", "500ms", "--", "sleep", "0.8"]);
    assert_eq!((ran.code, told["cause"].as_str()), (0, Some("itself")), "{told:#}");
}

#[test]
fn a_job_that_does_nothing_is_idle_and_one_that_works_or_speaks_is_not() {
    for script in [
        "sleep 1000",
        "kill -STOP $$",
        "sleep 1000 | sleep 1000",
        "read line < /dev/zero & sleep 0.2; kill $!; sleep 9",
    ] {
        let (ran, told) = report(&["--idle", "400ms", "--", "sh", "-c", script]);
        assert_eq!((ran.code, told["cause"].as_str()), (124, Some("idle")), "{script}: {told:#}");
        assert_eq!(told["cause_detail"]["limit"], 0.4);
        assert!(number(&told, "/usage/wall") >= 0.4, "{told:#}");
        assert!(ran.err.contains("nothing of it ran for --idle 400ms"), "{}", ran.err);
    }
    // One line in every 50 ms; in the emulated machine a start of sleep takes as long again.
    let speaks = "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.05; done";
    let (ran, told) = report(&["--idle", "400ms", "--", "sh", "-c", speaks]);
    assert_eq!((ran.code, told["cause"].as_str()), (0, Some("itself")), "{told:#}");
}

#[test]
fn every_time_is_soft_first_and_hard_when_its_grace_is_over() {
    let works = "trap '' TERM; while :; do :; done";
    let sleeps = "trap '' TERM; sleep 1000; sleep 1000";
    for (flag, time, script, word) in [
        ("--time", "300ms", sleeps, "wall_time"),
        ("--cpu-time", "300ms", works, "cpu_time"),
        ("--idle", "300ms", sleeps, "idle"),
    ] {
        let (ran, told) = report(&[flag, time, "--grace", "300ms", "--", "sh", "-c", script]);
        assert_eq!((ran.code, told["cause"].as_str()), (124, Some(word)), "{told:#}");
        assert_eq!((told["cause_detail"]["how"].as_str(), told["exit"]["signal"].as_i64()), (Some("hard"), Some(9)));
        let stops: Vec<&str> = told["evidence"]["timeline"]
            .as_array()
            .expect("a time line")
            .iter()
            .filter(|moment| moment["event"] == "stopping" && moment["cause"] == word)
            .map(|moment| moment["how"].as_str().expect("a word"))
            .collect();
        assert_eq!(stops, ["soft", "hard"], "{told:#}");
        assert!(ran.err.contains("SIGTERM did not end it within 300ms"), "{}", ran.err);
    }
}

#[test]
fn a_preserved_status_is_the_commands_own_as_with_timeout() {
    let catches = "trap 'exit 7' TERM; sleep 1000 & wait";
    let ran = run(&["--time", "300ms", "--preserve-status", "--", "sh", "-c", catches]);
    assert_eq!(ran.code, 7, "{ran:?}");
    let ran = run(&["--idle", "300ms", "--preserve-status", "--", "sleep", "1000"]);
    assert_eq!(ran.code, 143, "{ran:?}");
    let ran = run(&[
        "--cpu-time",
        "200ms",
        "--preserve-status",
        "--grace",
        "0",
        "--",
        "sh",
        "-c",
        "trap '' TERM; while :; do :; done",
    ]);
    assert_eq!(ran.code, 137, "{ran:?}");
    assert_eq!(run(&["--preserve-status", "--", "/no/such/program"]).code, 127);
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    for flag in ["--cpu-time", "--idle"] {
        let ran = run(&[flag, "0", "--", "true"]);
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
        assert!(ran.err.starts_with(&format!("ironcell: {flag} is \"0\"")), "{}", ran.err);
    }
}
