//! `--memory`: past `memory.max` the job is killed as a whole, the report says so, and every job has a limit.

use integration::limits::{MIB, count, effective};
use integration::support::{report, run};

/// Touches 200 MiB, then says so.
const HOG: &str = "x = bytearray(200 << 20); print('lived')";

#[test]
fn a_hog_is_killed_at_its_limit_and_the_end_is_explained() {
    let (ran, report) = report(&["--memory", "64M", "--", "python3", "-c", HOG]);
    assert_eq!((ran.code, ran.out.as_str()), (137, ""), "{ran:?}");
    assert_eq!(report["cause"], "memory");
    assert_eq!(report["cause_detail"]["of"], "own");
    assert_eq!(report["exit"]["signal"], 9);
    let peak = count(&report, "/usage/memory_peak");
    assert!((60 * MIB..=64 * MIB).contains(&peak), "the peak is the limit, not {peak}");
    assert!(count(&report, "/evidence/oom_kills") > 0 && count(&report, "/evidence/oom_events") > 0, "{report:#}");
    assert_eq!(count(&report, "/evidence/memory_max"), 64 * MIB);
    let footer = "ironcell: killed: memory.max 64 MiB reached (peak 64.0 MiB, ";
    assert!(ran.err.starts_with(footer) && ran.err.trim_end().ends_with("; raise --memory"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn the_same_hog_lives_where_there_is_room() {
    let (ran, report) = report(&["--memory", "300M", "--", "python3", "-c", HOG]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "lived\n", ""));
    assert!(count(&report, "/usage/memory_peak") > 200 * MIB, "{report:#}");
    assert_eq!(count(&report, "/evidence/oom_kills"), 0);
}

#[test]
fn out_of_memory_ends_the_whole_job_and_not_one_process_of_it() {
    let script = format!("python3 -c \"{HOG}\"; echo went on");
    let (ran, report) = report(&["--memory", "64M", "--", "sh", "-c", &script]);
    assert_eq!((ran.code, ran.out.as_str()), (137, ""), "{ran:?}");
    assert_eq!(
        (report["cause"].as_str(), effective(&report, "memory.oom.group").as_deref()),
        (Some("memory"), Some("1"))
    );
}

#[test]
fn files_in_the_cells_own_tmp_count_as_its_memory() {
    // Its own tmpfs holds as much as the limit, so it is the limit that is met, not a full file system.
    let fill = ["--", "dd", "if=/dev/zero", "of=/tmp/x", "bs=1M", "count=100"];
    let (ran, held) = report(&[&["--memory", "48M"][..], &fill].concat());
    assert_eq!((ran.code, held["cause"].as_str()), (137, Some("memory")), "{ran:?}");
    let (ran, free) = report(&[&["--memory", "200M"][..], &fill].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(count(&free, "/usage/memory_peak") > 100 * MIB, "{free:#}");
}

#[test]
fn a_job_that_asks_for_nothing_has_limits_of_memory_and_of_processes() {
    let (ran, report) = report(&["--", "true"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["defaults"], serde_json::json!(["memory.max", "pids.max"]));
    let in_force: u64 = effective(&report, "memory.max").expect("a limit").parse().expect("a number");
    let three_quarters = total_memory() / 4 * 3;
    assert!(in_force.abs_diff(three_quarters) <= 8192, "{in_force} of {three_quarters}");
    assert_eq!(effective(&report, "pids.max").as_deref(), Some("1024"));
    assert_eq!(effective(&report, "memory.swap.max").as_deref(), Some("0"));
}

#[test]
fn a_percentage_is_of_the_hosts_memory_and_max_is_no_limit() {
    let (_, half) = report(&["--memory", "50%", "--", "true"]);
    let in_force: u64 = effective(&half, "memory.max").expect("a limit").parse().expect("a number");
    assert!(in_force.abs_diff(total_memory() / 2) <= 8192, "{in_force} of {}", total_memory());
    assert_eq!(half["defaults"], serde_json::json!(["pids.max"]), "what was asked for is no default");
    let (_, max) = report(&["--memory", "max", "--", "true"]);
    assert_eq!(effective(&max, "memory.max").as_deref(), Some("max"));
}

#[test]
fn less_than_a_cell_needs_is_refused() {
    let ran = run(&["--memory", "512K", "--", "true"]);
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
    assert!(ran.err.contains("--memory") && ran.err.contains("a cell cannot start in less than 1 MiB"), "{}", ran.err);
}

/// The host's memory as /proc/meminfo has it.
fn total_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).expect("MemTotal");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}
