//! `--memory-high`: past `memory.high` the job is slowed down and never killed.

use integration::limits::{MIB, count, effective, number};
use integration::support::{report, run};

/// Takes 64 MiB, one by one; as fast as it may.
const GROWS: &str = "x = [b'a' * (1 << 20) for i in range(64)]; print('done')";

#[test]
fn past_it_the_job_is_held_back_and_not_killed() {
    let grows = ["--", "python3", "-c", GROWS];
    let (ran, held) = report(&[&["--memory-high", "32M", "--time", "2", "--grace", "0"][..], &grows].concat());
    assert_eq!((ran.code, ran.out.as_str(), held["cause"].as_str()), (124, "", Some("wall_time")), "{ran:?}");
    assert_eq!(effective(&held, "memory.high"), Some((32 * MIB).to_string()));
    let peak = count(&held, "/usage/memory_peak");
    assert!((32 * MIB..48 * MIB).contains(&peak), "held near 32 MiB, not at {peak}");
    let waited = number(&held, "/usage/memory_pressure/some");
    assert!(waited > 0.5, "of two seconds it waited {waited} for memory");
    assert_eq!(count(&held, "/evidence/oom_kills"), 0, "{held:#}");
    assert!(count(&held, "/evidence/memory_high_events") > 0, "{held:#}");
    assert!(ran.err.contains("at memory.high; raise --memory-high"), "{}", ran.err);

    let (ran, free) = report(&grows);
    assert_eq!((ran.code, ran.out.as_str()), (0, "done\n"), "{ran:?}");
    assert_eq!(count(&free, "/evidence/memory_high_events"), 0, "{free:#}");
    assert!(number(&free, "/usage/memory_pressure/some") < waited / 2.0, "{free:#}");
}

#[test]
fn one_that_could_never_be_reached_is_refused() {
    let ran = run(&["--memory", "64M", "--memory-high", "65M", "--", "true"]);
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
    assert!(ran.err.contains("--memory-high") && ran.err.contains("never be reached"), "{}", ran.err);
}
