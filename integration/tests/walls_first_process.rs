//! A cell's PID 1 is out of the job's reach, and nothing but it and the job is in the cell.

use integration::inside::{Running, STAYS, look};
use integration::support::{ironcell_path, run};
use std::fs;

#[test]
fn pid_1_can_be_neither_traced_nor_signalled_nor_read_nor_changed() {
    for user in ["1000", "0"] {
        let answers = look(&["--user", user], &["first"]);
        for (call, answer) in &answers {
            // A process may look at another's pidfd; nothing can be done with it.
            assert!(["EPERM", "ESRCH", "EACCES", "EINVAL"].contains(&answer.as_str()), "user {user}: {call} {answer}");
        }
        assert!(answers.len() >= 13, "{answers:?}");
    }
}

#[test]
fn pid_1_is_hidden_in_proc() {
    for user in ["1000", "0"] {
        let script =
            "ls /proc; for f in status exe root mem environ fd maps; do cat /proc/1/$f && echo $f; done; cd /proc/1";
        let ran = run(&["--user", user, "--", "sh", "-c", script]);
        let pids: Vec<&str> = ran.out.lines().filter(|line| line.parse::<u32>().is_ok()).collect();
        assert_eq!(pids, ["2", "3"], "user {user}: {ran:?}");
        assert_eq!(ran.err.matches("No such file").count(), 7, "user {user}: {ran:?}");
        assert_ne!(ran.code, 0, "cd /proc/1 succeeded: {ran:?}");
    }
}

#[test]
fn the_jobs_own_processes_can_be_signalled_which_shows_that_the_probe_works() {
    let ran = run(&["--", "sh", "-c", "sleep 60 & kill -9 $!; wait $!; echo $?"]);
    assert_eq!(ran.out, "137\n", "{ran:?}");
}

#[test]
fn pid_1_survives_a_kill_of_everything() {
    let ran = run(&["--", "sh", "-c", "trap '' TERM; kill -TERM -1; kill -KILL 1; sleep 0.1; exit 7"]);
    assert_eq!(ran.code, 7, "{ran:?}");
}

#[test]
fn the_programs_file_cannot_be_reached_through_any_process() {
    // What runc was broken by (CVE-2019-5736): the file that PID 1 runs, opened for writing through /proc.
    let before = fs::read(ironcell_path()).expect("the program");
    let script = "for p in /proc/[0-9]* /proc/self /proc/1; do readlink $p/exe; echo > $p/exe; done 2>/dev/null";
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--", "bash", "-c", script]);
        assert!(!ran.out.contains("ironcell") && !ran.out.contains("memfd"), "{ran:?}");
        assert!(ran.out.contains("bash"), "the control: its own is seen: {ran:?}");
    }
    assert!(fs::read(ironcell_path()).expect("the program") == before, "the program was changed");
}

#[test]
fn nothing_can_look_into_the_first_process_from_beside_it() {
    // Not dumpable: its files in /proc belong to the host's root, whatever its user is.
    let cell = Running::cell(&[], STAYS);
    for pid in [cell.first(), cell.keeper()] {
        let owner =
            std::os::unix::fs::MetadataExt::uid(&fs::metadata(format!("/proc/{pid}/environ")).expect("it is there"));
        assert_eq!(owner, 0, "{pid}");
    }
    assert_eq!(cell.end().code, 0);
}
