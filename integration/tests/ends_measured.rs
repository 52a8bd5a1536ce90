//! What a report says was used, beside the kernel's own files and beside what the job's own getrusage(2) says: right within a
//! hundredth, and what is said with each.

use integration::inside::Running;
use integration::limits::{MIB, cells, count, cpu_seconds, number};
use integration::support::report;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What is reported beyond what the job itself can know: its PID 1's work and the moments before its exec and after its last
/// look. On an emulated processor a cell is built in some tenths of a second.
const CELL_SECONDS: f64 = 0.6;

/// A number in a file of `key value` lines, or the file's only one.
fn kernel(cell: &Path, file: &str, key: &str) -> f64 {
    let text = fs::read_to_string(cell.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let value = if key.is_empty() {
        Some(text.trim())
    } else {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
    };
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{key} in {text}"))
}

fn within_a_hundredth(told: f64, kernel: f64, granularity: f64) -> bool {
    (told - kernel).abs() <= kernel / 100.0 + granularity
}

#[test]
fn the_report_says_what_the_kernels_files_said_before_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("report");
    let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; dd if=/dev/zero of=/dev/null bs=24M count=1 2>&-; \
                  echo ready; read line; exit 0";
    let cell = Running::cell(&["--memory", "64M", "--report", path.to_str().expect("text")], script);
    let files = &cells()[0];
    let cpu = kernel(files, "cpu.stat", "usage_usec") / 1e6;
    let peak = fs::read_to_string(files.join("memory.peak")).is_ok().then(|| kernel(files, "memory.peak", ""));
    assert_eq!(cell.end().code, 0);
    let told: Value = serde_json::from_slice(&fs::read(&path).expect("a report")).expect("JSON");
    // Granularity: the end of the shell itself, and a tick of the clock.
    assert!(within_a_hundredth(cpu_seconds(&told), cpu, 0.03), "{} of {cpu}", cpu_seconds(&told));
    if let Some(peak) = peak {
        // Granularity: the kernel charges memory in batches of 64 pages for each processor.
        assert!(within_a_hundredth(number(&told, "/usage/memory_peak"), peak, 1e6), "{told:#}");
        assert!(peak > 24.0 * MIB as f64, "{peak}");
    }
}

#[test]
fn processor_time_is_what_the_job_itself_measures() {
    let script = "import os, resource, time
children = [os.fork() for _ in range(1)]
while time.process_time() < 1.5: pass
if children[0] == 0: os._exit(0)
os.wait()
own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
print(own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime)";
    let (ran, told) = report(&["--", "python3", "-c", script]);
    let own: f64 = ran.out.trim().parse().unwrap_or_else(|_| panic!("{ran:?}"));
    let used = cpu_seconds(&told);
    assert!(own >= 3.0 && used >= own * 0.99, "{used} of {own}");
    assert!(used - own <= own / 100.0 + CELL_SECONDS, "{used} of {own}");
}

#[test]
fn the_peak_of_memory_is_what_was_touched() {
    for size in [16, 48] {
        let bs = format!("bs={size}M");
        let (_, told) = report(&["--memory", "128M", "--", "dd", "if=/dev/zero", "of=/dev/null", &bs, "count=1"]);
        let rss = count(&told, "/usage/max_rss");
        // A hundredth, and 4 MiB: the programs themselves, with the pages that they share with others.
        assert!((size * MIB..size * MIB * 101 / 100 + 4 * MIB).contains(&rss), "{rss} of {size} MiB");
        if let Some(peak) = told["usage"]["memory_peak"].as_u64() {
            assert!((size * MIB..size * MIB * 101 / 100 + 4 * MIB).contains(&peak), "{peak} of {size} MiB");
        }
    }
}

#[test]
fn wall_time_is_the_commands_own() {
    let (_, told) = report(&["--", "sleep", "0.7"]);
    let wall = number(&told, "/usage/wall");
    // The exec of sleep and its end, on an emulated processor.
    assert!((0.7..0.7 * 1.01 + 0.4).contains(&wall), "{wall}");
}
