//! `--cpus`: the share of a processor that a busy job gets, by the kernel's own count.

use integration::limits::{count, cpu_seconds, effective, number};
use integration::support::{report, run};

/// Burns one processor for `time`, under these limits. Gives the share of it that it got, and the report.
fn share(limits: &[&str], time: &str) -> (f64, serde_json::Value) {
    let rest = ["--time", time, "--grace", "0", "--", "sh", "-c", "while :; do :; done"];
    let (ran, report) = report(&[limits, &rest].concat());
    assert_eq!(ran.code, 124, "{ran:?}");
    (cpu_seconds(&report) / number(&report, "/usage/wall"), report)
}

#[test]
fn half_a_processor_is_half_of_the_time() {
    let (share, report) = share(&["--cpus", "0.5"], "2");
    assert_eq!(effective(&report, "cpu.max").as_deref(), Some("50000 100000"));
    assert!((0.40..0.62).contains(&share), "{share} of a processor: {report:#}");
    let periods = count(&report, "/usage/cpu_throttled_periods");
    assert!(periods >= 10, "held back in {periods} of some 20 periods");
    assert!(number(&report, "/usage/cpu_throttled") > 0.5, "{report:#}");
}

#[test]
fn a_fifth_as_a_percentage_is_a_fifth_of_the_time() {
    let (share, report) = share(&["--cpus", "20%"], "3");
    assert_eq!(effective(&report, "cpu.max").as_deref(), Some("20000 100000"));
    assert!((0.14..0.30).contains(&share), "{share} of a processor: {report:#}");
}

#[test]
fn without_a_limit_nothing_is_held_back() {
    let (share, report) = share(&[], "1");
    assert_eq!(effective(&report, "cpu.max"), None);
    assert!(share > 0.75, "{share} of a processor: {report:#}");
    assert_eq!(count(&report, "/usage/cpu_throttled_periods"), 0);
}

#[test]
fn less_than_the_kernel_can_share_out_is_refused() {
    let ran = run(&["--cpus", "0.001", "--", "true"]);
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
    assert!(ran.err.contains("--cpus") && ran.err.contains("0.01"), "{}", ran.err);
}
