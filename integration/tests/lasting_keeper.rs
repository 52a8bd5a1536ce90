//! What may happen to a keeper beside its death: its name is taken away, its place is taken, it dies under starts.

use integration::inside::{Running, children};
use integration::lasting::Lasting;
use integration::support::Host;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

/// Longer than the time between two looks of a keeper at its name.
const A_LOOK: Duration = Duration::from_millis(2500);
/// How long what is to come may take.
const WITHIN: Duration = Duration::from_secs(20);

/// A directory for a supervisor, and the host before it.
fn begin() -> (tempfile::TempDir, PathBuf, Host) {
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let dir = base.path().join("state");
    (base, dir, Host::now())
}

fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + WITHIN;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_keeper_whose_name_is_taken_away_makes_it_anew_and_is_found() {
    let (_base, dir, before) = begin();
    let mut lasting = Lasting::open(&dir);
    lasting.start("one", "echo 1; sleep 1000");
    let name = dir.join("keeper.sock");
    // Under a supervisor, and then without one.
    fs::remove_file(&name).expect("removed");
    await_that("its name is there again", || name.exists());
    lasting.kill();
    lasting = Lasting::open(&dir);
    assert_eq!(lasting.order("list"), "jobs one=running");
    lasting.kill();
    fs::remove_file(&name).expect("removed");
    sleep(A_LOOK);
    lasting = Lasting::open(&dir);
    assert_eq!(lasting.order("list"), "jobs one=running");
    // In the moment in which its supervisor dies.
    fs::remove_file(&name).expect("removed");
    lasting.kill();
    sleep(A_LOOK);
    lasting = Lasting::open(&dir);
    assert_eq!(lasting.order("list"), "jobs one=running");
    lasting.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_keeper_whose_place_another_has_taken_ends_with_its_jobs() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    let pid = first.start("one", "echo 1; sleep 1000");
    let keeper = first.keeper.expect("it has one");
    Running::signal(keeper, libc::SIGSTOP);
    fs::remove_file(dir.join("keeper.sock")).expect("removed");
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs one=failed");
    assert_eq!(next.order("wait one"), "ended Unknown Lost residue 0");
    Running::signal(keeper, libc::SIGCONT);
    for pid in [keeper, pid] {
        await_that("it is gone", || !Path::new(&format!("/proc/{pid}")).exists());
    }
    // The other one is where it was.
    next.start("two", "sleep 1000");
    next.kill();
    let mut last = Lasting::open(&dir);
    assert_eq!(last.order("list"), "jobs one=failed two=running");
    last.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_start_that_meets_the_death_of_the_keeper_waits_for_the_next_one() {
    const STARTS: usize = 60;
    let (_base, dir, before) = begin();
    let mut lasting = Lasting::open(&dir);
    // A job that stays: under systemd the place for cells goes with the last process in it, and that would be the keeper.
    assert!(lasting.order("start stays sleep 1000").starts_with("started "));
    let (pid, done) = (lasting.pid(), AtomicBool::new(false));
    let (mut kills, mut unknown) = (0, 0);
    scope(|threads| {
        let killer = threads.spawn(|| {
            let mut kills = 0;
            while !done.load(Ordering::Relaxed) {
                for keeper in children(pid) {
                    // One that has gone meanwhile is no error.
                    let _ = Command::new("kill").args(["-9", &keeper.to_string()]).stderr(Stdio::null()).status();
                }
                kills += 1;
                sleep(Duration::from_millis(400));
            }
            kills
        });
        for number in 0..STARTS {
            let answer = lasting.order(&format!("start job-{number} exit 3"));
            // An order that was on its way when it died may have begun: that is told, and is all that can be.
            if !answer.starts_with("started ") {
                assert!(answer.contains("read the keeper") || answer.contains("cell"), "{answer}");
                unknown += 1;
            }
        }
        done.store(true, Ordering::Relaxed);
        kills = killer.join().expect("it kills");
    });
    println!("{STARTS} starts under {kills} kills, {unknown} of unknown end");
    assert!(unknown < STARTS / 2, "{unknown}");
    lasting.shutdown();
    before.assert_nothing_left();
}

#[test]
fn what_was_written_down_of_a_job_goes_with_it() {
    let (_base, dir, before) = begin();
    let mut lasting = Lasting::open(&dir);
    for number in 0..12 {
        lasting.start(&format!("job-{number}"), "seq 1 1000");
    }
    for number in 0..12 {
        assert!(lasting.order(&format!("wait job-{number}")).starts_with("ended Code { code: 0 }"));
        assert!(lasting.order(&format!("remove job-{number}")).starts_with("removed "));
    }
    let count = |sub: &str| fs::read_dir(dir.join(sub)).expect("listed").count();
    await_that("all records are gone", || count("jobs") == 0);
    assert_eq!(count("spool"), 0);
    lasting.shutdown();
    before.assert_nothing_left();
}
