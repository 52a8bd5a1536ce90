//! Memory of every kind that the kernel gives counts: whatever a job takes, it is the job that is refused or killed.

use integration::attack::attack_to_the_end;
use integration::limits::{MIB, count};
use serde_json::Value;

/// What the job may have, and what it tries to take; the control may have all of it.
const LIMIT: u64 = 24;
const WANTED: &str = "64";
const ROOM: &str = "256M";

/// How the job with the limit ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Killed by the kernel, or refused in time.
    Held,
    /// Another bound comes first: it is refused, limit or no limit.
    Bounded,
}
use End::{Bounded, Held};

fn eat(kind: &str, limit: &str) -> (String, i32, Value) {
    let flags = ["--memory", limit, "--pids", "max", "--profile", "build", "--rlimit", "nofile=20000"];
    let (ran, report) = attack_to_the_end(&flags, &["eat", kind, WANTED]);
    (ran.out, ran.code, report)
}

fn is_held(kind: &str, end: End) {
    let limit = format!("{LIMIT}M");
    let (out, code, report) = eat(kind, &limit);
    let peak = count(&report, "/usage/memory_peak");
    assert!(peak <= LIMIT * MIB, "{kind}: {peak} bytes");
    let killed = code == 137 && report["cause"] == "memory";
    let refused = code == 0 && !out.contains(" ok ") && report["cause"] == "itself";
    assert!(if end == Held { killed || refused } else { refused }, "{kind}: {code} {out:?} {report:#}");
    assert_eq!(report["residue"], serde_json::json!([]), "{kind}");
    if end == Held {
        let (out, code, report) = eat(kind, ROOM);
        assert_eq!((code, out.contains(" ok ")), (0, true), "the control: {kind} with room: {out:?} {report:#}");
        let peak = count(&report, "/usage/memory_peak");
        assert!(peak > LIMIT * MIB, "the control: {kind} is counted: {peak} bytes");
    }
}

#[test]
fn pages_of_a_process_are_held() {
    ["heap", "mapped", "shared"].iter().for_each(|kind| is_held(kind, Held));
}

#[test]
fn files_that_lie_in_memory_are_held() {
    ["memfd", "tmp", "shm", "files"].iter().for_each(|kind| is_held(kind, Held));
}

#[test]
fn shared_memory_of_system_v_is_held() {
    is_held("sysv", Held);
}

#[test]
fn what_waits_in_pipes_and_sockets_is_held() {
    ["sockets", "pipes"].iter().for_each(|kind| is_held(kind, Held));
}

#[test]
fn page_tables_and_the_kernels_stacks_are_held() {
    ["tables", "threads"].iter().for_each(|kind| is_held(kind, Held));
}

#[test]
fn what_watches_others_is_held() {
    ["epoll", "inotify"].iter().for_each(|kind| is_held(kind, Held));
}

#[test]
fn messages_and_locked_pages_have_bounds_of_their_own() {
    // RLIMIT_MSGQUEUE and RLIMIT_MEMLOCK; the queues of System V are bounded by the namespace and counted as memory.
    ["posix", "locked"].iter().for_each(|kind| is_held(kind, Bounded));
    is_held("messages", Held);
}

#[test]
fn arguments_past_the_kernels_bound_are_refused_within_the_limit() {
    let script = "import os\ntry: os.execv('/bin/true', ['x' * 100000] * 100)\nexcept OSError as e: print(e.errno)";
    let (ran, report) = integration::support::report(&["--memory", "64M", "--", "python3", "-c", script]);
    // 7 is E2BIG.
    assert_eq!((ran.code, ran.out.as_str()), (0, "7\n"), "{ran:?}");
    assert!(count(&report, "/usage/memory_peak") <= 64 * MIB);
}

#[test]
fn with_as_little_as_may_be_asked_for_a_job_runs_or_ends_and_never_hangs() {
    for limit in ["1M", "2M", "4M", "8M"] {
        let (ran, report) = integration::support::report(&["--memory", limit, "--time", "20", "--", "true"]);
        let explained = match ran.code {
            0 => report["cause"] == "itself",
            125 => ran.err.starts_with("ironcell: "),
            137 => report["cause"] == "memory",
            _ => false,
        };
        assert!(explained, "{limit}: {ran:?} {report:#}");
    }
}
