//! Who is still alive when the leader has ended is named, with its age, and gone; and who holds the output does not hold up
//! the end.

use integration::limits::{count, number};
use integration::support::{report, run};
use serde_json::Value;
use std::time::Duration;

/// The promise for the end of the output is two seconds; the machine is emulated.
const ENDS_WITHIN: Duration = Duration::from_secs(4);

/// The names of those that were left.
fn names(told: &Value) -> Vec<&str> {
    let named = told["leftovers"]["named"].as_array().unwrap_or_else(|| panic!("not known: {told:#}"));
    named.iter().map(|one| one["comm"].as_str().expect("a name")).collect()
}

#[test]
fn who_daemonises_or_forks_twice_or_ignores_sigterm_is_named_and_gone() {
    // run() and report() fail the test when a process is left.
    for script in [
        "sleep 1000 & sleep 0.3; exit 3",
        "(setsid sleep 1000 &); sleep 0.3; exit 3",
        "(setsid sh -c '(exec sleep 1000 <&- >&- 2>&-) &' &); sleep 0.3; exit 3",
        "(trap '' TERM HUP INT; sleep 1000) & sleep 0.3; exit 3",
        "sleep 1000 & sleep 0.3; kill -STOP $!; exit 3",
    ] {
        let (ran, told) = report(&["--", "sh", "-c", script]);
        assert_eq!((ran.code, told["cause"].as_str()), (3, Some("itself")), "{script}: {told:#}");
        assert!(names(&told).contains(&"sleep"), "{script}: {told:#}");
        assert_eq!(count(&told, "/leftovers/count") as usize, names(&told).len(), "{told:#}");
        let age = number(&told, "/leftovers/named/0/age");
        assert!((0.1..5.0).contains(&age), "{script}: {told:#}");
        // PID 1 and the leader have the first two numbers.
        assert!(count(&told, "/leftovers/named/0/pid") > 2, "{told:#}");
        assert!(ran.took < ENDS_WITHIN && ran.err.is_empty(), "{script}: {ran:?}");
    }
}

#[test]
fn who_holds_the_output_open_is_named_and_its_end_is_the_outputs() {
    let (ran, told) = report(&["--", "sh", "-c", "echo before; sleep 1000 & sleep 0.4; exit 0"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "before\n"), "{ran:?}");
    assert_eq!(names(&told), ["sleep"], "{told:#}");
    // The reader of the output saw its end, so the one who held it is gone.
    assert!(ran.took < ENDS_WITHIN, "{ran:?}");
}

#[test]
fn more_than_can_be_named_are_counted() {
    let script = "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; sleep 0.5; exit 0";
    let (_, told) = report(&["--", "sh", "-c", script]);
    assert_eq!((count(&told, "/leftovers/count"), names(&told).len()), (40, 32), "{told:#}");
}

#[test]
fn a_job_that_cleans_up_leaves_nobody_and_one_that_was_killed_as_a_whole_is_not_known() {
    let (_, told) = report(&["--", "sh", "-c", "sleep 0.1 & wait"]);
    assert_eq!(told["leftovers"], serde_json::json!({"count": 0, "named": []}));
    let flags = ["--time", "200ms", "--grace", "100ms", "--", "sh", "-c", "trap '' TERM; sleep 1000; sleep 1000"];
    assert_eq!(report(&flags).1["leftovers"], Value::Null);
}

#[test]
fn the_footer_of_a_stopped_job_names_who_outlived_its_leader() {
    let script = "(trap '' TERM; sleep 1000) & trap 'exit 0' TERM; sleep 1000 & wait";
    let ran = run(&["--time", "500ms", "--", "sh", "-c", script]);
    assert_eq!(ran.code, 124, "{ran:?}");
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(lines.len() == 2 && lines[1].starts_with("ironcell: still alive at its end, and killed: "), "{ran:?}");
    assert!(lines[1].contains("sleep (pid "), "{ran:?}");
}

#[test]
fn a_name_that_would_move_the_terminals_cursor_is_shown_and_does_not() {
    let script = "import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    libc.prctl(15, b'\\x1b[2Jclear')
    os.write(1, b'x')
    time.sleep(1000)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
time.sleep(1000)";
    let (ran, told) = report(&["--time", "4", "--", "python3", "-c", script]);
    assert_eq!(names(&told), ["\u{1b}[2Jclear"], "{told:#}");
    assert!(ran.err.contains(r"\u{1b}[2Jclear") && !ran.err.contains('\u{1b}'), "{ran:?}");
}
