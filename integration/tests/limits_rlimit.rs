//! `--rlimit`: limits of each process, setrlimit(2).

use integration::limits::{AtEnd, cpu_seconds, scratch, shell, text};
use integration::support::{report, run};

/// What the kernel says of the process that asks, one line of /proc/self/limits.
fn line(flags: &[&str], name: &str) -> Vec<String> {
    let ran = run(&[flags, &["--", "grep", &format!("^{name} "), "/proc/self/limits"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out[name.len()..].split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_process_opens_as_many_files_as_it_may() {
    let opens = "
import os
n = 0
try:
    while True: os.open('/dev/null', 0); n += 1
except OSError as error: print(n, error.errno)";
    let ran = run(&["--rlimit", "nofile=64", "--", "python3", "-c", opens]);
    // 64 less the three that it began with; 24 is EMFILE.
    assert_eq!((ran.code, ran.out.as_str()), (0, "61 24\n"), "{ran:?}");
    assert_eq!(line(&["--rlimit", "nofile=32:48"], "Max open files")[..2], ["32", "48"]);
    assert_eq!(line(&["--rlimit", "nofile=32", "--rlimit", "nofile=33"], "Max open files")[..2], ["33", "33"]);
}

#[test]
fn a_file_past_its_size_ends_the_job_by_sigxfsz() {
    let writes = ["--", "dd", "status=none", "if=/dev/zero", "of=/tmp/x", "bs=64k", "count=32"];
    let (ran, report) = report(&[&["--rlimit", "fsize=1M"][..], &writes].concat());
    assert_eq!((ran.code, report["exit"]["signal"].as_u64()), (128 + 25, Some(25)), "{ran:?}");
    assert_eq!(report["cause"], "itself");
    assert!(ran.err.contains("SIGXFSZ"), "{}", ran.err);
    assert_eq!(run(&[&["--rlimit", "fsize=2M"][..], &writes].concat()).code, 0);
}

#[test]
fn a_second_of_processor_time_ends_the_job() {
    // setrlimit(2): SIGXCPU at the soft limit, SIGKILL at the hard one, which is the same unless it was named.
    for (limit, signal) in [("cpu=1:3", 24), ("cpu=1", 9)] {
        let (ran, report) = report(&["--rlimit", limit, "--time", "20", "--", "sh", "-c", "while :; do :; done"]);
        assert_eq!((ran.code, report["exit"]["signal"].as_i64()), (128 + signal, Some(signal.into())), "{ran:?}");
        assert_eq!(report["cause"], "itself", "{report:#}");
        let burnt = cpu_seconds(&report);
        assert!((0.9..2.0).contains(&burnt), "{limit}: {burnt} seconds");
    }
}

#[test]
fn a_crash_leaves_no_core_unless_asked_to() {
    let directory = scratch();
    let place = text(directory.path());
    let before = shell("cat /proc/sys/kernel/core_pattern");
    let _restored = AtEnd(format!("printf '%s' '{before}' > /proc/sys/kernel/core_pattern"));
    shell("printf core > /proc/sys/kernel/core_pattern");
    let crash = ["--rw", place, "--cwd", place, "--", "sh", "-c", "kill -SEGV $$"];
    let (ran, without) = report(&crash);
    assert_eq!((ran.code, without["exit"]["core"].as_bool()), (139, Some(false)), "{ran:?}");
    assert_eq!(shell(&format!("ls {place}")), "");
    let (_, with) = report(&[&["--rlimit", "core=unlimited"], &crash[..]].concat());
    assert_eq!(with["exit"]["core"], true, "{with:#}");
    assert_ne!(shell(&format!("ls {place}")), "");
}

#[test]
fn the_hosts_crash_program_is_not_started_for_a_job() {
    let directory = scratch();
    let seen = directory.path().join("seen");
    let program = directory.path().join("catch");
    std::fs::write(&program, format!("#!/bin/sh\ncat > /dev/null\necho $1 >> {}\n", text(&seen))).expect("written");
    shell(&format!("chmod 755 {}", text(&program)));
    let before = shell("cat /proc/sys/kernel/core_pattern");
    let _restored = AtEnd(format!("printf '%s' '{before}' > /proc/sys/kernel/core_pattern"));
    shell(&format!("printf '|%s %%p' '{}' > /proc/sys/kernel/core_pattern", text(&program)));
    // The default of 1 byte, soft and hard: core(5) starts the program at any other value, even at 0.
    assert_eq!(line(&[], "Max core file size")[..2], ["1", "1"]);
    assert_eq!(run(&["--", "sh", "-c", "kill -SEGV $$"]).code, 139);
    assert!(!seen.exists(), "the host's program saw the job's crash");
    // The control: with another limit the program is there, so it would have been seen.
    assert_eq!(run(&["--rlimit", "core=0", "--", "sh", "-c", "kill -SEGV $$"]).code, 139);
    integration::limits::await_node(&seen);
}

#[test]
fn what_cannot_be_is_told_in_one_sentence() {
    let most: u64 = shell("cat /proc/sys/fs/nr_open").parse().expect("a number");
    let more = format!("nofile={}", most + 1);
    for (limit, told) in [
        (more.as_str(), "/proc/sys/fs/nr_open"),
        ("nofile=9:8", "the soft limit is above the hard one"),
        ("files=9", "unknown resource files"),
        ("nofile=many", "nofile is in descriptors"),
        ("fsize=12Q", "fsize is in bytes"),
    ] {
        let ran = run(&["--rlimit", limit, "--", "true"]);
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
        assert!(ran.err.contains(told), "{limit}: {}", ran.err);
    }
}
