//! `--pids`: a fork bomb has a ceiling, and its end.

use integration::limits::{count, effective};
use integration::support::{report, run};
use std::time::Duration;

/// Every process forks for ever and none of them gives up.
const BOMB: &str = "
import os
while True:
    try: os.fork()
    except OSError: pass";

/// The promise is two seconds; the machine is emulated and may be shared.
const CLEARED_WITHIN: Duration = Duration::from_secs(4);

#[test]
fn a_fork_bomb_stays_at_its_ceiling_and_goes() {
    for ceiling in [32, 64] {
        let (text, time) = (ceiling.to_string(), Duration::from_secs(1));
        let (ran, report) = report(&["--pids", &text, "--time", "1", "--grace", "0", "--", "python3", "-c", BOMB]);
        assert_eq!((ran.code, report["cause"].as_str()), (124, Some("wall_time")), "{ran:?}");
        assert_eq!(count(&report, "/usage/pids_peak"), ceiling, "{report:#}");
        assert!(count(&report, "/evidence/pids_max_events") > 0, "{report:#}");
        assert_eq!(report["residue"], serde_json::json!([]));
        assert!(ran.err.contains(&format!("refused at pids.max {ceiling}; raise --pids")), "{}", ran.err);
        assert!(ran.took < time + CLEARED_WITHIN, "it took {:?}", ran.took);
    }
}

#[test]
fn the_cells_own_first_process_counts() {
    let two = "(sleep 0) && echo forked";
    let (ran, report) = report(&["--pids", "2", "--", "sh", "-c", two]);
    assert!(ran.code != 0 && ran.out.is_empty(), "there is no room for a third: {ran:?}");
    assert_eq!(effective(&report, "pids.max").as_deref(), Some("2"));
    assert!(ran.err.contains("1 fork refused at pids.max 2; raise --pids"), "{}", ran.err);
    assert_eq!(run(&["--pids", "3", "--", "sh", "-c", two]).out, "forked\n");
}

#[test]
fn a_ceiling_that_no_cell_fits_under_is_refused() {
    for pids in ["0", "1"] {
        let ran = run(&["--pids", pids, "--", "true"]);
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
        assert!(ran.err.contains("--pids"), "{}", ran.err);
    }
}
