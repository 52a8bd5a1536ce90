//! The report beside the text that it becomes: what a reader of JSON relies on.

use super::*;
use crate::life::{Cause, Evidence, Exit, Happening, MemoryOf, Timeline, Usage};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::time::{Duration, UNIX_EPOCH};

fn times() -> Times {
    let started = UNIX_EPOCH + Duration::from_secs(1_772_323_199);
    Times { started, ended: started + Duration::from_millis(250) }
}

fn as_value(report: &Report) -> Value {
    serde_json::to_value(report).expect("json")
}

#[test]
fn a_job_that_ended_is_reported_with_what_was_in_force() {
    let spec = JobSpec::command("sh").arg("-c").arg("true").name("n").label("k", "v").build().expect("a job");
    let limit = |file: &str, value: &str, origin| Effective {
        file: file.to_owned(),
        value: value.to_owned(),
        field: "--x".to_owned(),
        origin,
    };
    let limits = vec![limit("memory.max", "67108864", Origin::Asked), limit("pids.max", "512", Origin::Default)];
    let (digest, walls) = ("abc".to_owned(), Walls::default());
    let started = Started { id: JobId::of(0, [7; 10]), digest, limits, walls, notes: Vec::new() };
    let mut timeline = Timeline::default();
    timeline.tell(Duration::from_millis(125), Happening::Oom { kills: 3 });
    let outcome = Outcome {
        exit: Exit::Signal { signal: 9, core: false },
        cause: Cause::Memory { of: MemoryOf::Own },
        usage: Usage { wall: Duration::from_millis(250), ..Usage::default() },
        evidence: Evidence { oom_kills: Some(1), timeline, ..Evidence::default() },
        leftovers: None,
        residue: Vec::new(),
    };
    let value = as_value(&Report::ended(&spec, Some(&started), &outcome, times(), 137));
    for (pointer, expected) in [
        ("/schema", json!(1)),
        ("/ironcell", json!(env!("CARGO_PKG_VERSION"))),
        ("/name", json!("n")),
        ("/labels/k", json!("v")),
        ("/command", json!(["sh", "-c", "true"])),
        ("/started", json!("2026-02-28T23:59:59.000Z")),
        ("/ended", json!("2026-02-28T23:59:59.250Z")),
        ("/exit_code", json!(137)),
        ("/exit", json!({"kind": "signal", "signal": 9, "core": false})),
        ("/cause", json!("memory")),
        ("/cause_detail", json!({"of": "own"})),
        ("/usage/wall", json!(0.25)),
        ("/usage/memory_peak", Value::Null),
        ("/evidence/oom_kills", json!(1)),
        ("/evidence/timeline", json!([{"at": 0.125, "event": "oom", "kills": 3}])),
        ("/evidence/stderr_tail", Value::Null),
        ("/leftovers", Value::Null),
        ("/residue", json!([])),
        ("/plan_digest", json!("abc")),
        ("/defaults", json!(["pids.max"])),
        ("/effective/0/value", json!("67108864")),
        ("/effective/1/origin", json!("default")),
    ] {
        assert_eq!(value.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(value.pointer("/command_hex"), None);
    assert_eq!(value["id"].as_str().map(str::len), Some(36));
}

#[test]
fn a_job_that_was_refused_is_reported_as_well() {
    let argv = [OsString::from("nope")];
    let report = Report::refused(&argv, "--memory is \"12Q\"", times(), 125);
    assert_eq!(
        as_value(&report),
        json!({
            "schema": 1,
            "ironcell": env!("CARGO_PKG_VERSION"),
            "name": null,
            "labels": {},
            "command": ["nope"],
            "started": "2026-02-28T23:59:59.000Z",
            "ended": "2026-02-28T23:59:59.250Z",
            "exit_code": 125,
            "exit": {"kind": "never_ran"},
            "cause": "start_failed",
            "cause_detail": {"message": "--memory is \"12Q\"", "refused": "cell"},
        })
    );
}

#[test]
fn bytes_that_are_no_text_are_reported_exactly() {
    let argv = [OsString::from("echo"), OsStr::from_bytes(b"a\xffb").to_owned()];
    let value = as_value(&Report::refused(&argv, "", times(), 125));
    assert_eq!(value["command"], json!(["echo", "a\u{fffd}b"]));
    assert_eq!(value["command_hex"], json!(["6563686f", "61ff62"]));
}

#[test]
fn a_report_is_text_that_ends_with_a_newline() {
    let text = Report::refused(&[OsString::from("a")], "m", times(), 125).text().expect("json");
    assert!(text.ends_with(b"}\n"));
    assert_eq!(serde_json::from_slice::<Value>(&text).expect("json")["schema"], json!(1));
}
