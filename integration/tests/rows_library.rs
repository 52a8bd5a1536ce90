//! What is left of the rows: streams, lines, signals and handles as the systems that ironcell joins have them.

use integration::embed::{logged, ran, shell, with_supervisor};
use ironcell::life::{Cause, Exit, LogEnd, Outcome, Status, Stopper, Stream};
use ironcell::spec::{Owner, Signal, StdioSet, Target};
use ironcell::supervise::{Ended, Error, Item, Job, LineItem, OutputFrom, Supervisor};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tokio::io::AsyncReadExt;

async fn started(supervisor: &Supervisor, script: &str) -> Job {
    supervisor.start(shell(script), logged()).await.expect("it starts")
}

/// Lines to the end: each with its stream, its bytes, and whether a newline ended it.
async fn lines(job: &Job) -> Vec<(Stream, Vec<u8>, bool)> {
    let (mut reader, mut all) = (job.output(OutputFrom::Start).into_lines(), Vec::new());
    loop {
        match reader.next_line().await.expect("it ends") {
            LineItem::Line(line) => all.push((line.stream, line.bytes, line.complete)),
            LineItem::Gap { from, to } => panic!("{from} to {to} is lost"),
            LineItem::Ended(_) => return all,
        }
    }
}

#[test]
fn row_1_6_each_stream_is_a_reader_of_tokios() {
    with_supervisor(|supervisor| async move {
        let job = started(&supervisor, "echo out; echo err >&2; printf more").await;
        for (stream, wanted) in [(Stream::Stdout, "out\nmore"), (Stream::Stderr, "err\n")] {
            let mut text = String::new();
            let mut reader = job.output(OutputFrom::Start).only(stream).into_bytes();
            reader.read_to_string(&mut text).await.expect("read to the end");
            assert_eq!(text, wanted);
        }
        supervisor
    });
}

/// How a job ends by a signal, to its leader or to all; beside it what it said.
async fn signalled(supervisor: &Supervisor, script: &str, number: u8, to: Target) -> (Outcome, Vec<u8>) {
    let job = started(supervisor, script).await;
    let mut reader = job.output(OutputFrom::Start);
    let Some(Item::Chunk(_)) = reader.next().await else { panic!("it says when it is ready") };
    job.signal(Signal::new(number).expect("a signal"), to).await.expect("sent");
    let mut bytes = Vec::new();
    while let Some(item) = reader.next().await {
        if let Item::Chunk(chunk) = item {
            bytes.extend(chunk.bytes);
        }
    }
    (job.wait().await.expect("it ends"), bytes)
}

#[test]
fn row_1_8_a_signal_reaches_the_whole_job_whatever_groups_and_sessions_it_makes() {
    with_supervisor(|supervisor| async move {
        let script = "trap 'echo parent; wait; exit 4' USR1; \
                      setsid sh -c 'trap \"echo child; exit\" USR1; echo ready; while true; do sleep 0.05; done' & \
                      while true; do sleep 0.05; done";
        let (outcome, said) = signalled(&supervisor, script, 10, Target::All).await;
        assert_eq!(outcome.exit, Exit::Code { code: 4 });
        let said = String::from_utf8(said).expect("text");
        assert!(said.contains("parent") && said.contains("child"), "{said}");
        supervisor
    });
}

#[test]
fn row_1_9_interrupt_terminate_and_kill_end_a_job_each_by_its_own_number() {
    with_supervisor(|supervisor| async move {
        for number in [2, 15, 9] {
            let (outcome, _) = signalled(&supervisor, "echo ready; exec sleep 1000", number, Target::Leader).await;
            assert_eq!(outcome.exit, Exit::Signal { signal: number, core: false });
            assert_eq!(outcome.cause, Cause::Itself, "who signals does not stop");
        }
        supervisor
    });
}

#[test]
fn row_1_11_a_job_that_has_ended_has_no_process_id() {
    with_supervisor(|supervisor| async move {
        let (job, jobs) = (started(&supervisor, "read line").await, supervisor.all_jobs());
        job.wait().await.expect("it ends");
        assert_eq!(jobs.info(job.id()).expect("listed").pid, None);
        supervisor
    });
}

#[test]
fn row_1_17_the_end_has_the_sum_of_all_that_was_written() {
    with_supervisor(|supervisor| async move {
        let job = started(&supervisor, "printf abc").await;
        let mut reader = job.output(OutputFrom::Start);
        let log = loop {
            if let Some(Item::Ended(ended)) = reader.next().await {
                let Ended { log, .. } = *ended;
                break log;
            }
        };
        let LogEnd { stdout, complete, .. } = log;
        assert_eq!((stdout, complete), (3, true));
        // FIPS 180-4, the first of its examples.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(format!("{log:?}").contains(sum), "{log:?}");
        supervisor
    });
}

#[test]
fn row_1_18_an_outcome_has_the_code_that_a_shell_would_have() {
    with_supervisor(|supervisor| async move {
        for (script, code) in [("exit 0", 0), ("exit 1", 1), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
            assert_eq!(ran(&supervisor, shell(script)).await.0.shell_code(), Some(code), "{script}");
        }
        supervisor
    });
}

/// The signals that this process catches, as proc_pid_status(5) tells them.
fn caught() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    status.lines().filter(|line| line.starts_with("SigCgt") || line.starts_with("SigIgn")).collect()
}

#[test]
fn row_1_21_the_library_prints_nothing_catches_no_signal_and_does_not_exit() {
    let before = caught();
    with_supervisor(|supervisor| async move {
        ran(&supervisor, shell("echo out; echo err >&2; exit 3")).await;
        supervisor
    });
    assert_eq!(caught(), before);
    let program = integration::support::ironcell_path().with_file_name("look_embed");
    let output = Command::new(program).arg("drop-job-first").output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.trim_end().parse::<u32>().is_ok() && output.stderr.is_empty(), "{text}");
}

#[test]
fn row_3_5_when_a_stop_returns_no_process_and_no_cgroup_of_the_job_is_left() {
    with_supervisor(|supervisor| async move {
        let job =
            started(&supervisor, "trap '' TERM; (setsid sleep 1000 &); echo ready; while true; do sleep 1; done").await;
        let place = std::fs::read_to_string(format!("/proc/{}/cgroup", job.pid())).expect("it runs");
        let path = place.lines().find_map(|line| line.strip_prefix("0::")).expect("a cgroup").to_owned();
        let stopped = job.stop_and_wait(Stopper::Caller, Some(Duration::from_millis(100))).await.expect("it ends");
        assert!(stopped.was_running && stopped.outcome.residue.is_empty(), "{stopped:?}");
        assert!(!PathBuf::from(format!("/proc/{}", job.pid())).exists());
        assert!(!PathBuf::from(format!("/sys/fs/cgroup{path}")).exists(), "{path}");
        supervisor
    });
}

#[test]
fn row_3_6_counts_and_status_change_with_the_natural_end() {
    with_supervisor(|supervisor| async move {
        let jobs = supervisor.jobs_of(Owner::default());
        let job = started(&supervisor, "echo ready; sleep 0.2").await;
        assert_eq!((jobs.counts().running, jobs.info(job.id()).expect("listed").status), (1, Status::Running));
        job.wait().await.expect("it ends");
        assert_eq!((jobs.counts().running, jobs.counts().completed), (0, 1));
        assert_eq!(jobs.info(job.id()).expect("listed").status, Status::Completed);
        supervisor
    });
}

#[test]
fn row_3_8_and_3_9_any_number_have_the_lines_each_with_its_stream() {
    with_supervisor(|supervisor| async move {
        let job = started(&supervisor, "echo one; sleep 0.2; echo two >&2; sleep 0.2; echo three").await;
        let line = |stream, text: &str| (stream, text.as_bytes().to_vec(), true);
        let wanted = [line(Stream::Stdout, "one"), line(Stream::Stderr, "two"), line(Stream::Stdout, "three")];
        let (first, second) = tokio::join!(lines(&job), lines(&job));
        assert_eq!((&first[..], &second[..]), (&wanted[..], &wanted[..]), "and nobody takes another's");
        assert_eq!(lines(&job).await, wanted, "also after the end");
        supervisor
    });
}

#[test]
fn row_3_10_and_3_11_lines_are_bytes_with_their_blanks_and_bounded_in_length() {
    with_supervisor(|supervisor| async move {
        let job =
            started(&supervisor, r"printf '  a \n\377\376\n\n'; head -c 200000 /dev/zero | tr '\0' x; printf '\nend'")
                .await;
        let all = lines(&job).await;
        let texts: Vec<&[u8]> = all.iter().take(3).map(|(_, bytes, _)| &bytes[..]).collect();
        assert_eq!(texts, [&b"  a "[..], b"\xff\xfe", b""]);
        let (last, parts) = all[3..].split_last().expect("there are more");
        assert_eq!((&last.1[..], last.2), (&b"end"[..], false), "no newline is invented");
        assert!(parts.iter().all(|(_, bytes, _)| bytes.len() <= 64 * 1024), "a line has a bound");
        assert_eq!(parts.iter().map(|(_, bytes, _)| bytes.len()).sum::<usize>(), 200_000);
        supervisor
    });
}

#[test]
fn row_3_14_what_goes_wrong_is_told_by_kind() {
    with_supervisor(|supervisor| async move {
        let jobs = supervisor.jobs_of(Owner::default());
        let job = started(&supervisor, "echo ready; sleep 1000").await;
        assert!(matches!(jobs.remove(job.id()), Err(Error::StillRunning(id)) if id == job.id()));
        job.kill_and_wait(Stopper::Caller).await.expect("it ends");
        assert!(matches!(job.stats().await, Err(Error::Ended(_))));
        jobs.remove(job.id()).expect("it has ended");
        assert!(matches!(jobs.get(job.id()), Err(Error::NotFound { .. })));
        let none = supervisor.start(shell("exit"), StdioSet::default()).await;
        none.expect("it starts").wait().await.expect("it ends");
        supervisor
    });
}

#[test]
fn row_3_13_and_3_15_a_handle_does_without_the_list_and_the_job_goes_with_the_last() {
    with_supervisor(|supervisor| async move {
        let jobs = supervisor.jobs_of(Owner::default());
        let job = started(&supervisor, "echo ready; sleep 1000").await;
        let (id, other) = (job.id(), job.clone());
        drop(job);
        assert_eq!(other.try_wait(), None, "another handle holds it");
        let waiting = jobs.events().1;
        drop(other);
        drop(waiting);
        // Who waits through the list holds it as well, so the end is looked for.
        while jobs.info(id).expect("listed").status.is_running() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(jobs.info(id).expect("listed").cause, Some(Cause::OwnerGone));
        let job = started(&supervisor, "echo kept").await;
        job.wait().await.expect("it ends");
        jobs.remove(job.id()).expect("it has ended");
        assert_eq!(lines(&job).await, [(Stream::Stdout, b"kept".to_vec(), true)]);
        supervisor
    });
}
