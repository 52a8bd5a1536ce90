//! `--swap`: a memory limit does not leak into swap unless it was asked to.

use integration::limits::{MIB, count, effective};
use integration::support::report;

/// 60 MiB of what no kernel finds to be zero: those pages would take no swap.
const FILLS: &str = "import os; x = bytearray(os.urandom(1 << 20)) * 60; print('lived')";

#[test]
fn without_it_nothing_goes_to_swap_and_with_it_as_much_as_asked_for() {
    let swaps = std::fs::read_to_string("/proc/swaps").expect("/proc/swaps");
    assert!(swaps.lines().count() > 1, "without swap on the host this shows nothing: {swaps}");
    let fills = ["--", "python3", "-c", FILLS];

    let (ran, none) = report(&[&["--memory", "32M"][..], &fills].concat());
    assert_eq!((ran.code, none["cause"].as_str()), (137, Some("memory")), "{ran:?}");
    assert_eq!(effective(&none, "memory.swap.max").as_deref(), Some("0"));
    assert_eq!(count(&none, "/usage/io/write_bytes"), 0, "nothing was written to any disk, swap included");

    let (ran, some) = report(&[&["--memory", "32M", "--swap", "100M"][..], &fills].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "lived\n"), "{ran:?}");
    assert_eq!(effective(&some, "memory.swap.max"), Some((100 * MIB).to_string()));
    assert!(count(&some, "/usage/memory_peak") <= 32 * MIB, "{some:#}");
    assert!(count(&some, "/usage/io/write_bytes") > 24 * MIB, "at least what did not fit: {some:#}");

    let (ran, little) = report(&[&["--memory", "32M", "--swap", "8M"][..], &fills].concat());
    assert_eq!((ran.code, little["cause"].as_str()), (137, Some("memory")), "8 MiB are not enough: {ran:?}");
}
