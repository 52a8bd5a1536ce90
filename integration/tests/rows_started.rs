//! What the systems that ironcell joins do to start, name, own and end a job, row by row: each test is named by its row, and
//! shows what ironcell does about it.

use integration::embed::{logged, shell, with_supervisor, with_threads, written_text};
use integration::inside::children;
use ironcell::life::{Cause, Exit, StopKind, Stopper};
use ironcell::spec::{Env, EnvName, JobSpec, Limits, MemoryLimit, OnDrop, Owner, PidsLimit, Stdio, StdioSet};
use ironcell::supervise::{Error, Filter, Item, Job, OutputFrom, Shutdown, Supervisor};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

#[test]
fn row_0_1_any_process_is_started_by_name_and_arguments() {
    with_supervisor(|supervisor| async {
        let spec = JobSpec::command("printf").args(["%s|", "a b", "", "$HOME"]).build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        assert_eq!(written_text(&job).await, "a b||$HOME|");
        supervisor
    });
}

#[test]
fn row_0_2_and_4_4_ids_are_unique_not_to_be_guessed_and_found_by_their_beginning() {
    with_supervisor(|supervisor| async {
        let jobs = supervisor.jobs_of(Owner::default());
        let asks = (0..20).map(|_| (shell("true"), StdioSet::default())).collect();
        let started: Vec<Job> = jobs.start_all(asks).await.into_iter().map(|job| job.expect("it starts")).collect();
        let short: BTreeSet<String> = started.iter().map(|job| job.id().short()).collect();
        assert_eq!(short.len(), 20);
        assert!(short.iter().all(|id| id.len() == 12), "{short:?}");
        let starts: BTreeSet<&str> = short.iter().map(|id| &id[..3]).collect();
        assert!(starts.len() > 10, "they do not count up: {short:?}");
        for job in &started {
            assert_eq!(jobs.find(&job.id().short()).expect("found"), job.id());
        }
        supervisor
    });
}

#[test]
fn row_0_3_another_owners_job_is_not_there() {
    with_supervisor(|supervisor| async {
        let of = |name: &str| supervisor.jobs_of(Owner::new(name).expect("a word"));
        let job = of("alice").start(shell("exec sleep 1000"), StdioSet::default()).await.expect("it starts");
        let bob = of("bob");
        let (there, not_there) = (bob.get(job.id()), bob.find("nothing"));
        assert!(matches!(there, Err(Error::NotFound { .. })) && matches!(not_there, Err(Error::NotFound { .. })));
        assert!(matches!(bob.kill(job.id()).await, Err(Error::NotFound { .. })));
        assert!(bob.list(&Filter::default()).is_empty() && job.try_wait().is_none());
        supervisor
    });
}

#[test]
fn row_0_16_each_job_has_a_cgroup_of_its_own_with_its_limits_and_none_is_left() {
    with_supervisor(|supervisor| async {
        let limits = Limits {
            memory_max: Some(MemoryLimit::Bytes(32 << 20)),
            pids_max: Some(PidsLimit::Count(9)),
            ..Limits::default()
        };
        let spec = JobSpec::command("sleep").arg("1000").limits(limits).build().expect("a spec");
        let job = supervisor.start(spec, StdioSet::default()).await.expect("it starts");
        let cgroup = fs::read_to_string(format!("/proc/{}/cgroup", job.pid())).expect("its cgroup");
        let place = format!("/sys/fs/cgroup{}", cgroup.trim().trim_start_matches("0::"));
        let read = |file: &str| fs::read_to_string(format!("{place}/{file}")).expect("a limit");
        assert_eq!((read("memory.max").trim(), read("pids.max").trim()), ("33554432", "9"));
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(!fs::exists(&place).expect("looked"), "{place} is left");
        supervisor
    });
}

#[test]
fn row_0_18_errors_are_types_that_say_which_verb_and_why() {
    with_supervisor(|supervisor| async {
        let jobs = supervisor.jobs_of(Owner::default());
        let missing = JobSpec::command("/no/such/program").build().expect("a spec");
        let Err(Error::Start(failure)) = jobs.start(missing, StdioSet::default()).await else { panic!("no error") };
        assert_eq!((failure.name, failure.errno), ("exec", 2));
        let job = jobs.start(shell("exit 3"), StdioSet::default()).await.expect("it starts");
        job.wait().await.expect("it ends");
        assert!(matches!(jobs.pause(job.id()).await, Err(Error::Ended(id)) if id == job.id()));
        assert!(matches!(jobs.find("zzz"), Err(Error::NotFound { said }) if said == "zzz"));
        assert!(JobSpec::command("true").cwd("relative").build().is_err());
        supervisor
    });
}

#[test]
fn row_4_2_the_environment_is_the_jobs_own_in_order_and_the_last_wins() {
    with_supervisor(|supervisor| async {
        let mut env = Env::empty();
        for (name, value) in [("A", "1"), ("B", "2"), ("A", "3")] {
            env.set(EnvName::new(OsStr::new(name)).expect("a name"), OsStr::new(value)).expect("set");
        }
        let spec = JobSpec::command("/usr/bin/env").env(env).cwd("/tmp").build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        assert_eq!(written_text(&job).await, "A=3\nB=2\n");
        supervisor
    });
}

#[test]
fn row_4_3_nothing_to_run_is_an_error_by_name() {
    assert_eq!(JobSpec::command("").build().expect_err("no program").field, "argv[0]");
}

#[test]
fn row_4_5_and_4_17_a_stop_reaches_those_who_left_the_group_and_is_told_in_its_time() {
    with_supervisor(|supervisor| async {
        let script = "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000' & sleep 1000";
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        tokio::time::sleep(Duration::from_millis(400)).await;
        let asked = Instant::now();
        let stopped = job.stop_and_wait(Stopper::Caller, Some(Duration::from_millis(300))).await.expect("it ends");
        assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Hard });
        assert!(asked.elapsed() >= Duration::from_millis(300), "its grace");
        assert!(children(job.pid()).is_empty(), "nothing of it is left");
        supervisor
    });
}

#[test]
fn row_4_19_ended_jobs_are_purged_by_what_they_have_in_common() {
    with_supervisor(|supervisor| async {
        let jobs = supervisor.jobs_of(Owner::default());
        for origin in ["a", "a", "b"] {
            let spec = JobSpec::command("true").label("origin", origin).build().expect("a spec");
            jobs.start(spec, StdioSet::default()).await.expect("it starts").wait().await.expect("it ends");
        }
        let filter = Filter { labels: [("origin".to_owned(), "a".to_owned())].into(), ..Filter::default() };
        assert_eq!(jobs.purge(&filter).len(), 2);
        assert_eq!(jobs.list(&Filter::default()).len(), 1);
        supervisor
    });
}

#[test]
fn row_4_21_an_idle_job_costs_no_thread() {
    with_supervisor(|supervisor| async {
        let threads = || fs::read_dir("/proc/self/task").expect("threads").count();
        let jobs = supervisor.jobs_of(Owner::default());
        let one = jobs.start(shell("exec sleep 1000"), logged()).await.expect("it starts");
        let before = threads();
        let asks = (0..20).map(|_| (shell("exec sleep 1000"), logged())).collect();
        let many: Vec<Job> = jobs.start_all(asks).await.into_iter().map(|job| job.expect("it starts")).collect();
        assert_eq!(threads(), before, "with {} more", many.len());
        drop((one, many));
        supervisor
    });
}

#[test]
fn row_4_23_the_listing_has_the_command_its_process_and_its_times() {
    with_supervisor(|supervisor| async {
        let jobs = supervisor.jobs_of(Owner::default());
        let job = jobs.start(shell("sleep 0.1; exit 4"), StdioSet::default()).await.expect("it starts");
        let running = jobs.info(job.id()).expect("listed");
        assert!(running.pid == Some(job.pid()) && running.started.is_some() && running.ended.is_none());
        job.wait().await.expect("it ends");
        let ended = jobs.info(job.id()).expect("listed");
        assert_eq!((ended.pid, ended.exit), (None, Some(Exit::Code { code: 4 })));
        assert!(ended.created <= ended.started.expect("started") && ended.started < ended.ended);
        assert_eq!(ended.argv, ["sh", "-c", "sleep 0.1; exit 4"]);
        supervisor
    });
}

#[test]
fn row_4_24_a_supervisor_that_shuts_down_starts_nothing_any_more() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let job = jobs.start(shell("exec sleep 1000"), StdioSet::default()).await.expect("it starts");
        let left = supervisor.shutdown(Shutdown::Soft { grace: None }, Duration::from_secs(30)).await;
        assert!(left.is_empty() && job.try_wait().is_some(), "{left:?}");
        let refused = jobs.start(shell("true"), StdioSet::default()).await;
        assert!(matches!(refused, Err(Error::ShuttingDown)), "{refused:?}");
    });
}

#[test]
fn row_4_34_a_job_can_go_on_without_its_handle_and_has_the_descriptors_it_was_given_and_no_other() {
    with_supervisor(|supervisor| async {
        let jobs = supervisor.jobs_of(Owner::default());
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let (input, mut typed) = std::io::pipe().expect("a pipe");
        typed.write_all(b"given\n").expect("written");
        let spec = JobSpec::command("sh").args(["-c", "read line; ls /proc/self/fd | wc -l; echo $line; sleep 1000"]);
        let stdio = StdioSet { stdin: Stdio::Fd(input.into()), stdout: Stdio::Fd(writer.into()), stderr: Stdio::Null };
        let job = jobs.start(spec.on_drop(OnDrop::Detach).build().expect("a spec"), stdio).await.expect("it starts");
        let id = job.id();
        drop(job);
        let mut bytes = [0; 8];
        tokio::task::block_in_place(|| reader.read_exact(&mut bytes)).expect("it goes on");
        // Its three, and the one by which ls looks.
        assert_eq!(&bytes, b"4\ngiven\n");
        assert!(jobs.kill(id).await.expect("it is found").was_running);
        supervisor
    });
}

#[test]
fn row_4_36_a_job_that_writes_too_much_is_ended_and_one_whose_owner_dies_as_well() {
    with_supervisor(|supervisor| async {
        let spec = JobSpec::command("yes").output_limit(1000).build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        assert!(matches!(job.wait().await.expect("it ends").cause, Cause::OutputLimit { limit: 1000, .. }));
        assert_eq!(written_text(&job).await.len(), 1000);
        let job = supervisor.start(shell("exec sleep 1000"), logged()).await.expect("it starts");
        let mut reader = job.output(OutputFrom::Start);
        drop(job);
        let Some(Item::Ended(end)) = reader.next().await else { panic!("no end") };
        assert_eq!(end.outcome.cause, Cause::OwnerGone);
        supervisor
    });
}
