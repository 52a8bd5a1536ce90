//! `--cpuset`: the processors that the job may run on.

use integration::limits::effective;
use integration::support::{report, run};

/// What the kernel says of the job's processors: sched_getaffinity(2), by two ways.
const ASKS: &str = "import os; print(sorted(os.sched_getaffinity(0)))";

#[test]
fn the_job_sees_and_uses_the_processors_of_its_set_only() {
    for (set, seen) in [("0", "[0]\n"), ("1", "[1]\n"), ("0-1", "[0, 1]\n")] {
        let (ran, report) = report(&["--cpuset", set, "--", "python3", "-c", ASKS]);
        assert_eq!((ran.code, ran.out.as_str()), (0, seen), "{set}: {ran:?}");
        assert_eq!(effective(&report, "cpuset.cpus").as_deref(), Some(set));
    }
    assert_eq!(run(&["--cpuset", "1", "--", "nproc"]).out, "1\n");
    assert_ne!(run(&["--", "nproc"]).out, "1\n", "without a set there are more: else this shows nothing");
}

#[test]
fn the_job_cannot_leave_its_set() {
    let leave = "import os; os.sched_setaffinity(0, {0})";
    let ran = run(&["--cpuset", "1", "--", "python3", "-c", leave]);
    assert!(ran.code == 1 && ran.err.contains("Invalid argument"), "{ran:?}");
    let ran = run(&["--cpuset", "0-1", "--", "python3", "-c", leave]);
    assert_eq!(ran.code, 0, "inside of its set it may: {ran:?}");
}

#[test]
fn processors_that_are_not_there_are_refused() {
    for set in ["7", "0,7", "0-7"] {
        let ran = run(&["--cpuset", set, "--", "true"]);
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
        let told = format!("--cpuset {set} cannot be enforced: cells on this host may only use the processors 0-1");
        assert!(ran.err.contains(&told), "{}", ran.err);
    }
}
