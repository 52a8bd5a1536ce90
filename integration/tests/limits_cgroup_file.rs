//! `--cgroup FILE=VALUE`: any other file of the job's cgroup, read back; never one that ironcell counts on.

use integration::limits::{MIB, effective};
use integration::support::{report, run};

#[test]
fn a_file_is_written_and_read_back() {
    let (ran, report) = report(&["--cgroup", "memory.low=16M", "--cgroup", "cpu.idle=1", "--", "true"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(effective(&report, "memory.low"), Some((16 * MIB).to_string()));
    assert_eq!(effective(&report, "cpu.idle").as_deref(), Some("1"));
}

#[test]
fn a_file_takes_the_place_of_a_default_and_has_its_effect() {
    let (ran, report) = report(&["--cgroup", "pids.max=2", "--", "sh", "-c", "(sleep 0) && echo forked"]);
    assert!(ran.code != 0 && ran.out.is_empty(), "{ran:?}");
    assert_eq!(effective(&report, "pids.max").as_deref(), Some("2"));
    assert_eq!(report["defaults"], serde_json::json!(["memory.max"]));
}

#[test]
fn what_is_ironcells_own_or_unknown_or_said_twice_is_refused() {
    for (flags, told) in [
        (&["--cgroup", "cgroup.procs=1"][..], "cgroup.* files are ironcell's own"),
        (&["--cgroup", "cgroup.kill=1"], "cgroup.* files are ironcell's own"),
        (&["--cgroup", "../memory.max=1"], "not the name of a cgroup file"),
        (&["--cgroup", "memory.low"], "there is no ="),
        (&["--cgroup", "memory.nonsense=1"], "no file memory.nonsense"),
        (&["--cgroup", "nonsense.max=1"], "no file nonsense.max"),
        (&["--cgroup", "memory.low=much"], "memory.low"),
        (&["--cgroup", "memory.current=1"], "memory.current"),
        (&["--cgroup", "memory.oom.group=0"], "out of memory ends a job as a whole"),
        (&["--memory", "64M", "--cgroup", "memory.max=32M"], "memory.max was asked for before, by --memory"),
    ] {
        let ran = run(&[flags, &["--", "true"]].concat());
        assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{flags:?}: {ran:?}");
        assert!(ran.err.contains(told), "{flags:?}: {}", ran.err);
    }
}
