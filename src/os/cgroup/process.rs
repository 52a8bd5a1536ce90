//! Where a process of the host is.

use std::io;

/// The names of the cgroups that a process is in, from the root of cgroup v2 down; `/proc/PID/cgroup`, cgroups(7).
///
/// # Errors
/// ENOENT, ESRCH when there is no such process.
pub fn above_process(pid: u32) -> io::Result<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    Ok(names(&text))
}

/// The line of cgroup v2 is the one of hierarchy 0.
fn names(text: &str) -> Vec<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default();
    path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn the_line_of_cgroup_v2_is_found_among_others() {
        assert_eq!(names("3:memory:/a\n0::/ironcell/abc\n"), ["ironcell", "abc"]);
        assert_eq!((names("0::/\n").len(), names("1:name=systemd:/x\n").len()), (0, 0));
    }
}
