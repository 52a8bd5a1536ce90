//! Trees of files that wear out those who walk them: many files, deep directories, no inodes left.

use integration::attack::{attack, attack_to_the_end};
use integration::inside::{scratch, text};
use integration::limits::shell;
use std::time::Duration;

/// What a cell may need to be cleared away; the promise is five seconds for a million files, on a machine ten times as fast.
const CLEARED_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn many_files_in_tmp_go_at_once() {
    let (ran, report) = attack_to_the_end(&["--memory", "300M"], &["many", "/tmp", "50000"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "many ok 50000\n"), "{ran:?}");
    let wall = Duration::from_secs_f64(report["usage"]["wall"].as_f64().expect("a time"));
    assert!(ran.took < wall + CLEARED_WITHIN, "{:?} after the job's {wall:?}", ran.took);
}

#[test]
fn files_without_number_end_by_the_jobs_memory_and_not_the_hosts() {
    let (ran, report) = attack_to_the_end(&["--memory", "24M"], &["many", "/tmp", "1000000"]);
    let refused = ran.code == 0 && ran.out.contains("ENOSPC");
    assert!(refused || (ran.code == 137 && report["cause"] == "memory"), "{ran:?} {report:#}");
}

#[test]
fn a_tmpfs_that_is_full_of_names_is_full_for_its_job_alone() {
    // The kernel gives a tmpfs half as many inodes as pages; one of a size has one for each page.
    let answers = attack(&["--tmpfs", "/t:1M"], &["many", "/t", "100000"]);
    assert!(answers["many"].starts_with("ENOSPC"), "{answers:?}");
    assert_eq!(
        attack(&["--tmpfs", "/t:1M"], &["many", "/t", "100"])["many"],
        "ok 100",
        "the control: another has room"
    );
}

#[test]
fn directories_deeper_than_any_path_are_left_without_being_walked() {
    let answers = attack(&["--memory", "200M"], &["deep", "/tmp", "5000"]);
    assert_eq!(answers["deep"], "ok 5000");
    // Past PATH_MAX a path cannot be said: who removes by path fails there.
    let directory = scratch();
    let place = text(directory.path());
    let answers = attack(&["--rw", &format!("{place}:/out")], &["deep", "/out", "300"]);
    assert_eq!(answers["deep"], "ok 300");
    assert_eq!(
        shell(&format!("find {place} -type l -name loop | wc -l")),
        "300",
        "the control: it is the caller's now"
    );
    shell(&format!("rm -rf {place}/d*"));
}
