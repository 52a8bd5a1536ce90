//! What the report calls in force is what the cell's cgroup has, seen from outside while the job runs.

use integration::inside::{Running, STAYS};
use integration::limits::{cells, disk, scratch, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The files of a cgroup, one of which has a line for each disk.
fn files(cgroup: &Path, names: &[&str]) -> BTreeMap<String, String> {
    let read = |name: &&str| {
        let text = std::fs::read_to_string(cgroup.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        ((*name).to_owned(), text.trim().to_owned())
    };
    names.iter().map(read).collect()
}

#[test]
fn every_limit_of_the_report_is_the_kernels() {
    let directory = scratch();
    let report = tempfile::NamedTempFile::new().expect("a file for the report");
    let rates = format!("{}:wbps=1M,riops=100", text(directory.path()));
    let expected: BTreeMap<String, String> = [
        ("cgroup.max.descendants", "0".to_owned()),
        ("memory.max", (64 << 20).to_string()),
        ("memory.high", (48 << 20).to_string()),
        ("memory.swap.max", (16 << 20).to_string()),
        ("memory.low", (8 << 20).to_string()),
        ("memory.oom.group", "1".to_owned()),
        ("cpu.max", "50000 100000".to_owned()),
        ("cpu.weight", "50".to_owned()),
        ("cpuset.cpus", "0".to_owned()),
        ("pids.max", "10".to_owned()),
        ("io.max", format!("{} rbps=max wbps=1048576 riops=100 wiops=max", disk("scratch").0)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let flags = ["--report", text(report.path()), "--memory", "64M", "--memory-high", "48M", "--swap", "16M"];
    let more = ["--cpus", "0.5", "--cpu-weight", "50", "--cpuset", "0", "--pids", "10", "--io-max", &rates];
    let running = Running::cell(&[&flags[..], &more, &["--cgroup", "memory.low=8M"]].concat(), STAYS);

    let cells = cells();
    assert_eq!(cells.len(), 1, "one cell runs: {cells:?}");
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    let seen = files(&cells[0], &names);
    let procs = files(&cells[0], &["cgroup.procs"]);
    assert_eq!(procs["cgroup.procs"].lines().count(), 2, "PID 1 and the shell are in it: {procs:?}");
    let ran = running.end();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(seen, expected);

    let report: Value = serde_json::from_slice(&std::fs::read(report.path()).expect("a report")).expect("JSON");
    let told = report["effective"].as_array().expect("limits in force");
    let member = |setting: &Value, name: &str| setting[name].as_str().expect("text").to_owned();
    let mut told: BTreeMap<String, String> =
        told.iter().map(|one| (member(one, "file"), member(one, "value"))).collect();
    // Not on every kernel.
    told.remove("memory.zswap.max");
    assert_eq!(told, expected);
    assert_eq!(report["defaults"], serde_json::json!([]));
}

#[test]
fn a_limit_holds_for_the_whole_cell_its_first_process_included() {
    let running = Running::cell(&["--pids", "10"], STAYS);
    let cells = cells();
    assert_eq!(cells.len(), 1, "one cell runs: {cells:?}");
    let procs = std::fs::read_to_string(cells[0].join("cgroup.procs")).expect("its processes");
    let mut inside: Vec<i32> = procs.lines().map(|pid| pid.parse().expect("a pid")).collect();
    inside.sort_unstable();
    let mut expected = vec![running.first(), running.leader()];
    expected.sort_unstable();
    assert_eq!(inside, expected);
    assert!(!inside.contains(&running.keeper()) && !inside.contains(&running.pid()), "ironcell itself is not limited");
    running.end();
}
