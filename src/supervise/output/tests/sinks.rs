//! The sink of a job beside pipes that a test writes to.

use super::*;
use crate::spec::{JobSpecBuilder, Overflow};

/// A recording of two pipes, and the job's ends of them.
fn recorded(spec: JobSpecBuilder) -> (Recording, OutputSink, [File; 2]) {
    let set = StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
    let wired = stdio::wire(set, false).expect("two pipes");
    let spec = spec.overflow(Overflow::Block).log_max(64 << 10).build().expect("a spec");
    let (mut recording, _) = Recording::begin(&spec, wired.ours.intakes, None, Instant::now());
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
