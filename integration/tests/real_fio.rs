//! A real job: fio on a real disk for ten seconds, held within 15 % of what it may.

use integration::limits::{count, scratch, text};
use integration::support::report;

/// Bytes a second.
const RATE: f64 = 8.0 * 1024.0 * 1024.0;

#[test]
fn fio_is_held_within_fifteen_percent_of_its_rate_over_ten_seconds() {
    let directory = scratch();
    let place = text(directory.path());
    let limit = format!("{place}:wbps=8M");
    let at = format!("--directory={place}");
    let fio = ["fio", "--name=write", &at, "--rw=write", "--bs=256k", "--size=64M", "--direct=1", "--ioengine=psync"];
    let time = ["--time_based", "--runtime=10", "--output-format=json"];
    // fio writes its files' state into its working directory.
    let cell = ["--io-max", &limit, "--rw", place, "--cwd", place, "--"];
    let (ran, report) = report(&[&cell, &fio[..], &time].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = &ran.out[ran.out.find('{').expect("fio's report")..];
    let told: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let write = &told["jobs"][0]["write"];
    let rate = write["bw_bytes"].as_f64().expect("bytes a second");
    assert!((RATE * 0.85..RATE * 1.15).contains(&rate), "{rate} of {RATE} bytes a second");
    assert!(write["runtime"].as_u64().is_some_and(|millis| millis >= 9_500), "{write:#}");
    // Both have counted the same bytes: fio what it wrote, the kernel what reached the disk.
    let (wrote, reached) = (write["io_bytes"].as_u64().expect("bytes"), count(&report, "/usage/io/write_bytes"));
    assert!(reached.abs_diff(wrote) < wrote / 10, "fio wrote {wrote}, {reached} reached the disk");
}
