//! A caller with closed descriptors, few descriptors, or a full disk gets a run or one clear sentence.

use integration::inside::{has_capability, scratch, text};
use integration::support::{Host, Ran, finish, ironcell_path};
use std::process::{Command, Stdio};

/// A shell line in which `$I` is `ironcell run`.
fn shell(line: &str) -> Ran {
    let mut command = Command::new("sh");
    command.env("I", format!("{} run", ironcell_path().display())).args(["-c", line]).stdin(Stdio::null());
    finish(command)
}

#[test]
fn closed_descriptors_are_dev_null_to_the_job() {
    // In a substitution descriptor 1 is the substitution's own, so each of the three is asked for where it can be seen.
    let ran = shell("exec $I -- sh -c 'l=$(readlink /proc/$$/fd/0); echo $l' <&-");
    assert_eq!((ran.code, ran.out.as_str()), (0, "/dev/null\n"), "stdin: {ran:?}");
    let ran = shell("exec $I -- sh -c 'l=$(readlink /proc/$$/fd/1); echo $l >&2' >&-");
    assert_eq!((ran.code, ran.err.as_str()), (0, "/dev/null\n"), "stdout: {ran:?}");
    let ran = shell("exec $I -- sh -c 'l=$(readlink /proc/$$/fd/2); echo $l' 2>&-");
    assert_eq!((ran.code, ran.out.as_str()), (0, "/dev/null\n"), "stderr: {ran:?}");
    for closed in ["<&- >&-", ">&- 2>&-", "<&- 2>&-", "<&- >&- 2>&-"] {
        assert_eq!(shell(&format!("exec $I -- sh -c 'exit 7' {closed}")).code, 7, "{closed}");
        assert_eq!(shell(&format!("exec $I --memory 12Q -- true {closed}")).code, 125, "{closed}");
    }
}

#[test]
fn no_descriptor_of_ironcells_takes_the_place_of_a_closed_one() {
    let ran = shell("exec $I -- sh -c 'cat; echo x; echo y >&2; exit 3' <&- >&- 2>&-");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "", ""), "{ran:?}");
}

#[test]
fn with_few_descriptors_it_runs_or_says_why_not() {
    let mut ran_at = None;
    for most in [4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 64] {
        let ran = shell(&format!("ulimit -n {most}; exec $I -- sh -c 'exit 7'"));
        match ran.code {
            7 => ran_at = ran_at.or(Some(most)),
            125 => assert!(ran.err.starts_with("ironcell: ") && ran.err.lines().count() == 1, "{most}: {ran:?}"),
            _ => panic!("with {most} descriptors: {ran:?}"),
        }
        assert!(ran_at.is_none() || ran.code == 7, "it ran with {ran_at:?} and not with {most}: {ran:?}");
    }
    assert!(ran_at.is_some_and(|most| most <= 64), "64 descriptors are not enough");
}

#[test]
fn the_job_has_its_own_limit_of_descriptors_and_not_the_callers() {
    let ran = shell("ulimit -n 64; exec $I -- sh -c 'ulimit -n; ulimit -Hn'");
    // Where the host's root may not raise limits (CAP_SYS_RESOURCE is number 24), the caller's is all there is.
    let expected = if has_capability(24) { "1024\n524288\n" } else { "64\n64\n" };
    assert_eq!(ran.out, expected, "{ran:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_is_a_failure() {
    let ran = shell("exec $I --report /dev/full -- true");
    assert_eq!(ran.code, 125, "{ran:?}");
    assert!(ran.err.contains("failed to write --report") && ran.err.contains("No space left"), "{ran:?}");
    let ran = shell("exec $I --report /dev/full -- sh -c 'exit 9'");
    assert_eq!(ran.code, 9, "the job's own failure says more: {ran:?}");
    let directory = scratch();
    let ran = shell(&format!("exec $I --report {} -- sh -c 'echo ran'", text(directory.path())));
    assert!(ran.code == 125 && ran.out.is_empty(), "a report that cannot be opened stops the job: {ran:?}");
}

#[test]
fn a_full_disk_below_the_report_leaves_the_jobs_own_code() {
    let line = "mount -t tmpfs -o size=16k t /mnt && cat /dev/zero > /mnt/fill; $I --report /mnt/report -- sh -c 'echo ran; exit 4'";
    let mut command = Command::new("unshare");
    command.env("I", format!("{} run", ironcell_path().display())).args([
        "-m",
        "sh",
        "-c",
        &format!("{line} 2>/tmp/ironcell-err"),
    ]);
    command.stdin(Stdio::null());
    let ran = finish(command);
    let said = std::fs::read_to_string("/tmp/ironcell-err").expect("what it said");
    std::fs::remove_file("/tmp/ironcell-err").expect("removed");
    assert_eq!((ran.code, ran.out.as_str()), (4, "ran\n"), "{ran:?} {said}");
    assert!(said.contains("--report") && said.contains("No space left"), "{said}");
}

#[test]
fn a_reader_that_leaves_early_ends_the_job_by_sigpipe() {
    let before = Host::now();
    let ran = shell("{ $I -- yes; echo $? >&2; } | head -n 1");
    assert_eq!(ran.out, "y\n", "{ran:?}");
    assert!(ran.err.contains("SIGPIPE") && ran.err.ends_with("141\n"), "{ran:?}");
    before.assert_nothing_left();
}

#[test]
fn a_report_to_a_reader_that_is_gone_is_no_panic() {
    let ran = shell("{ $I --report - -- true; echo $? >&2; } | true");
    assert!(ran.err.ends_with("125\n") || ran.err.ends_with("0\n"), "{ran:?}");
    assert!(!ran.err.contains("panicked"), "{ran:?}");
    let ran = shell("{ $I --dry-run -- true; echo $? >&2; } | true");
    assert!(!ran.err.contains("panicked"), "{ran:?}");
}
