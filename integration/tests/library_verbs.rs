//! What can be done to a job while it runs, and what is answered when it does not any more.

use integration::embed::{shell, with_threads};
use ironcell::life::{Cause, Exit, Status, StopKind, Stopper};
use ironcell::spec::{
    CgroupFile, CpuMax, JobSpec, Limits, MemoryLimit, Owner, PidsLimit, Resource, Rlimit, RlimitValue,
};
use ironcell::spec::{Signal, Stdio, StdioSet, Target};
use ironcell::supervise::{Error, Item, Job, Jobs, OutputFrom, OutputReader, Supervisor};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Longer than any machine takes for what is waited for; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(60);

/// The same work on a runtime of two threads and on one of one thread.
fn on_both<F: Future<Output = ()> + Send + 'static>(work: fn(Jobs) -> F) {
    for threads in [2, 0] {
        with_threads(threads, async move {
            let supervisor = Supervisor::open().expect("a supervisor");
            work(supervisor.jobs_of(Owner::default())).await;
            supervisor.close();
        });
    }
}

/// A job that writes to its log, and a reader of that.
async fn writing(jobs: &Jobs, script: &str) -> (Job, OutputReader) {
    let stdio = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
    let job = jobs.start(shell(script), stdio).await.expect("it starts");
    let reader = job.output(OutputFrom::Start);
    (job, reader)
}

/// Reads until all has been said `count` times.
async fn heard(reader: &mut OutputReader, what: &str, count: usize) {
    let mut text = String::new();
    while text.matches(what).count() < count {
        match timeout(LONG, reader.next()).await.expect("it is said in time") {
            Some(Item::Chunk(chunk)) => text.push_str(&String::from_utf8_lossy(&chunk.bytes)),
            other => panic!("{what} was said too seldom in {text:?}, then {other:?}"),
        }
    }
}

/// A file of the cell's cgroup, as the kernel has it.
fn kernels(job: &Job, file: &str) -> String {
    let own = std::fs::read_to_string(format!("/proc/{}/cgroup", job.pid())).expect("it runs");
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).expect("cgroup v2");
    std::fs::read_to_string(format!("/sys/fs/cgroup{path}/{file}")).expect("a file of it").trim().to_owned()
}

const TICKS: &str = "while :; do echo tick; sleep 0.02; done";

#[test]
fn a_stop_waits_for_the_end_and_tells_it_again_to_whoever_asks_later() {
    on_both(|jobs| async move {
        let (job, mut reader) = writing(&jobs, "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done").await;
        heard(&mut reader, "ready", 1).await;
        let first = jobs.stop(job.id(), None).await.expect("it ends");
        let cause = Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft };
        assert_eq!(
            (first.was_running, first.outcome.exit, &first.outcome.cause),
            (true, Exit::Code { code: 4 }, &cause)
        );
        let again = jobs.stop(job.id(), None).await.expect("it has ended");
        assert_eq!((again.was_running, again.outcome), (false, first.outcome.clone()));
        let killed = jobs.kill(job.id()).await.expect("it has ended");
        assert_eq!((killed.was_running, killed.outcome), (false, first.outcome));
    });
}

#[test]
fn a_call_may_bring_its_own_grace_and_may_shorten_one_that_runs() {
    on_both(|jobs| async move {
        for late in [false, true] {
            let (job, mut reader) = writing(&jobs, "trap '' TERM; echo ready; while :; do sleep 0.05; done").await;
            heard(&mut reader, "ready", 1).await;
            let began = Instant::now();
            if late {
                let patient = job.clone();
                tokio::spawn(async move { patient.stop_and_wait(Stopper::Caller, Some(LONG)).await });
                sleep(Duration::from_millis(50)).await;
            }
            let stopped = job.stop_and_wait(Stopper::Caller, Some(Duration::from_millis(200))).await.expect("it ends");
            assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard });
            assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < LONG, "{:?}", began.elapsed());
        }
    });
}

#[test]
fn a_stop_and_a_wait_that_are_given_up_lose_nothing() {
    on_both(|jobs| async move {
        let (job, mut reader) =
            writing(&jobs, "trap 'sleep 0.3; exit 6' TERM; echo ready; while :; do sleep 0.05; done").await;
        heard(&mut reader, "ready", 1).await;
        let given_up = timeout(Duration::ZERO, job.stop_and_wait(Stopper::Caller, None)).await;
        assert!(given_up.is_err(), "nothing ends at once");
        for _ in 0..5 {
            let _ = timeout(Duration::from_millis(10), job.wait()).await;
        }
        assert_eq!(job.wait().await.expect("it was asked").exit, Exit::Code { code: 6 });
    });
}

#[test]
fn a_signal_reaches_the_leader_alone_or_every_process() {
    on_both(|jobs| async move {
        let child = r#"sh -c 'trap "echo child; exit 0" USR1; echo ready; while :; do sleep 0.05; done'"#;
        let children = format!("for i in 1 2 3; do (setsid {child}) & done");
        let script = format!("trap 'echo leader' USR1; {children}; echo ready; while :; do wait; sleep 0.05; done");
        let (job, mut reader) = writing(&jobs, &script).await;
        heard(&mut reader, "ready", 4).await;
        job.signal(Signal::USR1, Target::Leader).await.expect("it is sent");
        heard(&mut reader, "leader", 1).await;
        job.signal(Signal::USR1, Target::All).await.expect("it is sent");
        heard(&mut reader, "child", 3).await;
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        let late = job.signal(Signal::USR1, Target::All).await;
        assert!(matches!(late, Err(Error::Ended(id)) if id == job.id()), "{late:?}");
    });
}

#[test]
fn a_signal_to_all_misses_none_of_a_job_that_forks_without_end() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let limits = Limits { pids_max: Some(PidsLimit::Count(40)), ..Limits::default() };
        // Four that fork one after the other: there are always new ones, and never so many that a fork fails.
        let script = "for n in 1 2 3; do (while :; do (:); done) & done; while :; do (:); done";
        let spec = || JobSpec::command("sh").args(["-c", script]).limits(limits.clone()).build().expect("a spec");
        for _ in 0..5 {
            let job = supervisor.start(spec(), StdioSet::default()).await.expect("it starts");
            sleep(Duration::from_millis(200)).await;
            job.signal(Signal::KILL, Target::All).await.expect("it is sent");
            let outcome = timeout(LONG, job.wait()).await.expect("none was missed").expect("it ends");
            assert_eq!((outcome.exit, outcome.residue), (Exit::Signal { signal: 9, core: false }, Vec::new()));
        }
        supervisor.close();
    });
}

#[test]
fn a_paused_job_does_nothing_until_it_goes_on() {
    on_both(|jobs| async move {
        let (job, mut reader) = writing(&jobs, TICKS).await;
        heard(&mut reader, "tick", 2).await;
        job.pause().await.expect("it stands still");
        job.pause().await.expect("so it does already");
        assert_eq!(jobs.info(job.id()).expect("listed").status, Status::Paused);
        assert!(job.stats().await.expect("it is there").paused);
        sleep(Duration::from_millis(100)).await;
        let before = jobs.info(job.id()).expect("listed").output.end;
        sleep(Duration::from_millis(400)).await;
        assert_eq!(jobs.info(job.id()).expect("listed").output.end, before, "it writes on");
        job.resume().await.expect("it goes on");
        job.resume().await.expect("so it does already");
        assert_eq!(jobs.info(job.id()).expect("listed").status, Status::Running);
        let mut reader = job.output(OutputFrom::Offset(before));
        heard(&mut reader, "tick", 2).await;
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(matches!(job.pause().await, Err(Error::Ended(_))));
    });
}

#[test]
fn a_paused_job_can_be_stopped_softly_and_killed() {
    on_both(|jobs| async move {
        let (job, mut reader) = writing(&jobs, "trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done").await;
        heard(&mut reader, "ready", 1).await;
        job.pause().await.expect("it stands still");
        let stopped = job.stop_and_wait(Stopper::Caller, Some(LONG)).await.expect("it ends");
        assert_eq!(stopped.outcome.exit, Exit::Code { code: 4 }, "it has heard the signal");
        let (job, mut reader) = writing(&jobs, "trap '' TERM; echo ready; while :; do sleep 0.05; done").await;
        heard(&mut reader, "ready", 1).await;
        job.stop(Stopper::Caller);
        while jobs.info(job.id()).expect("listed").status != Status::Stopping {
            sleep(Duration::from_millis(5)).await;
        }
        assert!(matches!(job.pause().await, Err(Error::Ending(_))), "it has to hear its stop");
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        let (job, _) = writing(&jobs, TICKS).await;
        job.pause().await.expect("it stands still");
        let killed = job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert_eq!(killed.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard });
    });
}

#[test]
fn while_a_job_is_paused_its_time_goes_on_and_its_idle_time_does_not() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let second = Duration::from_secs(1);
        let timed = JobSpec::command("sh").args(["-c", TICKS]).time(second).build().expect("a spec");
        let job = supervisor.start(timed, StdioSet::default()).await.expect("it starts");
        job.pause().await.expect("it stands still");
        let outcome = timeout(LONG, job.wait()).await.expect("its time is over").expect("it ends");
        assert!(matches!(outcome.cause, Cause::WallTime { how: StopKind::Soft, .. }), "{:?}", outcome.cause);
        let busy = JobSpec::command("sh").args(["-c", "while :; do :; done"]).idle(second).build().expect("a spec");
        let job = supervisor.start(busy, StdioSet::default()).await.expect("it starts");
        job.pause().await.expect("it stands still");
        sleep(second * 2).await;
        job.resume().await.expect("it goes on");
        sleep(second / 2).await;
        assert_eq!(job.try_wait(), None, "it was never idle of its own");
        job.pause().await.expect("it stands still");
        job.resume().await.expect("it goes on");
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        supervisor.close();
    });
}

#[test]
fn limits_of_a_running_job_are_changed_and_read_back() {
    on_both(|jobs| async move {
        let (job, _) = writing(&jobs, TICKS).await;
        let limits = Limits {
            memory_max: Some(MemoryLimit::Bytes(96 << 20)),
            pids_max: Some(PidsLimit::Count(50)),
            cpu_max: Some(CpuMax::Millis(500)),
            ..Limits::default()
        };
        let oom_group = kernels(&job, "memory.oom.group");
        let effective = job.update(limits).await.expect("all are taken");
        assert_eq!(effective, job.effective());
        for (file, value) in [("memory.max", "100663296"), ("pids.max", "50"), ("cpu.max", "50000 100000")] {
            assert_eq!(kernels(&job, file), value, "{file}");
            let told: Vec<_> = effective.iter().filter(|limit| limit.file == file).map(|limit| &limit.value).collect();
            assert_eq!(told, [value], "{file}");
        }
        assert_eq!(kernels(&job, "memory.oom.group"), oom_group, "what was not asked for stays");
        assert_eq!(job.update(Limits::default()).await.expect("nothing is asked"), effective);
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
    });
}

#[test]
fn a_change_that_fails_in_the_middle_leaves_every_limit_as_it_was() {
    on_both(|jobs| async move {
        let (job, _) = writing(&jobs, TICKS).await;
        let (before, told) = (kernels(&job, "memory.max"), job.effective());
        let limits = Limits {
            memory_max: Some(MemoryLimit::Bytes(96 << 20)),
            cgroup_files: vec![CgroupFile::new("cpu.max.burst", "nonsense").expect("a file")],
            ..Limits::default()
        };
        let error = job.update(limits).await.expect_err("the second is refused");
        assert!(matches!(error, Error::Limit(_)) && error.to_string().contains("cpu.max.burst"), "{error}");
        assert_eq!((kernels(&job, "memory.max"), job.effective()), (before, told));
        let rlimit = Rlimit { resource: Resource::Nofile, soft: RlimitValue::Is(9), hard: RlimitValue::Is(9) };
        let error =
            job.update(Limits { rlimits: vec![rlimit], ..Limits::default() }).await.expect_err("refused by name");
        assert!(matches!(&error, Error::Refused(refusal) if refusal.field == "--rlimit"), "{error}");
        let above = Limits { memory_high: Some(MemoryLimit::Bytes(1 << 50)), ..Limits::default() };
        let error = job.update(above).await.expect_err("it would never be reached");
        assert!(matches!(&error, Error::Refused(refusal) if refusal.field == "--memory-high"), "{error}");
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(matches!(job.update(Limits::default()).await, Err(Error::Ended(_))));
    });
}

#[test]
fn a_running_job_tells_what_it_uses() {
    on_both(|jobs| async move {
        let (job, mut reader) = writing(&jobs, "sleep 1000 & echo ready; while :; do :; done").await;
        heard(&mut reader, "ready", 1).await;
        sleep(Duration::from_millis(300)).await;
        let stats = job.stats().await.expect("it runs");
        assert!(stats.usage.wall >= Duration::from_millis(300), "{stats:?}");
        assert!(stats.usage.cpu() > Some(Duration::from_millis(10)), "{stats:?}");
        assert!(stats.memory > Some(0) && stats.pids == Some(3) && stats.oom_kills == Some(0), "{stats:?}");
        assert!(!stats.paused);
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(matches!(job.stats().await, Err(Error::Ended(_))));
    });
}

#[test]
fn the_processes_of_a_job_are_told_as_a_tree_from_inside_and_from_the_host() {
    on_both(|jobs| async move {
        let (job, mut reader) = writing(&jobs, "sleep 1000 & sleep 1000 & echo ready; wait").await;
        heard(&mut reader, "ready", 1).await;
        sleep(Duration::from_millis(100)).await;
        let all = job.processes().await.expect("it runs");
        assert_eq!((all[0].pid, all[0].parent, all[0].host_pid), (1, None, job.pid().unsigned_abs()));
        let leader = all.iter().find(|process| process.parent == Some(1)).expect("the leader");
        assert_eq!(leader.comm, "sh");
        let sleeps: Vec<_> = all.iter().filter(|process| process.comm == "sleep").collect();
        assert_eq!((all.len(), sleeps.len()), (4, 2), "{all:?}");
        for process in sleeps {
            assert_eq!(process.parent, Some(leader.pid));
            assert!(process.age >= Duration::from_millis(90) && process.host_pid > 1, "{process:?}");
        }
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(matches!(job.processes().await, Err(Error::Ended(_))));
    });
}

#[test]
fn verbs_on_a_job_that_is_ending_are_answered_and_none_waits() {
    with_threads(4, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for _ in 0..20 {
            let job = supervisor.start(shell("sleep 0.05"), StdioSet::default()).await.expect("it starts");
            let ask = |kind: u32| {
                let job = job.clone();
                tokio::spawn(async move {
                    loop {
                        let answer = match kind % 4 {
                            0 => job.stats().await.map(drop),
                            1 => job.signal(Signal::CONT, Target::All).await,
                            2 => job.processes().await.map(drop),
                            _ => job.pause().await.and(job.resume().await),
                        };
                        match answer {
                            Ok(()) => {}
                            Err(Error::Ended(_)) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            };
            let all: Vec<_> = (0..8).map(ask).collect();
            assert!(timeout(LONG, job.wait()).await.expect("it ends in time").is_some());
            for asker in all {
                timeout(LONG, asker).await.expect("it is answered").expect("no panic");
            }
        }
        supervisor.close();
    });
}
