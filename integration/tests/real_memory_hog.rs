//! A real job: stress-ng takes more memory than it may, and the end says so.

use integration::limits::{MIB, count};
use integration::support::report;

#[test]
fn stress_ng_past_its_memory_ends_with_cause_memory_and_the_peak() {
    let hog = ["stress-ng", "--temp-path", "/tmp", "--vm", "1", "--vm-bytes", "200M", "--vm-keep", "--oomable"];
    let (ran, report) = report(&[&["--memory", "64M", "--time", "60", "--"], &hog[..], &["-t", "50"]].concat());
    assert_eq!((ran.code, report["cause"].as_str()), (137, Some("memory")), "{ran:?}");
    assert_eq!(report["cause_detail"]["of"], "own");
    let peak = count(&report, "/usage/memory_peak");
    assert!((60 * MIB..=64 * MIB).contains(&peak), "{report:#}");
    assert!(ran.err.contains("killed: memory.max 64 MiB reached (peak 64.0 MiB, "), "{}", ran.err);
}
