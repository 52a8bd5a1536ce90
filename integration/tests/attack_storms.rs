//! Storms of calls that never compute count as the processor's time that they are, and nothing takes precedence.

use integration::attack::{attack_outside, attack_to_the_end};
use integration::limits::{cpu_seconds, number};

/// `--cpus`, and the share that is seen as held: the machine is emulated and counts by its clock's ticks.
const CPUS: &str = "0.2";
const HELD: f64 = 0.32;

/// The share of a processor that a storm of this kind got.
fn share(flags: &[&str], kind: &str) -> f64 {
    let (ran, report) = attack_to_the_end(flags, &["storm", kind]);
    assert_eq!(ran.code, 0, "{ran:?}");
    cpu_seconds(&report) / number(&report, "/usage/wall")
}

#[test]
fn yields_and_short_sleeps_and_clock_reads_are_held_as_any_work() {
    for kind in ["yield", "sleep", "clock"] {
        let held = share(&["--cpus", CPUS], kind);
        assert!(held < HELD, "{kind}: {held} of a processor");
    }
    let free = share(&[], "yield");
    assert!(free > 0.6, "the control: without a limit it takes what it can: {free}");
}

#[test]
fn no_schedule_before_others_can_be_taken() {
    for user in ["1000", "0"] {
        let answers = integration::attack::attack(&["--user", user], &["raise"]);
        for call in ["fifo", "nice", "realtime"] {
            assert!(["EPERM", "EACCES"].contains(&answers[call].as_str()), "user {user}: {call}: {answers:?}");
        }
    }
    assert!(attack_outside(&["raise"])["fifo"].starts_with("ok"), "the control");
}
