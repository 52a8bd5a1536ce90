//! Two jobs that work together: nothing that one leaves or takes is seen by the other, at the same time or afterwards.

use integration::attack::{attack, attack_command, attack_outside, attack_path};
use integration::inside::{Running, has_capability};
use integration::support::finish;
use std::process::{Command, Stdio};

/// A user of the host that nobody is.
const SOMEBODY: &str = "1234567";

/// `attack WORDS` without a cell, by a user of the host's.
fn outside(words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SOMEBODY, "--regid", SOMEBODY, "--clear-groups"]).arg(attack_path()).args(words);
    command.stdin(Stdio::null());
    command
}

/// A job that has left what it can, and says what that was.
fn left(command: Command) -> (Running, Vec<String>) {
    // The first line, of the abstract socket, is the one that says that it runs.
    let mut running = Running::start(command);
    let mut took = Vec::new();
    loop {
        match running.line() {
            line if line == "ready now" => return (running, took),
            line => took.extend(line.split_once(" ok").map(|(what, _)| what.to_owned())),
        }
    }
}

#[test]
fn nothing_that_a_job_leaves_is_found_by_another_then_or_later() {
    let name = format!("ironcell-test-{}", std::process::id());
    // Keyrings are the filter's to refuse: with another filter's rules, what keeps them apart must still do so.
    let (job, took) = left(attack_command(&[], &["leave", &name]));
    for kind in ["shm", "sem", "/tmp", "/dev/shm"] {
        assert!(took.iter().any(|what| what == kind), "the job could leave {kind}: {took:?}");
    }
    for user in ["1000", "0"] {
        let found = attack(&["--user", user], &["find", &name]);
        assert!(found.values().all(|answer| !answer.starts_with("ok")), "then, user {user}: {found:?}");
    }
    let host = attack_outside(&["find", &name]);
    assert!(host.values().all(|answer| !answer.starts_with("ok")), "on the host: {host:?}");
    assert_eq!(job.end().code, 0);
    let found = attack(&[], &["find", &name]);
    assert!(found.values().all(|answer| !answer.starts_with("ok")), "later: {found:?}");
}

#[test]
fn without_cells_all_of_it_is_found() {
    let name = format!("ironcell-test-o-{}", std::process::id());
    let (one, took) = left(outside(&["leave", &name]));
    let found = finish(outside(&["find", &name])).out;
    for kind in ["abstract", "shm", "sem", "msg", "mq", "user-keyring", "/tmp", "/dev/shm"] {
        assert!(found.contains(&format!("{kind} ok")), "{kind}: {took:?} {found}");
    }
    assert_eq!(one.end().code, 0);
}

#[test]
fn what_the_kernel_counts_by_user_is_not_shared() {
    let count = |line: &str| line.split(' ').nth(1).and_then(|count| count.parse::<u32>().ok());
    let flags = ["--profile", "build"];
    let first = Running::start(attack_command(&flags, &["inotify"]));
    let second = attack(&flags, &["inotify"]);
    assert!(count(&format!("instances {}", second["instances"])).is_some_and(|count| count > 8), "{second:?}");
    assert_eq!(first.end().code, 0);
    // The control: two programs of one user share, so the second gets none.
    let first = Running::start(outside(&["inotify"]));
    let second = finish(outside(&["inotify"])).out;
    assert!(second.starts_with("instances 0 "), "{second}");
    assert_eq!(first.end().code, 0);
}

#[test]
fn in_strict_no_lock_on_a_shared_file_tells_anything() {
    // A lock on a file that two jobs may read is seen by both: /usr is the same for all cells.
    let lock = ["lock", "/usr/bin/env"];
    let holder = Running::start(attack_command(&[], &lock));
    let strict = attack(&["--profile", "strict"], &lock);
    for kind in ["flock", "posix", "lease"] {
        assert_eq!(strict[kind], "EPERM", "{strict:?}");
    }
    // What `default` does not promise, as SECURITY.md says; and the control: the probe sees the lock.
    assert_eq!(attack(&[], &lock)["flock"], "EAGAIN");
    assert_eq!(holder.end().code, 0);
    assert_eq!(attack(&[], &lock)["flock"], "ok 0", "nobody holds it any more");
}

#[test]
fn a_number_of_a_process_tells_nothing_and_cannot_be_chosen() {
    let script =
        "echo $$; cat /proc/sys/kernel/ns_last_pid; echo 100 > /proc/sys/kernel/ns_last_pid; sh -c 'echo $PPID'";
    let one = integration::support::run(&["--user", "0", "--", "sh", "-c", script]);
    let two = integration::support::run(&["--user", "0", "--", "sh", "-c", script]);
    assert_eq!(one.out, two.out, "every cell counts from the beginning");
    assert!(one.out.starts_with("2\n") && one.err.lines().count() == 2, "{one:?}");
    assert!(
        !has_capability(21) || std::fs::metadata("/proc/sys/kernel/ns_last_pid").is_ok(),
        "the control: it is there"
    );
}
