//! Jobs that are started again after their end, over plain processes: the same job, one list entry and one log, whatever
//! becomes of its runs.

use ironcell::life::{Cause, Exit, Over, Status, StopKind, Stopper};
use ironcell::spec::{JobSpec, JobSpecBuilder, Owner, Restart, RestartPolicy, Signal, Stdio, StdioSet, Target};
use ironcell::supervise::{
    Backend, Bounds, Change, Error, EventReader, Heard, Item, Job, Jobs, Mock, OutputFrom, Script, Shutdown, Supervisor,
};
use std::future::Future;
use std::time::{Duration, Instant};

/// Nothing here takes so long.
const WITHIN: Duration = Duration::from_secs(60);
/// The shortest pause that there is.
const PAUSE: Duration = Duration::from_millis(100);
/// A pause that no test waits for.
const LONG: Duration = Duration::from_secs(3600);

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(WITHIN, work).await.expect("it does not hang") });
}

fn plain() -> Supervisor {
    Supervisor::with_backend(Backend::Plain, Bounds::default())
}

fn logged() -> StdioSet {
    StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() }
}

/// Again after so many starts in a row, each after the shortest pause.
fn policy(when: Restart, count: u32) -> RestartPolicy {
    RestartPolicy { when, count, delay: PAUSE, ..RestartPolicy::default() }
}

fn shell(script: &str, policy: RestartPolicy) -> JobSpec {
    with(JobSpec::shell(script), policy)
}

fn with(job: JobSpecBuilder, policy: RestartPolicy) -> JobSpec {
    job.restart(policy).build().expect("a spec")
}

/// A script that counts its runs in a file, and then does this with the number.
fn counting(dir: &tempfile::TempDir, then: &str) -> String {
    let file = dir.path().join("runs").display().to_string();
    format!("echo x >> {file}; n=$(wc -l < {file}); {then}")
}

/// All that it wrote; nothing may be missing.
async fn written(job: &Job) -> String {
    let (mut reader, mut bytes) = (job.output(OutputFrom::Start), Vec::new());
    while let Some(item) = reader.next().await {
        match item {
            Item::Chunk(chunk) => {
                assert_eq!(chunk.offset, bytes.len() as u64, "an offset never changes");
                bytes.extend(chunk.bytes);
            }
            Item::Gap { .. } => panic!("little was written"),
            Item::Ended(_) => {}
        }
    }
    String::from_utf8(bytes).expect("text")
}

/// The next event that this means something by.
async fn heard<T>(events: &mut EventReader, mut meant: impl FnMut(Change) -> Option<T>) -> T {
    loop {
        match events.next().await {
            Some(Heard::Event(event)) => {
                if let Some(found) = meant(event.change) {
                    return found;
                }
            }
            other => panic!("{other:?} came first"),
        }
    }
}

/// Waits until it is between two runs.
async fn rests(events: &mut EventReader) {
    heard(events, |change| matches!(change, Change::Restarting { .. }).then_some(())).await;
}

fn alice(supervisor: &Supervisor) -> Jobs {
    supervisor.jobs_of(Owner::new("alice").expect("a word"))
}

#[test]
fn row_4_27_a_job_that_fails_is_started_again_as_the_same_job_until_it_succeeds() {
    run(async {
        let (supervisor, dir) = (plain(), tempfile::tempdir().expect("a directory"));
        let jobs = alice(&supervisor);
        let script = counting(&dir, "echo run $n; [ $n -ge 3 ]");
        let spec = with(JobSpec::shell(script).name("web").label("tool", "test"), policy(Restart::OnFailure, 5));
        let job = jobs.start(spec, logged()).await.expect("it starts");
        assert!(job.wait().await.expect("it ends").success(), "the last run's end is the job's");
        assert_eq!(written(&job).await, "run 1\nrun 2\nrun 3\n");
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!(
            (info.name.as_deref(), info.status, info.over),
            (Some("web"), Status::Completed, Some(Over::Success))
        );
        let told: Vec<_> = info.runs.iter().map(|run| (run.number, run.offset, run.end.clone())).collect();
        let end = |code| Some((Exit::Code { code }, Cause::Itself));
        assert_eq!(told, [(1, 0, end(1)), (2, 6, end(1)), (3, 12, end(0))], "each has its mark in the log");
        assert_eq!(jobs.list(&ironcell::supervise::Filter::default()).len(), 1);
    });
}

#[test]
fn row_4_27_every_start_and_every_pause_is_told_as_it_happens() {
    run(async {
        let (supervisor, dir) = (plain(), tempfile::tempdir().expect("a directory"));
        let jobs = alice(&supervisor);
        let (_, mut events) = jobs.events();
        let spec = shell(&counting(&dir, "exit $((n < 3 ? n : 0))"), policy(Restart::OnFailure, 5));
        let job = jobs.start(spec, logged()).await.expect("it starts");
        let mut told = Vec::new();
        let last = heard(&mut events, |change| match change {
            Change::Started { .. } => {
                told.push("started".to_owned());
                None
            }
            Change::Restarting { next, after, exit: Exit::Code { code }, cause: Cause::Itself } => {
                told.push(format!("{code}, then {next} after {} ms", after.as_millis()));
                None
            }
            Change::Ended(outcome) => Some(outcome.exit),
            _ => None,
        });
        assert_eq!(last.await, Exit::Code { code: 0 });
        let expected = ["started", "1, then 2 after 100 ms", "started", "2, then 3 after 200 ms", "started"];
        assert_eq!(told, expected, "the pause doubles");
        job.wait().await.expect("it has ended");
    });
}

#[test]
fn row_4_27_a_job_that_never_works_is_given_up_after_its_count_and_says_so() {
    run(async {
        let supervisor = plain();
        let jobs = alice(&supervisor);
        let job = jobs.start(shell("exit 7", policy(Restart::Always, 2)), logged()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert_eq!((outcome.exit, outcome.cause), (Exit::Code { code: 7 }, Cause::Itself), "nothing is invented");
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.runs.len(), info.over, info.status), (3, Some(Over::StartLimitHit), Status::Failed));
        assert_eq!(Over::StartLimitHit.word(), "start-limit-hit");
    });
}

#[test]
fn row_4_27_a_run_that_is_long_enough_begins_the_count_anew() {
    run(async {
        let (supervisor, dir) = (plain(), tempfile::tempdir().expect("a directory"));
        let policy = RestartPolicy { min_uptime: Duration::from_millis(300), ..policy(Restart::OnFailure, 2) };
        // Of two at most in a row: without the long ones, the third short one were the last.
        let script = counting(&dir, "case $n in 3|5) sleep 0.5;; 7) exit 0;; esac; exit 1");
        let job = alice(&supervisor).start(shell(&script, policy), logged()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert!(outcome.success(), "{outcome:?}");
    });
}

#[test]
fn row_4_27_a_stop_ends_the_starting_while_it_runs_and_between_two_runs() {
    run(async {
        let supervisor = plain();
        let jobs = alice(&supervisor);
        let job = jobs.start(shell("sleep 1000", policy(Restart::Always, 5)), logged()).await.expect("it starts");
        let stopped = job.stop_and_wait(Stopper::Caller, None).await.expect("it ends");
        assert_eq!(stopped.outcome.cause, Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft });
        assert_eq!(jobs.info(job.id()).expect("listed").over, Some(Over::Stopped));

        let (_, mut events) = jobs.events();
        let policy = RestartPolicy { delay: LONG, ..policy(Restart::Always, 5) };
        let job = jobs.start(shell("echo once; exit 4", policy), logged()).await.expect("it starts");
        rests(&mut events).await;
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.status, info.pid, info.exit), (Status::Starting, None, None));
        let since = Instant::now();
        let stopped = job.stop_and_wait(Stopper::Caller, None).await.expect("it ends");
        assert!(stopped.was_running && since.elapsed() < LONG);
        assert_eq!((stopped.outcome.exit, stopped.outcome.cause), (Exit::Code { code: 4 }, Cause::Itself));
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.over, info.runs.len(), info.status), (Some(Over::Stopped), 1, Status::Failed));
        assert_eq!(written(&job).await, "once\n", "the log has its end");
    });
}

#[test]
fn between_two_runs_there_is_nothing_to_signal_and_the_name_is_taken() {
    run(async {
        let supervisor = plain();
        let jobs = alice(&supervisor);
        let (_, mut events) = jobs.events();
        let policy = RestartPolicy { delay: LONG, ..policy(Restart::Always, 5) };
        let spec = || with(JobSpec::shell("exit 1").name("web"), policy);
        let job = jobs.start(spec(), logged()).await.expect("it starts");
        rests(&mut events).await;
        let error = job.signal(Signal::TERM, Target::Leader).await.expect_err("nobody is there");
        assert!(matches!(error, Error::BetweenRuns(id) if id == job.id()), "{error}");
        assert!(matches!(job.stats().await, Err(Error::BetweenRuns(_))));
        assert!(matches!(jobs.start(spec(), logged()).await, Err(Error::NameTaken { .. })));
        assert!(matches!(jobs.remove(job.id()), Err(Error::StillRunning(_))));
        let left = supervisor.shutdown(Shutdown::Hard, WITHIN).await;
        assert_eq!((left, job.wait().await.expect("it ends").exit), (Vec::new(), Exit::Code { code: 1 }));
    });
}

#[test]
fn a_job_that_nobody_holds_any_more_is_not_started_again() {
    run(async {
        let supervisor = plain();
        let jobs = alice(&supervisor);
        let (_, mut events) = jobs.events();
        let policy = RestartPolicy { delay: LONG, ..policy(Restart::Always, 5) };
        let job = jobs.start(shell("exit 1", policy), logged()).await.expect("it starts");
        rests(&mut events).await;
        let (id, ended) = (job.id(), job.ended());
        drop(job);
        assert_eq!(ended.await.expect("it ends").exit, Exit::Code { code: 1 });
        assert_eq!(jobs.info(id).expect("listed").over, Some(Over::Stopped));
    });
}

#[test]
fn a_run_that_cannot_be_started_is_an_end_like_others_and_the_first_one_an_error() {
    run(async {
        let mock = Mock::default();
        let failure = || ironcell::life::StartFailure {
            step: 310,
            name: "exec",
            errno: 2,
            message: "failed to execute the program".to_owned(),
            refused: ironcell::life::Refused::NotFound,
        };
        mock.expect(Script::default().not_started(failure()));
        let supervisor = Supervisor::with_backend(Backend::Mock(mock.clone()), Bounds::default());
        let jobs = alice(&supervisor);
        let spec = || shell("any", policy(Restart::OnFailure, 3));
        assert!(
            matches!(jobs.start(spec(), logged()).await, Err(Error::Start(_))),
            "nothing runs that could be tried again"
        );
        for script in [Script::default().out("a").exit(1), Script::default().not_started(failure())] {
            mock.expect(script);
        }
        mock.expect(Script::default().out("b"));
        let job = jobs.start(spec(), logged()).await.expect("it starts");
        assert!(job.wait().await.expect("it ends").success());
        assert_eq!((written(&job).await.as_str(), mock.left()), ("ab", 0));
        let info = jobs.info(job.id()).expect("listed");
        let end = info.runs[1].end.clone();
        assert!(matches!(end, Some((Exit::NeverRan, Cause::StartFailed(_)))), "{end:?}");
    });
}

#[test]
fn each_run_reads_the_same_input_and_has_its_own_time_and_all_share_the_limit_of_output() {
    run(async {
        let (supervisor, dir) = (plain(), tempfile::tempdir().expect("a directory"));
        let jobs = alice(&supervisor);
        let stdio = || StdioSet { stdin: Stdio::Bytes(b"in\n".to_vec()), ..logged() };
        let script = counting(&dir, "cat; [ $n -ge 2 ]");
        let job = jobs.start(shell(&script, policy(Restart::OnFailure, 3)), stdio()).await.expect("it starts");
        job.wait().await.expect("it ends");
        assert_eq!(written(&job).await, "in\nin\n");

        let time = Duration::from_millis(300);
        let spec = with(JobSpec::shell("sleep 1000").time(time), policy(Restart::OnFailure, 1));
        let job = jobs.start(spec, logged()).await.expect("it starts");
        assert!(matches!(job.wait().await.expect("it ends").cause, Cause::WallTime { .. }));
        assert_eq!(jobs.info(job.id()).expect("listed").runs.len(), 2);

        let spec = with(JobSpec::shell("printf 123; exit 1").output_limit(7), policy(Restart::Always, 100));
        let job = jobs.start(spec, logged()).await.expect("it starts");
        assert!(matches!(job.wait().await.expect("it ends").cause, Cause::OutputLimit { limit: 7, .. }));
        let info = jobs.info(job.id()).expect("listed");
        assert_eq!((info.runs.len(), info.over), (3, Some(Over::OutputLimit)));
        assert_eq!(written(&job).await, "1231231");
    });
}

#[test]
fn what_goes_with_a_first_run_is_refused_and_says_so() {
    run(async {
        let supervisor = plain();
        let jobs = alice(&supervisor);
        let stdio = StdioSet { stdin: Stdio::Pipe, ..logged() };
        let error = jobs.start(shell("cat", policy(Restart::Always, 3)), stdio).await.expect_err("refused");
        assert!(error.to_string().contains("--restart") && error.to_string().contains("first run"), "{error}");
        let window = ironcell::spec::Window::default();
        let error = JobSpec::shell("cat").terminal(window).restart(policy(Restart::Always, 3)).build();
        assert_eq!(error.expect_err("refused").field, "--restart");
    });
}

#[test]
fn only_the_newest_runs_are_told_and_their_numbers_go_on() {
    run(async {
        let (supervisor, dir) = (plain(), tempfile::tempdir().expect("a directory"));
        let jobs = alice(&supervisor);
        // Each is long enough, so it never is one too many in a row.
        let policy = RestartPolicy { min_uptime: PAUSE, ..policy(Restart::OnFailure, 1) };
        let script = counting(&dir, "sleep 0.15; [ $n -ge 20 ]");
        let job = jobs.start(shell(&script, policy), logged()).await.expect("it starts");
        assert!(job.wait().await.expect("it ends").success());
        let info = jobs.info(job.id()).expect("listed");
        let numbers: Vec<u32> = info.runs.iter().map(|run| run.number).collect();
        assert_eq!(numbers, (5..=20).collect::<Vec<_>>());
    });
}

#[test]
fn a_policy_that_has_no_meaning_is_refused_by_its_key_with_the_way_out() {
    let of = |text: &str| JobSpec::from_toml(&format!("argv = ['true']\n{text}"));
    let policy = *of("restart = 'always'\nrestart_count = 3\nrestart_delay = '2s'").expect("a job").restart();
    let delay = Duration::from_secs(2);
    assert_eq!(policy, RestartPolicy { when: Restart::Always, count: 3, delay, ..RestartPolicy::default() });
    let lines = [
        ("restart = 'sometimes'", "never, on-failure or always"),
        ("restart_count = 3", "say when"),
        ("restart = 'always'\nrestart_count = 0", "1 to 1000000"),
        ("restart = 'always'\nrestart_delay = '50ms'", "100ms to 1d"),
        ("restart = 'always'\nrestart_min_uptime = '2d'", "100ms to 1d"),
        ("restart = 'always'\nterminal = '24x80'", "leave one of the two out"),
        ("nice = 20", "0 to 19"),
        ("nice = -1", "0 to 19"),
    ];
    for (text, way_out) in lines {
        let error = of(text).expect_err(text);
        assert!(error.to_string().contains(way_out), "{text}: {error}");
        let key = text.lines().last().and_then(|line| line.split(' ').next()).expect("a key");
        assert!(error.field.contains(key.split("terminal").next().expect("a key")), "{text}: {error}");
    }
}

#[test]
#[cfg(feature = "cli")]
fn ironcell_run_refuses_a_policy_since_it_tells_one_end() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_ironcell"))
        .args(["run", "--restart", "always", "true"])
        .output();
    let run = run.expect("it runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(125), "{said}");
    assert!(said.contains("--restart") && said.contains("ironcell start"), "{said}");
}
