//! Jobs that are started again, in cells of their own each time, and what else a description asks of each run: rows 4.27 and
//! 4.35 of integration/ROWS.md. Jobs that outlive their supervisor go on with it, whenever that is killed.

use integration::embed::{logged, ran, with_supervisor, written_text};
use integration::inside::scratch;
use integration::lasting::Lasting;
use integration::support::Host;
use ironcell::life::{Cause, Exit, Over, Stopper};
use ironcell::spec::{
    Access, Isolation, JobSpec, JobSpecBuilder, Limits, MemoryLimit, MountSpec, Restart, RestartPolicy, StdioSet, User,
};
use ironcell::supervise::{Supervisor, is_root};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// Bytes of memory that a job may have.
const MEMORY: u64 = 32 << 20;

fn again(count: u32) -> RestartPolicy {
    RestartPolicy { when: Restart::OnFailure, count, delay: Duration::from_millis(100), ..RestartPolicy::default() }
}

/// A job that sees this directory as its own.
fn with_dir(dir: &tempfile::TempDir, script: &str) -> JobSpecBuilder {
    let source = dir.path().to_owned();
    let mounts = vec![MountSpec::Bind { source, target: PathBuf::from("/d"), access: Access::ReadWrite }];
    JobSpec::command("sh").args(["-c", script]).isolation(Isolation { mounts, ..Isolation::default() })
}

#[test]
fn row_4_27_each_run_has_a_cell_of_its_own_with_all_limits_and_nothing_is_left_of_the_one_before() {
    with_supervisor(|supervisor| async move {
        let dir = scratch();
        // What the run before has left running, in its memory or in /tmp, is not there. The shell counts the processes
        // itself: the two of a pipe would be there or not yet there.
        let script = "echo x >> /d/runs; n=$(wc -l < /d/runs); ls /tmp | wc -l; touch /tmp/left; sleep 1000 & \
                      set -- /proc/[0-9]*; echo $# $(cat /proc/self/cgroup); [ $n -ge 3 ]";
        let spec = with_dir(&dir, script).restart(again(5)).name("again").build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let first = job.pid();
        let outcome = job.wait().await.expect("it ends");
        assert!(outcome.success(), "{outcome:?}");
        let text = written_text(&job).await;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines.chunks(2).all(|run| *run == ["0", lines[1]]), "{text}");
        assert_ne!(job.pid(), first);
        let info = supervisor.all_jobs().info(job.id()).expect("listed");
        assert_eq!((info.runs.len(), info.over), (3, Some(Over::Success)));
        supervisor
    });
}

#[test]
fn row_4_27_a_job_that_is_killed_for_want_of_memory_is_given_up_with_that_as_its_cause() {
    with_supervisor(|supervisor| async move {
        let dir = scratch();
        let hog = "x=$(head -c 1G /dev/zero | tr '\\0' x); echo ${#x}";
        let limits = Limits { memory_max: Some(MemoryLimit::Bytes(MEMORY)), ..Limits::default() };
        let spec = with_dir(&dir, hog).limits(limits).restart(again(2)).build().expect("a spec");
        let job = supervisor.start(spec, StdioSet::default()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert!(matches!(outcome.cause, Cause::Memory { .. }), "{outcome:?}");
        let info = supervisor.all_jobs().info(job.id()).expect("listed");
        assert_eq!((info.runs.len(), info.over), (3, Some(Over::StartLimitHit)));
        supervisor
    });
}

#[test]
fn row_4_27_a_paused_and_a_running_one_are_stopped_for_good() {
    with_supervisor(|supervisor| async move {
        let policy = RestartPolicy { when: Restart::Always, ..again(5) };
        let spec = JobSpec::command("sleep").arg("1000").restart(policy).build().expect("a spec");
        let job = supervisor.start(spec, StdioSet::default()).await.expect("it starts");
        job.pause().await.expect("it stands still");
        let stopped = job.stop_and_wait(Stopper::Caller, None).await.expect("it ends");
        assert!(matches!(stopped.outcome.cause, Cause::Stopped { .. }), "{stopped:?}");
        assert_eq!(supervisor.all_jobs().info(job.id()).expect("listed").runs.len(), 1);
        supervisor
    });
}

/// A directory for a supervisor, and the host before it.
fn begin() -> (tempfile::TempDir, PathBuf, Host) {
    assert!(is_root());
    let base = tempfile::tempdir_in("/run").expect("a directory");
    let dir = base.path().join("state");
    (base, dir, Host::now())
}

#[test]
fn row_4_27_a_job_whose_supervisor_is_killed_in_a_pause_is_started_by_the_next_one() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("again", "echo 1; exit 9");
    sleep(Duration::from_secs(1));
    assert_eq!(first.order("runs again"), "runs 9 over no");
    first.kill();
    let mut next = Lasting::open(&dir);
    assert_eq!(next.order("list"), "jobs again=starting");
    // The pause goes on while nobody is there: it is over 2 s after the first end, and not after the kill.
    sleep(Duration::from_secs(2));
    assert_eq!(next.order("runs again"), "runs 9 9 over no");
    // What the run before has written is in front.
    assert!(next.order("stop again").starts_with("ended Code { code: 9 } Itself"));
    assert_eq!(next.order("runs again"), "runs 9 9 over stopped");
    assert_eq!(next.order("output again"), "output 4 bytes 0 gaps in_order false last 1");
    next.kill();
    let mut last = Lasting::open(&dir);
    assert_eq!(last.order("runs again"), "runs 9 9 over stopped");
    assert_eq!(last.order("list"), "jobs again=failed");
    last.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_4_27_a_run_that_ends_while_nobody_is_there_is_followed_by_another() {
    let (_base, dir, before) = begin();
    let mut first = Lasting::open(&dir);
    first.start("again", "echo 1; sleep 1; exit 9");
    first.leave();
    sleep(Duration::from_secs(2));
    let mut next = Lasting::open(&dir);
    sleep(Duration::from_millis(200));
    assert_eq!(next.order("list"), "jobs again=starting");
    sleep(Duration::from_millis(2500));
    assert!(next.order("runs again").starts_with("runs 9 on"), "{}", next.order("runs again"));
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_4_27_whenever_the_supervisor_is_killed_a_job_has_its_runs_and_none_at_once() {
    let (_base, dir, before) = begin();
    let mut supervisor = Lasting::open(&dir);
    supervisor.start("again", "echo 1; exit 9");
    // Five starts in a row after pauses of 2, 4, 8 ... seconds: in the first, and again and again about the second start.
    for millis in [0, 5, 30, 100, 1700, 40, 20, 10, 30, 20] {
        sleep(Duration::from_millis(millis));
        supervisor.kill();
        supervisor = Lasting::open(&dir);
    }
    sleep(Duration::from_millis(1500));
    supervisor.order("stop again");
    // Each that began has an end, also if its supervisor died while it was being begun; and two bytes, neither more nor less.
    let (runs, output) = (supervisor.order("runs again"), supervisor.order("output again"));
    let codes = runs.strip_prefix("runs ").and_then(|runs| runs.split_once(" over")).expect("runs").0;
    let count = codes.split(' ').filter(|code| *code == "9").count();
    assert!(count >= 2 && codes.split(' ').count() == count, "{runs}");
    assert!(output.starts_with(&format!("output {} bytes 0 gaps", 2 * count)), "{runs}: {output}");
    supervisor.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_4_35_a_job_is_as_nice_as_asked_and_whoever_it_shall_be() {
    with_supervisor(|supervisor: Supervisor| async move {
        let user = User::new(7, 9).expect("ids");
        let isolation = Isolation { user, ..Isolation::default() };
        let script = "nice; id -u; id -g; nice -n 3 nice; nice -n -5 nice 2>&1 | tail -n 1";
        let spec = JobSpec::shell(script).nice(5).isolation(isolation).build().expect("a spec");
        let (outcome, bytes) = ran(&supervisor, spec).await;
        assert_eq!(outcome.exit, Exit::Code { code: 0 });
        // It can be nicer, and not less nice.
        assert_eq!(String::from_utf8(bytes).expect("text"), "5\n7\n9\n8\n5\n");
        supervisor
    });
}
