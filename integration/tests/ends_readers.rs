//! Who reads what is told of a job has no say in its end: neither a reader that reads nothing, nor a signal while a report
//! waits for one.

use integration::support::{Host, RUN_WITHIN, ironcell};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until there is no cgroup beyond those of before.
fn cells_gone(before: &Host) {
    let until = Instant::now() + RUN_WITHIN;
    while !Host::now().cgroups.is_subset(&before.cgroups) {
        assert!(Instant::now() < until, "the cell is still there: {:?}", Host::now().cgroups);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts")
}

#[test]
fn a_job_that_fills_the_pipe_of_its_own_events_is_stopped_in_time() {
    let before = Host::now();
    let script =
        "trap '' TERM; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done";
    let mut child = start(ironcell(&["run", "--time", "1", "--grace", "0", "--events", "-", "--", "sh", "-c", script]));
    // The cell comes, and goes while nobody has read a byte.
    let until = Instant::now() + RUN_WITHIN;
    while Host::now().cgroups.is_subset(&before.cgroups) && Instant::now() < until {}
    cells_gone(&before);
    let mut told = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut told).expect("read");
    assert_eq!(child.wait().expect("waited for").code(), Some(124));
    let told = String::from_utf8_lossy(&told);
    assert!(
        told.lines().last().is_some_and(|line| line.contains(r#""cause":"wall_time""#)),
        "the last line is the end"
    );
    before.assert_nothing_left();
}

#[test]
fn a_signal_ends_ironcell_while_its_report_waits_for_a_reader() {
    let before = Host::now();
    let script = "head -c 1000000 /dev/zero; exit 0";
    // The command ends by SIGPIPE or by its time: what counts is that the report after it has no room.
    let mut child = start(ironcell(&["run", "--time", "1", "--grace", "0", "--report", "-", "--", "sh", "-c", script]));
    let until = Instant::now() + RUN_WITHIN;
    while Host::now().cgroups.is_subset(&before.cgroups) && Instant::now() < until {}
    cells_gone(&before);
    let ended = Instant::now() + RUN_WITHIN;
    loop {
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        if let Some(status) = child.try_wait().expect("asked") {
            assert!(!status.success(), "it was ended: {status}");
            break;
        }
        assert!(Instant::now() < ended, "SIGTERM does not end it");
        std::thread::sleep(Duration::from_millis(50));
    }
    before.assert_nothing_left();
}
