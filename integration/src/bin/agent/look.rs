//! What every process of the machine waits for, told when a command does not end: the only trace that is left of a hang that
//! nobody saw, on a machine that nobody can look into any more.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use integration::frame::CHUNK;

/// What the kernel prints on its console: the stacks of all that waits without hearing signals (sysrq.rst).
const BLOCKED_TO_CONSOLE: &str = "w";

/// All that is told is one frame, of which the end is cut off.
const MOST: usize = CHUNK - 16;

/// Every thread that has a program: its state, its place in the kernel, its stack there.
pub fn everywhere() -> String {
    // Without it only the console lacks its part.
    let _ = fs::write("/proc/sysrq-trigger", BLOCKED_TO_CONSOLE);
    let mut text = String::new();
    for process in numbered("/proc") {
        let place = format!("/proc/{process}");
        // A thread of the kernel has no words of its own, and there are many of them.
        let words = fs::read(Path::new(&place).join("cmdline")).unwrap_or_default();
        if words.is_empty() && state(&place) != "Z" {
            continue;
        }
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{process} {} parent {}: {}", state(&place), field(&place, "PPid:"), words.trim_end());
        for thread in numbered(&format!("{place}/task")) {
            let place = format!("{place}/task/{thread}");
            let stack = fs::read_to_string(format!("{place}/stack")).unwrap_or_default();
            let stack: Vec<&str> = stack.lines().filter_map(function).collect();
            let _ = writeln!(text, "  {thread} {} {}", state(&place), stack.join(" < "));
        }
    }
    let most = text.floor_char_boundary(MOST);
    text.truncate(most);
    text
}

/// `[<0>] do_wait+0x114/0x320` -> `do_wait`
fn function(line: &str) -> Option<&str> {
    line.split_whitespace().nth(1)?.split('+').next()
}

/// The entries of a directory that are numbers, in their order.
fn numbered(directory: &str) -> Vec<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

fn state(place: &str) -> String {
    field(place, "State:")
}

/// The first word of a line of `status`; empty when the process is gone meanwhile.
fn field(place: &str, name: &str) -> String {
    let status = fs::read_to_string(format!("{place}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().to_owned()
}
