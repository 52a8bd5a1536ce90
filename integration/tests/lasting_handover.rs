//! An upgrade: a supervisor of another program finds running jobs, and their keeper hands over to one of the new program. Whoever
//! is killed meanwhile, at whichever call, nothing is lost.

use integration::inside::children;
use integration::lasting::{Lasting, another_program, program};
use integration::support::Host;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls of one name at which a supervisor is killed, at most: more than it makes until the old keeper is gone.
const CALLS_MOST: u32 = 10;
/// How long a keeper may take to be gone once nobody needs it.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// A directory for a supervisor, another program, and the host before it.
fn begin() -> (tempfile::TempDir, PathBuf, PathBuf, Host) {
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let (dir, other) = (base.path().join("state"), another_program(&base.path().join("look_other")));
    (base, dir, other, Host::now())
}

/// Names of keepers in a directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("listed");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.retain(|name| name.starts_with("keeper.sock"));
    names.sort();
    names
}

fn assert_gone(pid: i32) {
    let until = Instant::now() + GONE_WITHIN;
    while Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < until, "{pid} is still there");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_keeper_of_another_program_hands_over_under_running_jobs_and_is_gone() {
    let (_base, dir, other, before) = begin();
    let mut first = Lasting::open(&dir);
    let old = first.keeper.expect("it has one");
    first.start("one", "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 7");
    first.start("open", "read line; echo $line; exit 3");
    first.kill();
    let mut next = Lasting::open_as(&other, &dir);
    let new = children(next.pid()).first().copied().expect("it has a keeper of its own");
    assert_gone(old);
    assert_eq!(names(&dir), ["keeper.sock"]);
    next.start("two", "echo 1; sleep 3; echo 2");
    assert_eq!(next.order("list"), "jobs one=running open=running two=running");
    // The same program finds its own keeper, and keeps it.
    next.kill();
    let same = Lasting::open_as(&other, &dir);
    assert_eq!((children(same.pid()), Path::new(&format!("/proc/{new}")).exists()), (Vec::new(), true));
    same.kill();
    let mut last = Lasting::open(&dir);
    assert_gone(new);
    assert_eq!(last.order("type open 1"), "typed");
    assert_eq!(last.order("wait open"), "ended Code { code: 3 } Itself residue 0");
    assert_eq!(last.order("wait one"), "ended Code { code: 7 } Itself residue 0");
    assert_eq!(last.order("output one"), "output 1492 bytes 0 gaps in_order true last 400");
    assert_eq!(last.order("output two"), "output 4 bytes 0 gaps in_order true last 2");
    last.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_supervisor_that_is_killed_at_any_call_of_a_handover_loses_nothing() {
    let (_base, dir, other, before) = begin();
    let mut first = Lasting::open(&dir);
    let script = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.05; done";
    for name in ["a", "b", "c"] {
        first.start(name, script);
        first.start(&format!("open-{name}"), "read line; echo $line; exit 3");
    }
    let all = first.order("list");
    first.kill();
    let (mut programs, mut kills) = ([other, program()], 0);
    for call in ["sendmsg", "recvmsg", "bind", "rename", "unlink"] {
        for count in 1..=CALLS_MOST {
            let killed = Lasting::is_killed_at(&programs[0], &dir, call, count);
            // What it left is found by its own kind, or by another.
            let next = if count % 2 == 0 { &programs[0] } else { &programs[1] };
            let mut next = Lasting::open_as(next, &dir);
            assert_eq!(next.order("list"), all, "{call} {count}");
            assert_eq!(names(&dir), ["keeper.sock"], "{call} {count}");
            next.kill();
            if count % 2 == 0 {
                programs.swap(0, 1);
            }
            if !killed {
                break;
            }
            kills += 1;
        }
    }
    println!("{kills} kills");
    assert!(kills >= 15, "only {kills} times something was killed");
    let mut last = Lasting::open(&dir);
    for name in ["a", "b", "c"] {
        assert_eq!(last.order(&format!("type open-{name} 1")), "typed");
        assert_eq!(last.order(&format!("wait open-{name}")), "ended Code { code: 3 } Itself residue 0");
        let stopped = last.order(&format!("stop {name}"));
        assert!(stopped.starts_with("ended Signal { signal: 15"), "{stopped}");
        let output = last.order(&format!("output {name}"));
        assert!(output.contains(" 0 gaps in_order true "), "{output}");
    }
    last.shutdown();
    before.assert_nothing_left();
}
