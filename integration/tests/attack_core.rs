//! A crash is no way to the host: the handler of a piped `core_pattern` runs as the host's root, with the job's memory as
//! its input, unless the limit of core files is exactly 1 at the moment of the crash. core(5).

use integration::inside::{no_filter, scratch, text};
use integration::support::{lane, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The setting of the machine.
const PATTERN: &str = "/proc/sys/kernel/core_pattern";
/// A handler is started by the kernel before the crashed process is reaped, and only has to write a file.
const HANDLED_WITHIN: Duration = Duration::from_secs(5);

/// Puts the pattern back.
struct Kept(Vec<u8>);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = fs::write(PATTERN, &self.0);
    }
}

/// A handler that says as whom it ran, in a file that is there afterwards; the pattern is put back when this goes.
fn handler(directory: &Path) -> (Kept, std::path::PathBuf) {
    let (script, told) = (directory.join("handler"), directory.join("told"));
    fs::write(&script, format!("#!/bin/sh\nid -u > {}\n", text(&told))).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    let kept = Kept(fs::read(PATTERN).expect("the pattern"));
    fs::write(PATTERN, format!("|{}", text(&script))).expect("the pattern can be set");
    (kept, told)
}

/// Whether the handler says something in its time.
fn ran(told: &Path) -> bool {
    let since = Instant::now();
    while since.elapsed() < HANDLED_WITHIN {
        if fs::metadata(told).is_ok_and(|file| file.len() > 0) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_crash_runs_nothing_on_the_host_whatever_the_job_does_with_its_limit() {
    // The setting is the whole machine's: only in a machine of our own.
    assert!(!lane().is_empty() && lane() != "host", "this test belongs into the test machine");
    let directory = scratch();
    let (_kept, told) = handler(directory.path());
    let crash = "kill -SEGV $$";
    let control = Command::new("sh").args(["-c", &format!("ulimit -c 0; {crash}")]).status().expect("a shell");
    assert!(!control.success() && ran(&told), "the control: without a cell the handler runs, also at 0");
    fs::remove_file(&told).expect("removed");
    let lowered = format!("ulimit -c 0; {crash}");
    let [seccomp, rules] = no_filter();
    for flags in [&[][..], &["--profile", "strict"], &["--profile", "build"], &[seccomp, rules]] {
        for script in [crash, &lowered, "ulimit -S -c 0; ulimit -S -c 1; ulimit -c 0; kill -ABRT $$"] {
            let all: Vec<&str> = flags.iter().copied().chain(["--", "sh", "-c", script]).collect();
            assert!(run(&all).code > 128, "{flags:?} {script}");
        }
    }
    // One wait for all of them.
    assert!(!ran(&told), "the host's root was told of a crash");
}
