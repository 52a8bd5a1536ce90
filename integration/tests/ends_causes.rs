//! Every cause is made to happen once and told with its evidence: forks that were refused, filters, core dumps, commands that
//! cannot be executed. (Memory is in `ends_memory`, times in `ends_times`, codes and signals in `ends_random`.)

use integration::inside::{scratch, text};
use integration::limits::count;
use integration::support::{lane, report, run};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn a_job_that_fails_since_forks_were_refused_was_starved() {
    let script = "sleep 1 & sleep 1 & sleep 1 & wait";
    let (ran, told) = report(&["--pids", "3", "--", "sh", "-c", script]);
    assert!(ran.code != 0 && told["exit"]["kind"] == "code", "{told:#}");
    assert_eq!((told["cause"].as_str(), told.get("cause_detail")), (Some("pids"), None), "{told:#}");
    assert_eq!(
        told["evidence"]["limit"],
        serde_json::json!({"name": "pids.max", "value": 3, "peak": told["usage"]["pids_peak"]})
    );
    assert!(
        ran.err.contains("forks refused at pids.max 3; raise --pids") || ran.err.contains("1 fork refused"),
        "{}",
        ran.err
    );
    let (ran, told) = report(&["--pids", "3", "--", "sh", "-c", "(sleep 1 & sleep 1 & sleep 1 & wait); exit 0"]);
    assert_eq!((ran.code, told["cause"].as_str()), (0, Some("itself")), "who copes with it does not fail: {told:#}");
}

#[test]
fn sigsys_is_told_as_a_filters() {
    let (ran, told) = report(&["--", "sh", "-c", "kill -SYS $$; sleep 5"]);
    assert_eq!((ran.code, told["cause"].as_str(), told["exit"]["signal"].as_i64()), (159, Some("seccomp"), Some(31)));
    assert!(ran.err.starts_with("ironcell: killed: SIGSYS, "), "{}", ran.err);
    let directory = scratch();
    let rules = directory.path().join("rules");
    let kill = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#;
    fs::write(&rules, kill).expect("written");
    let (ran, told) = report(&["--seccomp", text(&rules), "--", "mkdir", "/tmp/x"]);
    assert_eq!((ran.code, told["cause"].as_str()), (159, Some("seccomp")), "{told:#}");
    assert_eq!(run(&["--seccomp", text(&rules), "--", "true"]).code, 0);
}

#[test]
fn a_core_dump_is_told_and_its_absence_as_well() {
    let pattern = "/proc/sys/kernel/core_pattern";
    let before = fs::read_to_string(pattern).expect("the pattern of core files");
    fs::write(pattern, "core").expect("it can be written");
    for (limit, dumped) in [("core=unlimited", true), ("core=0", false)] {
        let flags =
            ["--rlimit", limit, "--tmpfs", "/dump", "--cwd", "/dump", "--", "sh", "-c", "kill -SEGV $$; sleep 5"];
        let (ran, told) = report(&flags);
        let expected = serde_json::json!({"kind": "signal", "signal": 11, "core": dumped});
        assert_eq!((ran.code, &told["exit"]), (139, &expected), "{limit}: {told:#}");
        assert_eq!(ran.err.contains("SIGSEGV (core dumped)"), dumped, "{}", ran.err);
    }
    fs::write(pattern, before.trim_end()).expect("it is as it was");
}

#[test]
fn what_cannot_be_executed_is_told_with_the_reason() {
    let directory = scratch();
    let make = |name: &str, bytes: &[u8], mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("its mode is set");
    };
    make("plain", b"#!/bin/sh\n", 0o644);
    make("words", b"neither a program nor a script\n", 0o755);
    make("orphan", b"#!/no/such/interpreter\n", 0o755);
    let bind = format!("{}:/d", text(directory.path()));
    for (program, code, refused, errno) in [
        ("no-such-program", 127, "not_found", libc::ENOENT),
        ("/d/none", 127, "not_found", libc::ENOENT),
        ("/d/plain", 126, "not_executable", libc::EACCES),
        ("/d/words", 126, "not_executable", libc::ENOEXEC),
        ("/d/orphan", 126, "not_executable", libc::ENOENT),
        ("/d", 126, "not_executable", libc::EACCES),
    ] {
        let (ran, told) = report(&["--ro", &bind, "--", program]);
        let detail = &told["cause_detail"];
        assert_eq!((ran.code, told["cause"].as_str()), (code, Some("start_failed")), "{program}: {told:#}");
        assert_eq!(
            (detail["refused"].as_str(), detail["errno"].as_i64()),
            (Some(refused), Some(errno.into())),
            "{told:#}"
        );
        assert_eq!((&told["exit"]["kind"], ran.err.lines().count()), (&"never_ran".into(), 1), "{ran:?}");
    }
}

#[test]
fn being_held_back_is_noted_with_who_held_it() {
    let busy = "i=0; while [ $i -lt 8000 ]; do i=$((i+1)); done";
    let (_, told) = report(&["--cpus", "0.2", "--", "sh", "-c", busy]);
    let throttled = |told: &Value| -> Vec<String> {
        let moments = told["evidence"]["timeline"].as_array().expect("a time line").clone();
        moments.iter().filter(|moment| moment["event"] == "throttled").map(|moment| moment["by"].to_string()).collect()
    };
    assert_eq!(throttled(&told), ["\"cpu.max\""], "{told:#}");
    assert!(count(&told, "/usage/cpu_throttled_periods") > 0, "{told:#}");
    let (_, told) = report(&["--memory-high", "8M", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=12M", "count=1"]);
    assert_eq!(throttled(&told), ["\"memory.high\""], "{told:#}");
}

#[test]
fn nothing_of_all_that_is_told_of_a_success() {
    let (ran, told) = report(&["--memory", "64M", "--", "true"]);
    assert_eq!((ran.code, ran.err.as_str(), told["cause"].as_str()), (0, "", Some("itself")));
    assert_eq!((&told["evidence"]["limit"], &told["evidence"]["biggest"]), (&Value::Null, &Value::Null));
    assert_eq!(told["leftovers"], serde_json::json!({"count": 0, "named": []}));
    // One that is not there is not in the kernel's log either.
    assert!(Path::new("/dev/kmsg").exists() || lane().is_empty());
    assert_eq!(run(&["--", "true"]).err, "");
}
