//! A real job: a fork bomb, held at its ceiling, and gone within two seconds after it was asked to go.

use integration::inside::Running;
use integration::limits::{cells, count, text};
use std::time::{Duration, Instant};

/// Says so once the ceiling is reached, and then goes on forking; SIGTERM does not reach its children.
const BOMB: &str = "exec python3 -c \"
import os
told = False
while True:
    try: os.fork()
    except OSError:
        if not told and os.getpid() == 2: print('ready', flush=True)
        told = True\"";

#[test]
fn a_fork_bomb_is_held_at_its_ceiling_and_gone_in_two_seconds() {
    let file = tempfile::NamedTempFile::new().expect("a file for the report");
    let bomb = Running::cell(&["--report", text(file.path()), "--pids", "64", "--grace", "0"], BOMB);
    let cells = cells();
    assert_eq!(cells.len(), 1, "one cell runs: {cells:?}");
    let current = std::fs::read_to_string(cells[0].join("pids.current")).expect("its processes");
    assert_eq!(current.trim(), "64", "all that it may have, and it cannot fork");

    let asked = Instant::now();
    Running::signal(bomb.pid(), 15);
    let (ran, before) = bomb.wait_only();
    let took = asked.elapsed();
    before.assert_nothing_left();
    assert!(took < Duration::from_secs(2), "it took {took:?} to go");
    assert_eq!(ran.code, 137, "{ran:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(file.path()).expect("a report")).expect("JSON");
    assert_eq!(report["cause"], "stopped");
    assert_eq!(count(&report, "/usage/pids_peak"), 64);
    assert!(count(&report, "/evidence/pids_max_events") > 0, "{report:#}");
}
