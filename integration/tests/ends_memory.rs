//! A death for want of memory is told with whose it was that was short: the job's own, a cgroup's above it, the host's.

use integration::inside::Running;
use integration::limits::{MIB, cells, count};
use integration::support::report;
use serde_json::Value;
use std::fs;

/// Cause and detail of a report.
fn why(told: &Value) -> (&str, &Value) {
    (told["cause"].as_str().expect("a word"), &told["cause_detail"])
}

#[test]
fn memory_of_its_own_is_told_with_limit_peak_and_the_process_that_was_chosen() {
    let script = "sleep 1000 & exec dd if=/dev/zero of=/dev/null bs=64M";
    let (ran, told) = report(&["--memory", "32M", "--", "sh", "-c", script]);
    assert_eq!((ran.code, why(&told)), (137, ("memory", &serde_json::json!({"of": "own"}))), "{told:#}");
    let peak = count(&told, "/evidence/limit/peak");
    assert_eq!(
        (&told["evidence"]["limit"]["name"], count(&told, "/evidence/limit/value")),
        (&"memory.max".into(), 32 * MIB)
    );
    assert!((31 * MIB..=32 * MIB).contains(&peak), "{peak}");
    assert_eq!(told["evidence"]["biggest"]["comm"], "dd", "{told:#}");
    assert!(count(&told, "/evidence/biggest/rss") > 28 * MIB, "{told:#}");
    assert!(ran.err.contains("OOM kill") && ran.err.contains(": dd); raise --memory"), "{}", ran.err);
    let moments = told["evidence"]["timeline"].as_array().expect("a time line");
    let mut events: Vec<&str> = moments.iter().map(|moment| moment["event"].as_str().expect("a word")).collect();
    // The kernel kills one after the other, and may be seen at it, before the leader's end and after.
    events.dedup();
    assert_eq!((&events[..3], events.contains(&"ended")), (&["created", "started", "oom"][..], true), "{told:#}");
}

#[test]
fn memory_of_a_cgroup_above_is_told_as_an_ancestors() {
    let mut cell =
        Running::cell(&["--memory", "200M"], "echo ready; read line; exec dd if=/dev/zero of=/dev/null bs=64M");
    let above = cells()[0].parent().expect("the place for cells").join("memory.max");
    // It goes with the place, as soon as no cell is in it.
    fs::write(above, "32M").expect("a limit");
    cell.tell("go");
    let ran = cell.wait();
    assert_eq!(ran.code, 137, "{ran:?}");
    assert!(
        ran.err.starts_with("ironcell: killed: memory ran out above the job, in a parent cgroup (peak "),
        "{ran:?}"
    );
}

#[test]
fn memory_of_the_host_is_told_as_the_hosts() {
    // More than is free, less than there is: the kernel refuses a process that asks for more than all of it.
    let total = fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let total: u64 =
        total.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).expect("MemTotal");
    let size = format!("bs={}M", total / 1024 * 99 / 100);
    let (ran, told) = report(&["--memory", "max", "--", "dd", "if=/dev/zero", "of=/dev/null", &size, "count=1"]);
    assert_eq!((ran.code, why(&told)), (137, ("memory", &serde_json::json!({"of": "host"}))), "{told:#}");
    assert_eq!((told["evidence"]["limit"].clone(), count(&told, "/evidence/oom_events")), (Value::Null, 0));
    assert!(ran.err.starts_with("ironcell: killed: memory ran out on the host (peak "), "{ran:?}");
}
