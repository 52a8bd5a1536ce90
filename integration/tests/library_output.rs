//! The output of a job as the library's log has it: every reader sees every byte that is kept, a gap for the rest, and the
//! end after the last byte; and no reader costs the job anything.

use integration::embed::{logged, shell, with_threads};
use integration::inside::children;
use integration::support::rounds;
use ironcell::life::{Cause, Exit, Line, LogEnd, Stopper, Stream};
use ironcell::spec::{JobSpec, Stdio, StdioSet};
use ironcell::supervise::{Ended, Item, Job, LineItem, OutputFrom, OutputReader, Supervisor};
use std::io::{BufRead, Write};
use std::process::{Command, Stdio as Piped};
use std::time::Duration;
use tokio::io::AsyncBufReadExt;

/// The least that a log may keep.
const LEAST: u64 = 64 << 10;

/// The same job with a log of this size.
fn keeping(bytes: u64, script: &str) -> JobSpec {
    JobSpec::command("sh").args(["-c", script]).log_max(bytes).build().expect("a spec")
}

/// What a reader was told up to the end.
#[derive(Default)]
struct Heard {
    all: Vec<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    gaps: Vec<(u64, u64)>,
    end: Option<Ended>,
}

impl Heard {
    fn log(&self) -> &LogEnd {
        &self.end.as_ref().expect("it ends").log
    }
}

/// How a reader goes on.
#[derive(Clone, Copy)]
enum Pace {
    Steady,
    /// With a pause before each item.
    Slow,
    /// Gives each wait up after a millisecond and begins it again: had it taken anything, there would be a hole.
    Hasty,
}

impl Pace {
    async fn next(self, reader: &mut OutputReader) -> Option<Item> {
        loop {
            match self {
                Self::Steady => return reader.next().await,
                Self::Slow => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    return reader.next().await;
                }
                Self::Hasty => {
                    if let Ok(item) = tokio::time::timeout(Duration::from_millis(1), reader.next()).await {
                        return item;
                    }
                }
            }
        }
    }
}

/// Reads to the end; fails the test on a hole that is not told, a duplicate, time that goes back, or anything after the end.
async fn hear(mut reader: OutputReader, pace: Pace) -> Heard {
    let (mut heard, mut at, mut time) = (Heard::default(), reader.offset(), Duration::ZERO);
    while let Some(item) = pace.next(&mut reader).await {
        assert!(heard.end.is_none(), "{item:?} after the end");
        match item {
            Item::Chunk(chunk) => {
                assert!(chunk.offset == at && chunk.at >= time && !chunk.bytes.is_empty(), "{at}: {chunk:?}");
                (at, time) = (at + chunk.bytes.len() as u64, chunk.at);
                heard.all.extend_from_slice(&chunk.bytes);
                let stream = if chunk.stream == Stream::Stdout { &mut heard.stdout } else { &mut heard.stderr };
                stream.extend_from_slice(&chunk.bytes);
            }
            Item::Gap { from, to } => {
                assert!(from == at && from < to, "{at}: a gap from {from} to {to}");
                at = to;
                heard.gaps.push((from, to));
            }
            Item::Ended(end) => heard.end = Some(*end),
        }
        assert_eq!(reader.offset(), at);
    }
    assert_eq!(reader.next().await, None, "the end is told once");
    let log = heard.log();
    assert_eq!(at, log.stdout + log.stderr, "the end comes before the last byte");
    heard
}

/// From the first byte, without a pause.
async fn hear_all(job: &Job) -> Heard {
    hear(job.output(OutputFrom::Start), Pace::Steady).await
}

/// SHA-256 as another program computes it.
fn sha256(bytes: &[u8]) -> String {
    let mut child =
        Command::new("sha256sum").stdin(Piped::piped()).stdout(Piped::piped()).spawn().expect("sha256sum starts");
    child.stdin.take().expect("piped").write_all(bytes).expect("it reads");
    let said = child.wait_with_output().expect("it ends").stdout;
    String::from_utf8_lossy(&said).split_whitespace().next().expect("a sum").to_owned()
}

/// Three readers of the same job, each at a pace of its own.
async fn three_readers(job: &Job) -> [Heard; 3] {
    let begin = |pace| tokio::spawn(hear(job.output(OutputFrom::Start), pace));
    let (steady, slow, hasty) = (begin(Pace::Steady), begin(Pace::Slow), begin(Pace::Hasty));
    [steady.await.expect("no panic"), slow.await.expect("no panic"), hasty.await.expect("no panic")]
}

/// Runs of this many jobs, each with three readers.
async fn many_runs(supervisor: &Supervisor, script: &str, exit: u8, wanted: &[u8]) {
    let sum = sha256(wanted);
    for _ in 0..rounds(20) {
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        for heard in three_readers(&job).await {
            assert!(heard.all == wanted, "{} bytes of {}", heard.all.len(), wanted.len());
            let log = LogEnd {
                stdout: wanted.len() as u64,
                stderr: 0,
                sha256: Some(sum.clone()),
                beyond: 0,
                unwritten: 0,
                complete: true,
            };
            assert_eq!(*heard.log(), log);
            assert_eq!(heard.end.map(|end| end.outcome.exit), Some(Exit::Code { code: exit }));
        }
        assert!(job.try_wait().is_some(), "a reader is told the end before the outcome is");
        assert!(hear_all(&job).await.all == wanted, "who comes after the end sees less");
    }
}

#[test]
fn three_readers_of_each_of_many_runs_see_every_byte_and_the_same_sum() {
    let numbers: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    for threads in [0, 4] {
        let numbers = numbers.clone();
        with_threads(threads, async move {
            let supervisor = Supervisor::open().expect("a supervisor");
            many_runs(&supervisor, "exec seq 1 20000", 0, numbers.as_bytes()).await;
            many_runs(&supervisor, "printf last; exit 7", 7, b"last").await;
            many_runs(&supervisor, "exit 3", 3, b"").await;
            supervisor.close();
        });
    }
}

#[test]
fn a_thousand_readers_that_stop_hold_up_neither_the_job_nor_one_that_goes_on() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "echo first; sleep 0.3; head -c 20000000 /dev/zero";
        let job = supervisor.start(keeping(LEAST, script), logged()).await.expect("it starts");
        let mut stopped = job.output(OutputFrom::Start);
        assert!(matches!(stopped.next().await, Some(Item::Chunk(_))));
        let all: Vec<OutputReader> = (0..1000).map(|_| stopped.clone()).collect();
        // Were one of them waited for, the job would never end: its output is far more than the log and the pipe hold.
        let outcome = job.wait().await.expect("it ends");
        assert_eq!(outcome.exit, Exit::Code { code: 0 });
        for reader in all.into_iter().take(10) {
            let heard = hear(reader, Pace::Steady).await;
            let [(6, to)] = heard.gaps[..] else { panic!("gaps: {:?}", heard.gaps) };
            assert_eq!(heard.all.len() as u64, 20_000_006 - to);
            assert!(heard.all.len() as u64 > LEAST / 2 && heard.all.len() as u64 <= LEAST, "{to}");
            assert_eq!(heard.log().stdout, 20_000_006);
            assert_eq!(heard.end.expect("it ends").outcome, outcome);
        }
        supervisor.close();
    });
}

#[test]
fn any_bytes_pass_unchanged_and_the_two_streams_stay_apart() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "head -c 300000 /dev/urandom | tee /dev/stderr";
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        let heard = hear_all(&job).await;
        assert_eq!((heard.stdout.len(), &heard.gaps[..]), (300_000, &[][..]));
        assert!(heard.stdout == heard.stderr, "the same bytes went into both");
        assert_eq!(heard.log().sha256, Some(sha256(&heard.all)));
        assert_eq!((heard.log().stdout, heard.log().stderr), (300_000, 300_000));
        let script = "for i in $(seq 500); do echo out $i; echo err $i >&2; done";
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        let heard = hear_all(&job).await;
        let lines = |word: &str| (1..=500).map(|i| format!("{word} {i}\n")).collect::<String>().into_bytes();
        assert!(heard.stdout == lines("out") && heard.stderr == lines("err"), "out of order");
        // A job that makes one of both itself has one order.
        let job = supervisor.start(shell(&format!("exec 2>&1; {script}")), logged()).await.expect("it starts");
        let both: String = (1..=500).map(|i| format!("out {i}\nerr {i}\n")).collect();
        assert!(hear_all(&job).await.stdout == both.into_bytes(), "out of order");
        supervisor.close();
    });
}

#[test]
fn what_is_written_after_the_leaders_end_comes_before_the_end_is_told() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for _ in 0..rounds(20) {
            let script = "echo first; (while :; do echo more; done) & (while :; do echo other >&2; done) & exit 4";
            let job = supervisor.start(keeping(LEAST, script), logged()).await.expect("it starts");
            let heard = hear_all(&job).await;
            assert!(heard.log().complete, "nobody is left who could write");
            assert_eq!(heard.end.map(|end| end.outcome.exit), Some(Exit::Code { code: 4 }));
        }
        supervisor.close();
    });
}

#[test]
fn who_holds_the_jobs_output_outside_of_the_cell_holds_up_the_end_for_a_bounded_time_only() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = supervisor.start(shell("echo x; sleep 1000"), logged()).await.expect("it starts");
        // Its own word comes first.
        let said = job.output(OutputFrom::Start).next().await;
        assert!(matches!(&said, Some(Item::Chunk(chunk)) if chunk.bytes == b"x\n"), "{said:?}");
        let leader = children(job.pid())[0];
        let opened = std::fs::OpenOptions::new().write(true).open(format!("/proc/{leader}/fd/1"));
        let mut outside = opened.expect("root opens the pipe of a job");
        outside.write_all(b"from outside\n").expect("it is read");
        job.kill(Stopper::Caller);
        let heard = hear_all(&job).await;
        assert!(!heard.log().complete, "the end of standard output was never seen");
        assert_eq!(String::from_utf8_lossy(&heard.stdout), "x\nfrom outside\n");
        // The pipe is closed on our side: nobody can fill memory or a log that is sealed.
        let error = outside.write_all(b"later").expect_err("nobody reads");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        supervisor.close();
    });
}

#[test]
fn a_reader_begins_where_it_is_told_to_and_goes_on_where_another_stopped() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job =
            supervisor.start(shell("seq 1 20000; sleep 0.3; printf unfinished"), logged()).await.expect("it starts");
        let mut first = job.output(OutputFrom::Start);
        let Some(Item::Chunk(chunk)) = first.next().await else { panic!("output comes first") };
        let rest = hear(job.output(OutputFrom::Offset(first.offset())), Pace::Steady).await;
        let whole = hear_all(&job).await;
        assert!([chunk.bytes, rest.all].concat() == whole.all, "a hole or a duplicate");
        let from = async |from| String::from_utf8(hear(job.output(from), Pace::Steady).await.all).expect("text");
        assert_eq!(from(OutputFrom::TailLines(3)).await, "19999\n20000\nunfinished");
        assert_eq!(from(OutputFrom::TailBytes(4)).await, "shed");
        assert_eq!(from(OutputFrom::TailLines(0)).await, "");
        assert_eq!(from(OutputFrom::TailBytes(u64::MAX)).await.as_bytes(), whole.all);
        supervisor.close();
    });
}

#[test]
fn a_reader_does_not_keep_a_job_and_hears_how_it_ended() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = supervisor.start(shell("echo x; sleep 1000"), logged()).await.expect("it starts");
        let reader = job.output(OutputFrom::Start);
        drop(job);
        let heard = hear(reader, Pace::Steady).await;
        assert_eq!(heard.end.map(|end| end.outcome.cause), Some(Cause::OwnerGone));
        supervisor.close();
    });
}

#[test]
fn a_job_whose_output_goes_elsewhere_has_an_empty_log_and_no_log_is_an_input() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = supervisor.start(shell("echo x; exit 5"), StdioSet::default()).await.expect("it starts");
        let heard = hear_all(&job).await;
        assert_eq!((heard.all.len(), heard.log().stdout, heard.log().complete), (0, 0, true));
        let input = StdioSet { stdin: Stdio::Log, ..StdioSet::default() };
        let error = supervisor.start(shell("exit 0"), input).await.expect_err("refused");
        assert!(error.to_string().contains("log as its standard input"), "{error}");
        supervisor.close();
    });
}

#[test]
fn lines_are_read_by_tasks_and_by_threads_while_the_job_writes_them() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "for i in $(seq 1000); do echo line $i; echo other >&2; done; sleep 0.3; echo line 1001";
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        let stdout = || job.output(OutputFrom::Start).only(Stream::Stdout);
        let (mut lines, blocking) = (stdout().into_bytes().lines(), stdout().into_blocking());
        let thread = std::thread::spawn(|| blocking.lines().collect::<Result<Vec<_>, _>>().expect("no gap"));
        let mut read = Vec::new();
        while let Some(line) = lines.next_line().await.expect("no gap") {
            read.push(line);
        }
        assert!(job.try_wait().is_some(), "the last line's reader is told the end before the outcome is");
        let wanted: Vec<String> = (1..=1001).map(|i| format!("line {i}")).collect();
        assert!(read == wanted && thread.join().expect("no panic") == wanted, "a hole or a duplicate");
        supervisor.close();
    });
}

#[test]
fn lines_of_both_streams_come_whole_with_their_places_and_times() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script =
            "for i in $(seq 500); do printf '  out'; echo err $i >&2; echo \" $i\r\"; done; sleep 0.3; printf prompt";
        let job = supervisor.start(shell(script), logged()).await.expect("it starts");
        let mut lines = job.output(OutputFrom::Start).into_lines();
        let (mut out, mut err, mut last) = (Vec::new(), Vec::new(), None);
        while let Some(item) = lines.next_line().await {
            match item {
                LineItem::Line(Line { stream: Stream::Stdout, complete: true, bytes, .. }) => out.push(bytes),
                LineItem::Line(Line { stream: Stream::Stderr, complete: true, bytes, .. }) => err.push(bytes),
                LineItem::Line(line) => assert!(last.replace(line).is_none(), "one has no newline"),
                LineItem::Ended(ended) => assert_eq!(ended.outcome.cause, Cause::Itself),
                LineItem::Gap { from, to } => panic!("a gap from {from} to {to}"),
            }
        }
        let wanted = |line: fn(u32) -> String| (1..=500).map(|i| line(i).into_bytes()).collect::<Vec<_>>();
        assert!(out == wanted(|i| format!("  out {i}\r")) && err == wanted(|i| format!("err {i}")), "cut or changed");
        let last = last.expect("a prompt has no newline");
        assert_eq!((&last.bytes[..], last.stream), (&b"prompt"[..], Stream::Stdout));
        // The others were read long before.
        let mut reader = job.output(OutputFrom::Since(last.at));
        assert!(matches!(reader.try_next(), Ok(Item::Chunk(chunk)) if chunk.bytes == b"prompt"));
        assert!(matches!(reader.try_next(), Ok(Item::Ended(_))));
        supervisor.close();
    });
}
