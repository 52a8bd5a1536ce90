//! `--cpu-weight`: two busy jobs on one processor share it by their weights.

use integration::inside::Running;
use integration::limits::{cpu_seconds, effective};
use serde_json::Value;

/// Waits for the word, then is busy for two seconds.
const BUSY: &str = "echo ready; read line; exec timeout 2 sh -c 'while :; do :; done'";

/// Two jobs of these weights at once on processor 0; their reports.
fn contend(weights: [&str; 2]) -> [Value; 2] {
    let directory = tempfile::tempdir().expect("a directory for the reports");
    let paths = [0, 1].map(|index| directory.path().join(index.to_string()));
    let job = |index: usize| {
        let path = integration::limits::text(&paths[index]);
        Running::cell(&["--report", path, "--cpuset", "0", "--cpu-weight", weights[index]], BUSY)
    };
    // The one that was started last has seen the other's cgroups, and so must end first.
    let (mut first, mut second) = (job(0), job(1));
    first.tell("go");
    second.tell("go");
    let (second, before_second) = second.wait_only();
    let (first, before_first) = first.wait_only();
    assert_eq!((first.code, second.code), (124, 124), "timeout(1) ends both: {first:?} {second:?}");
    before_first.assert_nothing_left();
    before_second.assert_nothing_left();
    paths.map(|path| serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON"))
}

#[test]
fn a_weight_of_three_hundred_gets_three_times_as_much_as_one_of_a_hundred() {
    // Weights count among siblings. Where systemd gives each run a scope of its own, the scopes are the siblings (README).
    if integration::support::lane() == "systemd" {
        return;
    }
    let [small, large] = contend(["100", "300"]);
    assert_eq!(effective(&large, "cpu.weight").as_deref(), Some("300"));
    let ratio = cpu_seconds(&large) / cpu_seconds(&small);
    assert!((2.0..4.5).contains(&ratio), "{ratio} is not 3: {small:#} {large:#}");
}

#[test]
fn equal_weights_get_equal_shares() {
    let [one, other] = contend(["100", "100"]);
    let ratio = cpu_seconds(&one) / cpu_seconds(&other);
    assert!((0.6..1.6).contains(&ratio), "{ratio} is not 1: {one:#} {other:#}");
}
