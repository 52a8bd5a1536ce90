//! Jobs that outlive their supervisor: whenever it is killed they go on, and the next one has all of them.

use integration::inside::Running;
use integration::lasting::Lasting;
use integration::support::Host;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// A directory for a supervisor, and the host before it.
fn begin() -> (tempfile::TempDir, PathBuf, Host) {
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let dir = base.path().join("state");
    (base, dir, Host::now())
}

#[test]
fn a_job_goes_on_when_its_supervisor_is_killed_and_the_next_one_tells_its_end() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("seven", "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo $i; sleep 0.005; done; exit 7");
    sleep(Duration::from_millis(300));
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs seven=running");
    assert_eq!(next.order("wait seven"), "ended Code { code: 7 } Itself residue 0");
    assert_eq!(next.order("output seven"), "output 1492 bytes 0 gaps in_order true last 400");
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_job_that_ended_while_nobody_was_there_is_told_as_it_ended() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("short", "seq 1 20000; kill -SEGV $$");
    first.start("open", "read line; echo $line; exit 3");
    first.kill();
    sleep(Duration::from_secs(1));
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("wait short"), "ended Signal { signal: 11, core: false } Itself residue 0");
    assert_eq!(next.order("output short"), "output 108894 bytes 0 gaps in_order true last 20000");
    // And again by the one after it, which finds it ended.
    next.kill();
    let mut third = Lasting::open(&dir);
    assert_eq!(third.order("list"), "jobs short=failed open=running");
    assert_eq!(third.order("wait short"), "ended Signal { signal: 11, core: false } Itself residue 0");
    assert_eq!(third.order("output short"), "output 108894 bytes 0 gaps in_order true last 20000");
    // Its input is as open as it was.
    assert_eq!(third.order("type open 1"), "typed");
    assert_eq!(third.order("close open"), "closed");
    assert_eq!(third.order("wait open"), "ended Code { code: 3 } Itself residue 0");
    assert!(third.order("remove short").starts_with("removed "));
    third.kill();
    let mut last = Lasting::open(&dir);
    assert_eq!(last.order("list"), "jobs open=failed");
    last.shutdown();
    before.assert_nothing_left();
}

#[test]
fn why_a_job_is_being_ended_is_known_to_the_next_supervisor() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("slow", "trap 'sleep 2; exit 5' TERM; echo 1; while true; do sleep 0.1; done");
    first.start("still", "echo 1; sleep 1000");
    sleep(Duration::from_millis(500));
    assert_eq!(first.order("pause still"), "paused");
    assert_eq!(first.order("ask slow"), "asked");
    sleep(Duration::from_millis(300));
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs slow=stopping still=paused");
    assert_eq!(next.order("wait slow"), "ended Code { code: 5 } Stopped { by: Caller, how: Soft } residue 0");
    assert_eq!(next.order("resume still"), "resumed");
    assert_eq!(
        next.order("stop still"),
        "ended Signal { signal: 15, core: false } Stopped { by: Caller, how: Soft } residue 0"
    );
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_time_goes_on_while_nobody_is_there() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("timed", "sleep 1000");
    first.leave();
    sleep(Duration::from_secs(4));
    let mut next = Lasting::open(&dir);
    let told = next.order("wait timed");
    assert_eq!(told, "ended Signal { signal: 15, core: false } WallTime { limit: 3s, how: Soft } residue 0");
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_keeper_that_is_killed_is_replaced_under_running_jobs() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("one", "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.01; done");
    let keeper = first.keeper.expect("it has one");
    Running::signal(keeper, libc::SIGKILL);
    sleep(Duration::from_millis(500));
    first.start("two", "echo 1; sleep 2; echo 2");
    // The new one holds what the old one held.
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs one=running two=running");
    assert_eq!(next.order("wait one"), "ended Code { code: 0 } Itself residue 0");
    assert_eq!(next.order("output one"), "output 1092 bytes 0 gaps in_order true last 300");
    assert_eq!(next.order("wait two"), "ended Code { code: 0 } Itself residue 0");
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_4_30_when_both_are_killed_a_job_is_lost_and_said_to_be_and_nothing_is_left() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("gone", "echo 1; sleep 1000");
    sleep(Duration::from_millis(300));
    let keeper = first.keeper.expect("it has one");
    // Stopped first, so that it cannot be told, nor tell.
    Running::signal(keeper, libc::SIGSTOP);
    first.kill();
    Running::signal(keeper, libc::SIGKILL);
    sleep(Duration::from_millis(500));
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs gone=failed");
    assert_eq!(next.order("wait gone"), "ended Unknown Lost residue 0");
    assert_eq!(next.order("output gone"), "output 2 bytes 0 gaps in_order true last 1");
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn one_directory_has_one_supervisor() {
    let (_base, dir, before) = begin();
    let first = Lasting::open(&dir);
    let said = Lasting::refused(&dir);
    assert!(said.starts_with("refused failed to lock") && said.contains("another daemon is at work"), "{said}");
    first.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_request_that_comes_twice_is_one_job_also_after_a_restart() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    let started = first.order("once r1 a sleep 1000");
    assert!(started.starts_with("started "), "{started}");
    assert_eq!(first.order("once r1 a sleep 1000"), started);
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("once r1 a sleep 1000"), started);
    let other = next.order("once r1 a sleep 2000");
    assert!(other.starts_with("error the request r1 was made before"), "{other}");
    assert_eq!(next.order("list"), "jobs a=running");
    next.shutdown();
    before.assert_nothing_left();
}
