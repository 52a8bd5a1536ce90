//! Readers beside a log that a test writes: what a kernel does not let happen at will.

use super::*;
use crate::life::log::Log;
use crate::life::{Cause, Exit, Outcome, Stream};
use crate::os::stdio;
use crate::spec::{JobSpec, JobSpecBuilder, Overflow, Stdio, StdioSet};
use std::fs::File;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::Instant;

/// A job that is nothing but its log and its end.
struct Fake {
    log: watch::Sender<Log>,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Fake {
    fn keeping(bytes: usize) -> Self {
        Self { log: watch::Sender::new(Log::new(bytes)), outcome: watch::Sender::new(None) }
    }

    fn reader(&self) -> OutputReader {
        OutputReader::new(self.log.subscribe(), self.outcome.subscribe(), OutputFrom::Start)
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        self.log.send_modify(|log| log.append(stream, Duration::ZERO, bytes));
    }

    fn seal(&self) {
        self.log.send_modify(|log| log.seal(true));
    }

    fn publish(&self) {
        self.outcome.send_replace(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
    }
}

#[tokio::test]
async fn what_is_in_the_pipes_when_the_job_is_gone_is_read_before_the_seal() {
    let set = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("two pipes");
    let spec = JobSpec::command("true").build().expect("a spec");
    let (mut recording, log) = Recording::begin(&spec, wired.ours.intakes, Instant::now());
    // On one thread nobody reads before the end is asked for.
    File::from(wired.theirs.stdout).write_all(&[1; 60_000]).expect("a pipe holds as much");
    File::from(wired.theirs.stderr).write_all(&[2; 60_000]).expect("a pipe holds as much");
    recording.end().await;
    let outcome = watch::Sender::new(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
    let mut reader = OutputReader::new(log, outcome.subscribe(), OutputFrom::Offset(120_000));
    let Some(Item::Ended(end)) = reader.next().await else { panic!("all was read") };
    assert_eq!((end.log.stdout, end.log.stderr, end.log.complete), (60_000, 60_000, true));
}

#[tokio::test]
async fn the_end_is_told_when_the_outcome_is_there_and_a_wait_for_it_can_be_given_up() {
    let fake = Fake::keeping(1000);
    fake.write(Stream::Stdout, b"x");
    fake.seal();
    let mut reader = fake.reader();
    assert!(matches!(reader.next().await, Some(Item::Chunk(_))));
    for _ in 0..3 {
        // The one is ready at once, the other never.
        let told = tokio::select! { biased; item = reader.next() => Some(item), () = yield_now() => None };
        assert_eq!(told, None, "nothing is published yet");
    }
    fake.publish();
    assert!(matches!(reader.next().await, Some(Item::Ended(_))));
    assert_eq!(reader.next().await, None);
}

#[tokio::test]
async fn a_driver_that_is_gone_before_the_end_is_no_end() {
    let fake = Fake::keeping(1000);
    fake.write(Stream::Stdout, b"all there is");
    let (mut reader, mut bytes) = (fake.reader(), fake.reader().into_bytes());
    drop(fake);
    assert!(matches!(reader.next().await, Some(Item::Chunk(_))), "what is there is told");
    assert_eq!(reader.next().await, None);
    let mut all = Vec::new();
    let error = bytes.read_to_end(&mut all).await.expect_err("cut off");
    assert_eq!((error.kind(), &all[..]), (ErrorKind::UnexpectedEof, &b"all there is"[..]));
}

#[tokio::test]
async fn a_reader_of_bytes_is_told_of_a_gap_once_and_goes_on_behind_it() {
    let fake = Fake::keeping(1000);
    fake.write(Stream::Stdout, &[0; 5000]);
    fake.write(Stream::Stderr, b"kept\n");
    fake.seal();
    fake.publish();
    let mut bytes = fake.reader().into_bytes();
    let error = bytes.read_u8().await.expect_err("the first bytes are lost");
    let lost = error.get_ref().and_then(|error| error.downcast_ref::<Lost>());
    assert_eq!(lost, Some(&Lost { from: 0, to: 5000 }));
    let mut rest = String::new();
    bytes.read_to_string(&mut rest).await.expect("the rest is kept");
    assert_eq!(rest, "kept\n");
    assert_eq!(bytes.read(&mut [0; 1]).await.expect("an end stays one"), 0);
}

#[tokio::test]
async fn lines_of_one_stream_are_not_cut_by_the_other() {
    let fake = Fake::keeping(usize::MAX);
    for (stream, bytes) in [(Stream::Stdout, "one, "), (Stream::Stderr, "oops\n"), (Stream::Stdout, "still one\ntwo\n")]
    {
        fake.write(stream, bytes.as_bytes());
    }
    fake.seal();
    fake.publish();
    let mut lines = fake.reader().only(Stream::Stdout).into_bytes().lines();
    assert_eq!(lines.next_line().await.expect("no gap").as_deref(), Some("one, still one"));
    assert_eq!(lines.next_line().await.expect("no gap").as_deref(), Some("two"));
    assert_eq!(lines.next_line().await.expect("no gap"), None);
}

#[test]
fn a_thread_without_a_runtime_reads_what_is_written_meanwhile() {
    let fake = Fake::keeping(usize::MAX);
    let (lines, mut bytes) = (fake.reader().into_blocking().lines(), fake.reader().into_blocking());
    let readers = (
        thread::spawn(move || lines.collect::<Result<Vec<_>, _>>().expect("no gap")),
        thread::spawn(move || {
            let mut all = Vec::new();
            bytes.read_to_end(&mut all).expect("no gap");
            all
        }),
    );
    let written: Vec<String> = (0..2000).map(|number| number.to_string()).collect();
    for line in &written {
        fake.write(Stream::Stdout, format!("{line}\n").as_bytes());
    }
    fake.seal();
    fake.publish();
    assert!(readers.0.join().expect("no panic") == written, "a hole or a duplicate");
    let all = readers.1.join().expect("no panic");
    assert_eq!(all, written.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes());
}

/// A recording of two pipes, and the job's ends of them.
fn recorded(spec: JobSpecBuilder) -> (Recording, OutputSink, [File; 2]) {
    let set = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("two pipes");
    let spec = spec.overflow(Overflow::Block).log_max(64 << 10).build().expect("a spec");
    let (mut recording, _) = Recording::begin(&spec, wired.ours.intakes, Instant::now());
    let outcome = watch::Sender::new(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
    let sink = recording.sink(outcome.subscribe()).expect("the job waits for one");
    assert!(recording.sink(outcome.subscribe()).is_none(), "there is one sink");
    // It need not be held: what it has told stays.
    (recording, sink, [wired.theirs.stdout.into(), wired.theirs.stderr.into()])
}

/// Writes as much as there is room for, on a thread of its own; tells how much was written so far.
fn writes(mut to: File, total: usize) -> (thread::JoinHandle<std::io::Result<()>>, std::sync::mpsc::Receiver<usize>) {
    let (tell, told) = std::sync::mpsc::channel();
    let work = move || {
        for written in (0..total).step_by(4096) {
            to.write_all(&[b'x'; 4096])?;
            let _ = tell.send(written + 4096);
        }
        Ok(())
    };
    (thread::spawn(work), told)
}

/// All that a sink is told.
async fn taken(sink: &mut OutputSink) -> u64 {
    let mut bytes = 0;
    loop {
        match sink.next().await {
            Some(Item::Chunk(chunk)) => bytes += chunk.bytes.len() as u64,
            Some(Item::Ended(_)) | None => return bytes,
            Some(gap) => panic!("{gap:?}"),
        }
    }
}

/// Much more than a log of 64 KiB and a pipe hold.
const MUCH: usize = 8 << 20;

#[tokio::test]
async fn a_sink_that_takes_nothing_holds_up_the_job_and_one_that_goes_on_loses_nothing() {
    let (mut recording, mut sink, [stdout, stderr]) = recorded(JobSpec::command("true"));
    drop(stderr);
    let (job, told) = writes(stdout, MUCH);
    // Nobody takes anything: it stands still when the pipe and the log are full, long before its end.
    tokio::time::timeout(Duration::from_millis(300), recording.over_limit()).await.expect_err("there is no limit");
    let written = told.try_iter().last().expect("some fits");
    assert!(written < MUCH && !job.is_finished(), "{written} bytes were not held up");
    let (taken, ()) = tokio::join!(taken(&mut sink), async {
        while !job.is_finished() {
            yield_now().await;
        }
        recording.end().await;
    });
    job.join().expect("no panic").expect("it is read");
    assert_eq!(taken, MUCH as u64);
}

#[tokio::test]
async fn a_sink_that_is_dropped_holds_up_nothing_and_the_end_waits_for_none() {
    let (mut recording, sink, [stdout, stderr]) = recorded(JobSpec::command("true"));
    let (job, _told) = writes(stdout, MUCH);
    drop((sink, stderr));
    while !job.is_finished() {
        yield_now().await;
    }
    job.join().expect("no panic").expect("it is read");
    assert_eq!(recording.end().await.bytes, MUCH as u64);
    // One that is still there and takes nothing: what the pipe holds is read all the same, and kept for it.
    let (mut recording, mut sink, [mut stdout, stderr]) = recorded(JobSpec::command("true"));
    stdout.write_all(&[1; 100_000]).expect("a pipe holds as much");
    drop((stdout, stderr));
    assert_eq!(recording.end().await.bytes, 100_000);
    assert_eq!(taken(&mut sink).await, 100_000);
}

#[tokio::test]
async fn a_stream_that_a_sink_refuses_is_a_broken_pipe_to_the_job_and_the_other_goes_on() {
    let (mut recording, mut sink, [mut stdout, mut stderr]) = recorded(JobSpec::command("true"));
    sink.refuse(Stream::Stdout);
    // It is seen when the reading runs again.
    let error = loop {
        yield_now().await;
        if let Err(error) = stdout.write_all(b"x") {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    stderr.write_all(b"still here").expect("it is read");
    drop((stdout, stderr));
    recording.end().await;
    assert!(taken(&mut sink).await >= 10);
}

#[tokio::test]
async fn the_limit_is_told_once_and_what_was_written_up_to_it_is_kept() {
    let (mut recording, mut sink, [mut stdout, mut stderr]) = recorded(JobSpec::command("true").output_limit(6));
    stdout.write_all(b"one").expect("a pipe holds it");
    stderr.write_all(b"two").expect("a pipe holds it");
    let quiet = Duration::from_millis(50);
    tokio::time::timeout(quiet, recording.over_limit()).await.expect_err("as much as it may");
    stdout.write_all(b"three").expect("a pipe holds it");
    recording.over_limit().await;
    stdout.write_all(b"four").expect("it is still read");
    tokio::time::timeout(quiet, recording.over_limit()).await.expect_err("told before");
    drop((stdout, stderr));
    let written = recording.end().await;
    assert_eq!((written.bytes, written.limit), (15, Some(6)));
    assert_eq!(taken(&mut sink).await, 6);
}
