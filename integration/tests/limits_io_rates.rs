//! `--io-max`: bytes and operations a second on a real disk, direct and through the page cache.

use integration::limits::{MIB, count, effective, number, scratch, text};
use integration::support::report;
use serde_json::Value;
use std::path::Path;

/// How much of the asked rate may be missed upwards: the kernel gives whole slices of 100 ms ahead.
const OVER: f64 = 1.15;

/// `dd WORDS` in a cell that may write to this directory, with these rates on its disk or none.
fn dd(directory: &Path, rates: Option<&str>, words: &[&str]) -> Value {
    let place = text(directory);
    let limit = rates.map(|rates| format!("{place}:{rates}"));
    let limit: Vec<&str> = limit.iter().flat_map(|limit| ["--io-max", limit]).collect();
    let (ran, report) = report(&[&limit, &["--rw", place, "--", "dd", "status=none"][..], words].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    report
}

/// So many a second of what was done in the job's whole time: never more than was asked for, and not far less; and
/// without the limit at least twice as much.
fn held(amount: f64, rate: f64, limited: &Value, free: &Value) {
    let [slow, fast] = [limited, free].map(|report| amount / number(report, "/usage/wall"));
    assert!((rate * 0.5..rate * OVER).contains(&slow), "{slow} a second where {rate} is the limit: {limited:#}");
    assert!(fast > slow * 2.0, "without the limit {fast} a second: {free:#}");
}

#[test]
fn direct_writes_are_held() {
    let directory = scratch();
    let to = format!("of={}", text(&directory.path().join("file")));
    let words = ["if=/dev/zero", &to, "bs=1M", "count=16", "oflag=direct"];
    let limited = dd(directory.path(), Some("wbps=8M"), &words);
    let line = effective(&limited, "io.max").expect("a limit");
    assert!(line.ends_with(" rbps=max wbps=8388608 riops=max wiops=max"), "{line}");
    assert_eq!(count(&limited, "/usage/io/write_bytes"), 16 * MIB);
    held(16.0, 8.0, &limited, &dd(directory.path(), None, &words));
}

#[test]
fn buffered_writes_are_held_when_they_reach_the_disk() {
    let directory = scratch();
    let write = |name: &str, rates| {
        let to = format!("of={}", text(&directory.path().join(name)));
        dd(directory.path(), rates, &["if=/dev/zero", &to, "bs=1M", "count=16", "conv=fsync"])
    };
    // A file each: the kernel counts writes from the page cache to whoever was first to dirty the file.
    let limited = write("limited", Some("wbps=8M"));
    assert!(count(&limited, "/usage/io/write_bytes") >= 16 * MIB, "{limited:#}");
    held(16.0, 8.0, &limited, &write("free", None));
}

#[test]
fn reads_are_held_direct_and_buffered() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, vec![7; 16 << 20]).expect("the disk has room");
    let from = format!("if={}", text(&file));
    for flags in [&["iflag=direct"][..], &[]] {
        let words = [&[from.as_str(), "of=/dev/null", "bs=1M"], flags].concat();
        forget_files();
        let limited = dd(directory.path(), Some("rbps=8M"), &words);
        assert!(count(&limited, "/usage/io/read_bytes") >= 16 * MIB, "{limited:#}");
        forget_files();
        held(16.0, 8.0, &limited, &dd(directory.path(), None, &words));
    }
}

#[test]
fn operations_are_held_however_small() {
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, vec![7; 1 << 20]).expect("the disk has room");
    let (from, to) = (format!("if={}", text(&file)), format!("of={}", text(&file)));
    let writes = ["if=/dev/zero", &to, "bs=4k", "count=100", "oflag=direct", "conv=notrunc"];
    let reads = [&from, "of=/dev/null", "bs=4k", "count=100", "iflag=direct"];
    let limited = dd(directory.path(), Some("wiops=50"), &writes);
    assert!(count(&limited, "/usage/io/write_ops") >= 100, "{limited:#}");
    held(100.0, 50.0, &limited, &dd(directory.path(), None, &writes));
    let limited = dd(directory.path(), Some("riops=50"), &reads);
    held(100.0, 50.0, &limited, &dd(directory.path(), None, &reads));
}

#[test]
fn a_job_that_waits_for_a_throttled_write_is_killed_at_once() {
    let directory = scratch();
    let (place, file) = (text(directory.path()), directory.path().join("file"));
    let (limit, to) = (format!("{place}:wbps=1M"), format!("of={}", text(&file)));
    let stop = ["--time", "1", "--grace", "0", "--rw", place, "--", "dd"];
    let words = ["if=/dev/zero", &to, "bs=32M", "count=1", "oflag=direct"];
    let (ran, report) = report(&[&["--io-max", &limit], &stop[..], &words].concat());
    assert_eq!((ran.code, report["cause"].as_str()), (124, Some("wall_time")), "{ran:?}");
    assert!(ran.took.as_secs() < 8, "32 MiB at 1 MiB a second would take 32 s; it took {:?}", ran.took);
}

/// Empties the page cache, so that reads reach the disk.
fn forget_files() {
    integration::limits::shell("sync; echo 3 > /proc/sys/vm/drop_caches");
}
