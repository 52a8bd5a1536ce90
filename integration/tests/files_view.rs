//! What a job sees of the host's files without asking: the system, read-only, and nothing of people.

use integration::inside::{Running, STAYS};
use integration::support::run;
use std::fs;

/// A line of /proc/self/mountinfo: mount point, options of the mount, type.
fn mounts(flags: &[&str]) -> Vec<(String, Vec<String>, String)> {
    let ran = run(&[flags, &["--", "cat", "/proc/self/mountinfo"]].concat());
    let line = |line: &str| {
        let (mount, file_system) = line.split_once(" - ").expect("mountinfo has a dash");
        let words: Vec<&str> = mount.split(' ').collect();
        let options = words[5].split(',').map(str::to_owned).collect();
        (words[4].to_owned(), options, file_system.split(' ').next().expect("a type").to_owned())
    };
    ran.out.lines().map(line).collect()
}

#[test]
fn the_root_and_the_system_cannot_be_written_to() {
    for user in ["1000", "0"] {
        for place in ["/", "/usr", "/usr/bin", "/etc", "/etc/alternatives", "/dev", "/srv"] {
            let ran =
                run(&["--user", user, "--ro", "/srv", "--cwd", "/", "--", "sh", "-c", &format!("echo > {place}/new")]);
            let refused = ran.err.contains("Read-only file system") || ran.err.contains("Permission denied");
            assert!(ran.code != 0 && refused, "user {user}: {place}: {ran:?}");
        }
        let ran =
            run(&["--user", user, "--", "sh", "-c", "rm -f /usr/bin/env; mv /etc/passwd /etc/x; chmod 777 /; echo $?"]);
        assert_eq!(ran.out, "1\n", "{ran:?}");
        assert_eq!(ran.err.matches("Read-only file system").count(), 3, "{ran:?}");
    }
}

#[test]
fn every_mount_is_without_set_user_id_and_devices_but_the_devices_own() {
    let all = mounts(&["--ro", "/srv:/a", "--tmpfs", "/b"]);
    for (place, options, kind) in &all {
        let has = |option: &str| options.iter().any(|found| found == option);
        assert!(has("nosuid"), "{place} {options:?}");
        let device = place.starts_with("/dev/") && place != "/dev/shm";
        assert!(has("nodev") != device, "{place} {options:?}");
        let writable = ["/tmp", "/dev/shm", "/b", "/proc"].contains(&place.as_str()) || device;
        assert_eq!(has("rw"), writable, "{place} {kind} {options:?}");
        assert!(!device || has("noexec"), "{place} {options:?}");
    }
    assert!(all.iter().any(|(place, ..)| place == "/usr") && all.iter().any(|(place, ..)| place == "/"), "{all:?}");
}

#[test]
fn no_mount_hears_of_the_hosts_mounts_or_tells_it_of_the_cells() {
    let cell = Running::cell(&[], STAYS);
    let table = fs::read_to_string(format!("/proc/{}/mountinfo", cell.leader())).expect("the cell's table");
    assert!(!table.contains("shared:") && !table.contains("master:"), "{table}");
    assert_eq!(cell.end().code, 0);
}

#[test]
fn the_devices_are_the_documented_ones_and_work() {
    let ran = run(&["--", "ls", "/dev"]);
    let names: Vec<&str> = ran.out.split_whitespace().collect();
    let documented =
        ["fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
    assert_eq!(names, documented);
    let script = "echo x > /dev/null; head -c 2 /dev/zero | od -An -tx1; head -c 4 /dev/urandom | wc -c; \
                  head -c 4 /dev/random | wc -c; cat /dev/zero > /dev/full";
    let ran = run(&["--", "sh", "-c", script]);
    assert_eq!(ran.out, " 00 00\n4\n4\n", "{ran:?}");
    assert!(ran.err.contains("No space left"), "{ran:?}");
}

#[test]
fn a_job_can_open_its_own_input_and_output_again() {
    // /dev/stderr is a link to the descriptor; opening it asks who may write to the caller's pipe.
    let script = "echo out > /dev/stdout; echo err > /dev/stderr; echo fd > /dev/fd/1; cat /dev/stdin";
    let mut cell = Running::cell(&[], &format!("echo ready; {script}"));
    cell.tell("in");
    let ran = cell.end();
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("out\nfd\nin\n", "err\n"), "{ran:?}");
}

#[test]
fn a_job_can_have_terminals_of_its_own() {
    let ran = run(&["--", "script", "-q", "-e", "-c", "tty; ls /dev/pts", "/dev/null"]);
    assert!(ran.out.starts_with("/dev/pts/0"), "{ran:?}");
}

#[test]
fn nothing_of_people_or_of_the_hosts_state_is_shown() {
    let ran = run(&["--cwd", "/", "--", "ls", "-A", "/"]);
    let shown: Vec<&str> = ran.out.split_whitespace().collect();
    for hidden in ["home", "root", "run", "var", "sys", "boot", "mnt", "media", "opt", "srv", "scratch", "lost+found"] {
        assert!(!shown.contains(&hidden), "/{hidden} is shown: {ran:?}");
    }
    for there in ["bin", "dev", "etc", "lib", "proc", "tmp", "usr"] {
        assert!(shown.contains(&there), "/{there} is missing: {ran:?}");
    }
    let etc = run(&["--", "ls", "-A", "/etc"]);
    for hidden in ["shadow", "gshadow", "ssh", "sudoers", "fstab", "crontab", "machine-id", "resolv.conf"] {
        assert!(!etc.out.split_whitespace().any(|name| name == hidden), "/etc/{hidden} is shown: {etc:?}");
    }
    let passwd = run(&["--", "cat", "/etc/passwd"]).out;
    assert_eq!(passwd.lines().count(), 3, "the cell's own, not the host's: {passwd}");
}

#[test]
fn tmp_and_shared_memory_are_empty_writable_and_gone_afterwards() {
    let script = "ls -A /tmp /dev/shm; stat -c %a /tmp /dev/shm; echo x > /tmp/a && echo x > /dev/shm/a && mkdir /tmp/d && echo made";
    for _ in 0..2 {
        let ran = run(&["--", "sh", "-c", script]);
        assert_eq!(ran.out, "/dev/shm:\n\n/tmp:\n1777\n1777\nmade\n", "{ran:?}");
    }
}

#[test]
fn what_is_mounted_on_the_host_is_not_shown_through_a_directory() {
    // /proc and /sys of the host lie below /: a bind of their mount points shows what is under the mounts.
    let ran = run(&[
        "--ro",
        "/:/host",
        "--",
        "sh",
        "-c",
        "ls /host/proc /host/sys /host/dev/pts /host/run 2>/dev/null | grep -v : | wc -w",
    ]);
    let count: u32 = ran.out.trim().parse().unwrap_or_else(|_| panic!("{ran:?}"));
    assert!(count < 30, "the host's own mounts are shown: {ran:?}");
}
