//! For tests of limits: numbers out of a report, the cell's cgroup seen from outside, and disks to write to.

use crate::support::cgroup_mount;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A mebibyte.
pub const MIB: u64 = 1 << 20;

/// How long the kernel may take to make a device node.
const NODE_WITHIN: Duration = Duration::from_secs(5);

/// A number of the report, by its JSON pointer. What the kernel did not say fails the test.
pub fn number(report: &Value, pointer: &str) -> f64 {
    let value = report.pointer(pointer).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no number at {pointer} in {report:#}"))
}

/// The same for a count.
pub fn count(report: &Value, pointer: &str) -> u64 {
    let value = report.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no count at {pointer} in {report:#}"))
}

/// Processor time of the whole job, in seconds.
pub fn cpu_seconds(report: &Value) -> f64 {
    number(report, "/usage/cpu_user") + number(report, "/usage/cpu_system")
}

/// What the report says is in force in a file of the cell's cgroup; `None` when nobody set it.
pub fn effective(report: &Value, file: &str) -> Option<String> {
    let all = report["effective"].as_array().unwrap_or_else(|| panic!("nothing was in force: {report:#}"));
    let found = all.iter().find(|setting| setting["file"] == file)?;
    Some(found["value"].as_str().expect("a value is text").to_owned())
}

/// The cgroups of all cells that run now.
pub fn cells() -> Vec<PathBuf> {
    let mut cells = Vec::new();
    let mut rest = vec![cgroup_mount()];
    while let Some(directory) = rest.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        let below = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let below = below.map(|entry| entry.path());
        if directory.ends_with("ironcell") { cells.extend(below) } else { rest.extend(below) }
    }
    cells
}

/// An empty directory on the disk for tests of block I/O. A real disk's file system: neither memory nor the system's own.
pub fn scratch() -> tempfile::TempDir {
    let place = std::env::var_os("IRONCELL_SCRATCH").expect("IRONCELL_SCRATCH names a directory on a disk for tests");
    tempfile::tempdir_in(place).expect("the disk for tests can be written to")
}

/// A path of ours as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

/// A script of the test's own, outside of any cell: gives its output, fails the test when it fails.
pub fn shell(script: &str) -> String {
    let done = Command::new("sh").args(["-euc", script]).output().expect("there is a shell");
    assert!(done.status.success(), "{script}: {} {}", done.status, String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text").trim().to_owned()
}

/// The number `MAJ:MIN` of the disk with this serial, and its node.
pub fn disk(serial: &str) -> (String, PathBuf) {
    let disks = fs::read_dir("/sys/block").expect("the kernel lists its disks").flatten();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let found = disks.map(|entry| entry.path()).find(|disk| read(disk.join("serial")) == serial);
    let found = found.unwrap_or_else(|| panic!("no disk has the serial {serial}: these tests need the VM's disks"));
    (read(found.join("dev")), Path::new("/dev").join(found.file_name().expect("a disk has a name")))
}

/// Waits until a device's node is there.
pub fn await_node(node: &Path) {
    let until = Instant::now() + NODE_WITHIN;
    while !node.exists() {
        assert!(Instant::now() < until, "{} does not appear", node.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a script at its end, also when the test fails: what the test changed on the host goes back.
pub struct AtEnd(pub String);

impl Drop for AtEnd {
    fn drop(&mut self) {
        let done = Command::new("sh").args(["-c", &self.0]).output().expect("there is a shell");
        // A second panic while one is under way would hide the first.
        if !std::thread::panicking() {
            assert!(done.status.success(), "{} failed: {}", self.0, String::from_utf8_lossy(&done.stderr));
        }
    }
}
