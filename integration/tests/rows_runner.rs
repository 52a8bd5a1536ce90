//! What the systems that ironcell joins can do with one process that they start, row by row: each test is named by its row,
//! and shows what ironcell does about it.

use integration::embed::{ran, shell, with_supervisor};
use ironcell::life::{Exit, Refused};
use ironcell::spec::{Env, EnvName, JobSpec, JobSpecBuilder, StdioSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

fn built(job: JobSpecBuilder) -> JobSpec {
    job.build().expect("a spec")
}

#[test]
fn row_1_2_a_relative_directory_is_a_typed_error_before_anything_is_started() {
    let error = JobSpec::command("true").cwd("work").build().expect_err("it is relative");
    assert_eq!((error.field.as_str(), error.value.as_str()), ("--cwd", "work"));
}

#[test]
fn row_1_3_the_environment_is_what_was_said_in_its_order_and_the_last_of_a_name_wins() {
    with_supervisor(|supervisor| async move {
        let mut env = Env::empty();
        for (name, value) in [("B", "1"), ("A", "2"), ("B", "3")] {
            env.set(EnvName::new(OsStr::new(name)).expect("a name"), OsStr::new(value)).expect("a value");
        }
        let (_, out) = ran(&supervisor, built(JobSpec::command("/usr/bin/env").env(env))).await;
        assert_eq!(out, b"B=3\nA=2\n", "a name keeps the place of its first setting");
        supervisor
    });
}

#[test]
fn row_1_4_arguments_are_bytes() {
    with_supervisor(|supervisor| async move {
        let bytes = b"\xff\xfe \n%".to_vec();
        let spec = built(JobSpec::command("printf").arg("%s").arg(OsString::from_vec(bytes.clone())));
        assert_eq!(ran(&supervisor, spec).await.1, bytes);
        supervisor
    });
}

#[test]
fn row_1_5_without_an_input_a_job_reads_the_end_at_once() {
    with_supervisor(|supervisor| async move {
        let (outcome, out) = ran(&supervisor, shell("cat; readlink /proc/self/fd/0")).await;
        assert_eq!((outcome.success(), out), (true, b"/dev/null\n".to_vec()));
        supervisor
    });
}

#[test]
fn row_1_7_a_job_that_nobody_holds_is_killed_with_all_that_it_started() {
    with_supervisor(|supervisor| async move {
        let job =
            supervisor.start(shell("setsid sleep 1000 & sleep 1000"), StdioSet::default()).await.expect("it starts");
        let (id, jobs) = (job.id(), supervisor.all_jobs());
        drop(job);
        let ended = Instant::now() + Duration::from_secs(20);
        while jobs.counts().live() > 0 {
            assert!(Instant::now() < ended, "{id} still runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        supervisor
    });
}

#[test]
fn row_1_12_a_program_that_is_missing_is_told_from_one_that_cannot_be_executed() {
    with_supervisor(|supervisor| async move {
        for (program, refused) in [("no-such-program", Refused::NotFound), ("/etc/passwd", Refused::NotExecutable)] {
            let error = supervisor.start(built(JobSpec::command(program)), StdioSet::default()).await;
            let error = error.expect_err("it cannot be executed");
            assert_eq!(error.start_failure().map(|failure| failure.refused), Some(refused), "{error}");
            assert!(error.to_string().contains(program), "{error}");
        }
        supervisor
    });
}

#[test]
fn row_1_13_an_end_keeps_its_code_or_its_signal() {
    with_supervisor(|supervisor| async move {
        assert_eq!(ran(&supervisor, shell("exit 137")).await.0.exit, Exit::Code { code: 137 });
        assert!(matches!(ran(&supervisor, shell("kill -9 $$")).await.0.exit, Exit::Signal { signal: 9, .. }));
        supervisor
    });
}

#[test]
fn row_1_15_a_grandchild_that_holds_the_output_open_does_not_hold_the_end() {
    with_supervisor(|supervisor| async move {
        let (outcome, out) = ran(&supervisor, shell("echo here; setsid sleep 1000 & exit 0")).await;
        assert_eq!((outcome.success(), out), (true, b"here\n".to_vec()));
        assert_eq!(outcome.leftovers.expect("they are known").count, 1);
        assert!(outcome.usage.wall < Duration::from_secs(100), "it did not wait for the sleep");
        supervisor
    });
}

#[test]
fn row_1_19_a_job_is_arguments_or_a_script() {
    with_supervisor(|supervisor| async move {
        let arguments = built(JobSpec::command("echo").args(["$HOME", "a  b"]));
        assert_eq!(ran(&supervisor, arguments).await.1, b"$HOME a  b\n");
        assert_eq!(ran(&supervisor, built(JobSpec::shell("echo $HOME | tr a-z A-Z"))).await.1, b"/TMP\n");
        supervisor
    });
}
