//! The backends that need neither root nor cgroup v2: what an embedding program's own tests stand on. The same jobs, list,
//! output and times as with cells.

use ironcell::life::{Cause, Exit, MemoryOf, Refused, StartFailure, Status, StopKind, Stopper, Stream, Usage};
use ironcell::spec::{Env, EnvName, JobSpec, Limits, Owner, PidsLimit, Signal, Stdio, StdioSet, Target};
use ironcell::supervise::{
    Backend, Bounds, Error, Filter, Item, Job, Mock, MockCall, OutputFrom, Script, Shutdown, Supervisor,
};
use std::ffi::OsStr;
use std::future::Future;
use std::time::Duration;

/// Nothing here takes so long.
const WITHIN: Duration = Duration::from_secs(60);

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(WITHIN, work).await.expect("it does not hang") });
}

fn plain() -> Supervisor {
    Supervisor::with_backend(Backend::Plain, Bounds::default())
}

fn mocked(scripts: impl IntoIterator<Item = Script>) -> (Supervisor, Mock) {
    let mock = Mock::default();
    scripts.into_iter().for_each(|script| mock.expect(script));
    (Supervisor::with_backend(Backend::Mock(mock.clone()), Bounds::default()), mock)
}

fn logged() -> StdioSet {
    StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() }
}

fn shell(script: &str) -> JobSpec {
    JobSpec::shell(script).build().expect("a spec")
}

/// All that it wrote to one stream, as text.
async fn written(job: &Job, stream: Stream) -> String {
    let mut reader = job.output(OutputFrom::Start).only(stream);
    let mut bytes = Vec::new();
    while let Some(item) = reader.next().await {
        if let Item::Chunk(chunk) = item {
            bytes.extend(chunk.bytes);
        }
    }
    String::from_utf8(bytes).expect("text")
}

/// What was done to the jobs of a mock, without which job it was, from the start on.
fn calls(mock: &Mock) -> Vec<MockCall> {
    mock.calls().into_iter().map(|(_, call)| call).filter(|call| !matches!(call, MockCall::Started(_))).collect()
}

#[test]
fn row_1_1_a_mock_plays_its_scripts_and_notes_what_was_started() {
    run(async {
        let first = Script::default().argv(["make", "-j2"]).out("ok\n").err("warning\n").out("done\n");
        let (supervisor, mock) = mocked([first, Script::default().exit(3), Script::default().signal(11)]);
        let spec = JobSpec::command("make").arg("-j2").name("build").build().expect("a spec");
        let job = supervisor.start(spec.clone(), logged()).await.expect("it is scripted");
        assert_eq!(written(&job, Stream::Stdout).await, "ok\ndone\n");
        assert_eq!(written(&job, Stream::Stderr).await, "warning\n");
        assert!(job.wait().await.expect("it ends").success());
        assert_eq!(mock.calls()[0], (job.id(), MockCall::Started(Box::new(spec))));
        for exit in [Exit::Code { code: 3 }, Exit::Signal { signal: 11, core: false }] {
            let job = supervisor.start(shell("any"), StdioSet::default()).await.expect("it is scripted");
            let outcome = job.wait().await.expect("it ends");
            assert_eq!((outcome.exit, outcome.cause), (exit, Cause::Itself));
        }
        assert_eq!((mock.left(), supervisor.all_jobs().counts().failed), (0, 2));
    });
}

#[test]
fn what_is_not_scripted_does_not_start_and_says_what_was_meant() {
    run(async {
        let (supervisor, mock) = mocked([Script::default().argv(["make"])]);
        let error = supervisor.start(shell("make"), StdioSet::default()).await.expect_err("another program");
        assert!(error.to_string().contains("[\"make\"]"), "{error}");
        assert_eq!((mock.left(), mock.calls().len()), (1, 0), "the script is still there");
        let spec = JobSpec::command("make").build().expect("a spec");
        supervisor.start(spec, StdioSet::default()).await.expect("this one is meant");
        let none = supervisor.start(shell("more"), StdioSet::default()).await;
        assert!(matches!(none, Err(Error::Unscripted { .. })), "{none:?}");
    });
}

#[test]
fn a_mock_ends_by_every_cause_that_a_job_can_end_by() {
    run(async {
        let endless = || Script::default().pause(WITHIN);
        let scripts = [
            Script::default().out_of_memory(),
            Script::default().lost(),
            endless(),
            endless().deaf(),
            Script::default().out("12345").pause(WITHIN),
        ];
        let (supervisor, mock) = mocked(scripts);
        let job = |spec: JobSpec| async {
            let outcome = supervisor.start(spec, logged()).await.expect("scripted").wait().await.expect("it ends");
            (outcome.exit, outcome.cause)
        };
        let build = |job: ironcell::spec::JobSpecBuilder| job.build().expect("a spec");
        let (killed, termed) = (Exit::Signal { signal: 9, core: false }, Exit::Signal { signal: 15, core: false });
        assert_eq!(job(shell("hog")).await, (killed, Cause::Memory { of: MemoryOf::Own }));
        assert_eq!(job(shell("lost")).await, (Exit::Unknown, Cause::Lost));
        let limit = Duration::from_millis(20);
        let soft = Cause::WallTime { limit, how: StopKind::Soft };
        assert_eq!(job(build(JobSpec::command("slow").time(limit))).await, (termed, soft));
        let hard = Cause::WallTime { limit, how: StopKind::Hard };
        assert_eq!(job(build(JobSpec::command("deaf").time(limit).grace(limit))).await, (killed, hard));
        let much = Cause::OutputLimit { limit: 4, how: StopKind::Soft };
        assert_eq!(job(build(JobSpec::command("loud").output_limit(4))).await, (termed, much));
        assert_eq!(calls(&mock).iter().filter(|call| **call == MockCall::Removed).count(), 5);
    });
}

#[test]
fn a_mock_notes_signals_pauses_limits_and_stops_in_order() {
    run(async {
        let used = Usage { memory_peak: Some(7), ..Usage::default() };
        let (supervisor, mock) = mocked([Script::default().pause(WITHIN).usage(used)]);
        let job = supervisor.start(shell("any"), StdioSet::default()).await.expect("scripted");
        job.signal(Signal::USR1, Target::All).await.expect("noted");
        job.pause().await.expect("noted");
        job.resume().await.expect("noted");
        let limits = Limits { pids_max: Some(PidsLimit::Count(9)), ..Limits::default() };
        job.update(limits.clone()).await.expect("noted");
        assert_eq!(job.stats().await.expect("it runs").usage.memory_peak, Some(7));
        let stopped = job.stop_and_wait(Stopper::Caller, None).await.expect("it ends");
        assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft });
        assert_eq!(stopped.outcome.usage.memory_peak, Some(7));
        let expected = [
            MockCall::Signalled { signal: 10, all: true },
            MockCall::Paused,
            MockCall::Resumed,
            MockCall::Updated(Box::new(limits)),
            MockCall::Signalled { signal: 15, all: false },
            MockCall::Removed,
        ];
        assert_eq!(calls(&mock), expected);
    });
}

#[test]
fn a_mock_fails_to_start_as_its_script_says_and_is_not_listed() {
    run(async {
        let failure = StartFailure {
            step: 310,
            name: "exec",
            errno: 2,
            message: "make was not found".to_owned(),
            refused: Refused::NotFound,
        };
        let (supervisor, _) = mocked([Script::default().not_started(failure.clone())]);
        let error = supervisor.start(shell("any"), StdioSet::default()).await.expect_err("it is to fail");
        assert_eq!(error.start_failure(), Some(&failure));
        assert!(supervisor.all_jobs().list(&Filter::default()).is_empty());
    });
}

#[test]
fn a_shutdown_ends_the_jobs_of_a_mock_as_it_ends_cells() {
    run(async {
        let (supervisor, mock) = mocked([Script::default().pause(WITHIN), Script::default().pause(WITHIN).deaf()]);
        let jobs = supervisor.jobs_of(Owner::default());
        let held =
            [jobs.start(shell("a"), StdioSet::default()).await, jobs.start(shell("b"), StdioSet::default()).await];
        let left = supervisor.shutdown(Shutdown::Soft { grace: None }, Duration::from_millis(100)).await;
        assert!(left.is_empty() && held.iter().all(Result::is_ok), "{left:?} of {held:?}");
        assert_eq!(calls(&mock).iter().filter(|call| **call == MockCall::Killed).count(), 1, "the deaf one");
        assert!(matches!(jobs.start(shell("c"), StdioSet::default()).await, Err(Error::ShuttingDown)));
    });
}

#[test]
fn a_plain_process_has_its_environment_its_directory_and_its_input() {
    run(async {
        let mut env = Env::empty();
        env.set(EnvName::new(OsStr::new("WORD")).expect("a name"), OsStr::new("a b")).expect("a value");
        let spec = JobSpec::command("/bin/sh").args(["-c", "echo \"$WORD\"; pwd; cat; echo oops >&2; exit 4"]);
        let spec = spec.env(env).cwd("/usr").build().expect("a spec");
        let stdio = StdioSet { stdin: Stdio::Bytes(b"in\n".to_vec()), stdout: Stdio::Log, stderr: Stdio::Log };
        let supervisor = plain();
        let job = supervisor.start(spec, stdio).await.expect("it starts");
        assert_eq!(written(&job, Stream::Stdout).await, "a b\n/usr\nin\n");
        assert_eq!(written(&job, Stream::Stderr).await, "oops\n");
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 4 });
        let info = supervisor.all_jobs().info(job.id()).expect("listed");
        assert_eq!((info.status, info.exit), (Status::Failed, Some(Exit::Code { code: 4 })));
    });
}

#[test]
fn a_plain_process_ends_with_its_group_by_time_signal_stop_and_the_loss_of_its_supervisor() {
    run(async {
        let supervisor = plain();
        let limit = Duration::from_millis(200);
        let slow =
            JobSpec::shell("trap '' TERM; sleep 1000 & wait; wait").time(limit).grace(limit).build().expect("a spec");
        let job = supervisor.start(slow, logged()).await.expect("it starts");
        // The log ends: nobody of the group has it open any more.
        assert_eq!(written(&job, Stream::Stdout).await, "");
        assert_eq!(job.wait().await.expect("it ends").cause, Cause::WallTime { limit, how: StopKind::Hard });
        let job = supervisor.start(shell("sleep 1000 & exit 0"), logged()).await.expect("it starts");
        assert!(job.wait().await.expect("it ends").success(), "what it left is killed");
        let job = supervisor.start(shell("sleep 1000"), logged()).await.expect("it starts");
        job.signal(Signal::HUP, Target::All).await.expect("sent");
        let outcome = job.wait().await.expect("it ends");
        assert_eq!((outcome.exit, outcome.cause), (Exit::Signal { signal: 1, core: false }, Cause::Itself));
        let job = supervisor.start(shell("sleep 1000"), logged()).await.expect("it starts");
        drop(supervisor);
        assert_eq!(job.wait().await.expect("it ends").cause, Cause::OwnerGone);
    });
}

#[test]
fn a_plain_program_that_is_not_there_is_told_as_in_a_cell() {
    run(async {
        let spec = JobSpec::command("no-such-program").build().expect("a spec");
        let error = plain().start(spec, StdioSet::default()).await.expect_err("it is not there");
        let failure = error.start_failure().expect("a failed start");
        assert_eq!((failure.refused, failure.name, failure.errno), (Refused::NotFound, "exec", 2));
    });
}

#[test]
fn a_plain_process_is_never_taken_for_a_cell() {
    run(async {
        let supervisor = plain();
        let job = supervisor.start(shell("exit 0"), StdioSet::default()).await.expect("it starts");
        assert_eq!((job.walls().profile, job.walls().system_calls, job.walls().landlock), ("plain", 0, None));
        assert!(job.walls().relaxed[0].means.contains("nothing is protected") && job.notes()[0].contains("no cell"));
        assert!(job.effective().is_empty() && job.digest().is_empty());
        let limits = Limits { pids_max: Some(PidsLimit::Count(9)), ..Limits::default() };
        let limited = JobSpec::command("true").limits(limits.clone()).build().expect("a spec");
        let refused = supervisor.start(limited, StdioSet::default()).await.expect_err("it cannot be limited");
        assert!(refused.to_string().starts_with("--pids "), "{refused}");
        let job = supervisor.start(shell("sleep 1000"), StdioSet::default()).await.expect("it starts");
        for error in [job.pause().await.expect_err("no"), job.update(limits).await.expect_err("no")] {
            assert!(matches!(error, Error::Unsupported { backend: "plain", .. }), "{error}");
        }
        assert!(matches!(job.processes().await, Err(Error::Unsupported { .. })));
        assert!(job.try_wait().is_none(), "what was refused has done nothing");
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
    });
}
