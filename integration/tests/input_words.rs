//! A bad ask gets one clear sentence that names what is wrong, the right exit code, and leaves nothing behind.

use integration::inside::{scratch, text};
use integration::support::{Ran, finish, ironcell, report, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// One sentence of ironcell's own with these words, and this code.
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.err.starts_with("ironcell: ") && ran.err.lines().count() == 1, "not one sentence: {ran:?}");
    assert!(ran.err.len() < 1200, "not short: {} bytes", ran.err.len());
    assert_eq!(ran.out, "", "{ran:?}");
    words.iter().for_each(|word| assert!(ran.err.contains(word), "no {word:?} in {ran:?}"));
}

#[test]
fn values_without_meaning_are_refused_with_the_accepted_forms() {
    let table: &[(&[&str], &[&str])] = &[
        (&["--memory", "12Q"], &["--memory", "12Q", "512M"]),
        (&["--memory", "0"], &["--memory"]),
        (&["--memory", "-5"], &["-5"]),
        (&["--memory", "101%"], &["--memory", "101%"]),
        (&["--cpus", "0"], &["--cpus", "1.5"]),
        (&["--cpus", "NaN"], &["--cpus", "NaN"]),
        (&["--cpu-weight", "0"], &["--cpu-weight", "10000"]),
        (&["--cpuset", "1-"], &["--cpuset", "1-"]),
        (&["--pids", "1"], &["--pids", "2"]),
        (&["--pids", "many"], &["--pids", "many"]),
        (&["--io-max", "/:rbps=x"], &["--io-max", "rbps"]),
        (&["--io-max", "/"], &["--io-max"]),
        (&["--rlimit", "files=3"], &["--rlimit", "files", "nofile"]),
        (&["--rlimit", "nofile=9:3"], &["--rlimit", "9:3"]),
        (&["--cgroup", "memory.max"], &["--cgroup"]),
        (&["--cgroup", "../x=1"], &["--cgroup", "../x"]),
        (&["--time", "soon"], &["--time", "soon", "30s"]),
        (&["--time", "0"], &["--time"]),
        (&["--user", "root"], &["--user", "root"]),
        (&["--user", "70000"], &["--user", "70000"]),
        (&["--hostname", "a_b"], &["--hostname", "a_b"]),
        (&["--hostname", ""], &["--hostname"]),
        (&["--name", "a b"], &["--name", "a b"]),
        (&["--env", "=x"], &["--env", "NAME=VALUE"]),
        (&["--env", "IRONCELL_TEST_UNSET"], &["--env", "IRONCELL_TEST_UNSET", "NAME=VALUE"]),
        (&["--ro", "/a:/b:/c"], &["--ro", "/a:/b:/c"]),
        (&["--ro", "/srv:b"], &["--ro"]),
        (&["--ro", "/srv:/a/../b"], &["--ro", ".."]),
        (&["--tmpfs", "/"], &["--tmpfs"]),
        (&["--tmpfs", "/x:1Q"], &["--tmpfs", "1Q"]),
        (&["--rootfs-rw"], &["--rootfs"]),
    ];
    for (flags, words) in table {
        let ran = run(&[flags, &["--", "true"][..]].concat());
        // What only the parser can tell has its own layout, with a line on where to read on.
        if ran.err.starts_with("error: ") {
            assert!(ran.code == 125 && words.iter().all(|word| ran.err.contains(word)), "{flags:?}: {ran:?}");
        } else {
            refused(&ran, 125, words);
        }
    }
}

#[test]
fn an_unknown_flag_and_a_missing_command_are_the_parsers() {
    for (args, word) in
        [(&["--bogus", "--", "true"][..], "--bogus"), (&[][..], "COMMAND"), (&["--memory"][..], "--memory")]
    {
        let ran = run(args);
        assert_eq!(ran.code, 125, "{ran:?}");
        assert!(ran.err.starts_with("error: ") && ran.err.contains(word), "{ran:?}");
    }
    refused(&run(&["--", ""]), 125, &["argv[0]"]);
}

#[test]
fn a_program_that_is_not_there_is_127() {
    refused(&run(&["--", "no-such-program"]), 127, &["no-such-program was not found", "PATH /usr"]);
    refused(&run(&["--", "/no/such"]), 127, &["/no/such is not in the cell", "--ro"]);
    refused(&run(&["--", "./here"]), 127, &["./here is not in the cell"]);
    refused(&run(&["-E", "PATH=/x", "--", "sh"]), 127, &["sh was not found", "PATH /x"]);
    let (_, report) = report(&["--", "no-such-program"]);
    assert_eq!((report["cause"].as_str(), report["exit_code"].as_i64()), (Some("start_failed"), Some(127)), "{report}");
}

#[test]
fn a_file_that_cannot_be_executed_is_126() {
    let directory = scratch();
    let make = |name: &str, content: &str, mode| {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    };
    make("plain", "x", 0o644);
    make("orphan", "#!/no/such/interpreter\n", 0o755);
    make("empty", "", 0o755);
    make("words", "echo hello\n", 0o755);
    make("truncated", "\x7fELF\x02\x01\x01", 0o755);
    let bind = format!("{}:/d", text(directory.path()));
    let start = |program: &str| run(&["--ro", &bind, "--", program]);
    refused(&start("/d/plain"), 126, &["/d/plain cannot be executed: Permission denied", "executable for others"]);
    refused(&start("/d"), 126, &["/d cannot be executed"]);
    refused(&start("/d/orphan"), 126, &["/d/orphan is there", "interpreter"]);
    for name in ["/d/empty", "/d/words", "/d/truncated"] {
        refused(&start(name), 126, &[name, "Exec format error", "#!"]);
    }
    make("whole", "#!/bin/sh\necho $0\n", 0o755);
    assert_eq!(start("/d/whole").out, "/d/whole\n", "the control");
}

#[test]
fn a_place_that_does_not_exist_is_named() {
    refused(&run(&["--cwd", "/nowhere", "--", "true"]), 125, &["/nowhere", "--cwd"]);
    refused(&run(&["--env-file", "/no/such", "--", "true"]), 125, &["--env-file", "/no/such"]);
    refused(&run(&["--io-max", "/no/such:rbps=1M", "--", "true"]), 125, &["--io-max", "/no/such"]);
    refused(&run(&["--report", "/no/such/report", "--", "true"]), 125, &["--report", "/no/such/report"]);
}

#[test]
fn who_is_not_root_is_told_so_first() {
    for args in [&["run", "--", "true"][..], &["run", "--memory", "64M", "--", "true"]] {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "1000", "--regid", "1000", "--clear-groups"]);
        command.arg(integration::support::ironcell_path()).args(args).stdin(std::process::Stdio::null());
        refused(&finish(command), 125, &["root", "sudo"]);
    }
}

#[test]
fn quiet_hides_no_refusal() {
    refused(&run(&["-q", "--", "no-such-program"]), 127, &["no-such-program"]);
    refused(&run(&["-q", "--memory", "12Q", "--", "true"]), 125, &["12Q"]);
}

#[test]
fn a_dry_run_refuses_the_same_and_touches_nothing() {
    refused(&finish(ironcell(&["run", "--dry-run", "--memory", "12Q", "--", "true"])), 125, &["12Q"]);
    let ran = run(&["--dry-run", "--", "no-such-program"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.contains("no-such-program") && ran.out.contains("310 execute the program"), "{ran:?}");
}
