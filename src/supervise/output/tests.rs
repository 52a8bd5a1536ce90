//! Readers beside a log that a test writes: what a kernel does not let happen at will.

mod disks;
mod killed;
mod moved;
mod orders;
mod reopened;
mod sinks;

use super::*;
use crate::life::log::Log;
use crate::life::{Cause, Exit, Line, Outcome, Stream};
use crate::os::stdio;
use crate::spec::{JobSpec, Stdio, StdioSet};
use std::fs::File;
use std::future::poll_fn;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::pin::Pin;
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
        self.write_at(Duration::ZERO, stream, bytes);
    }

    fn write_at(&self, at: Duration, stream: Stream, bytes: &[u8]) {
        self.log.send_modify(|log| log.append(stream, at, bytes));
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
    let (mut recording, log) = Recording::begin(&spec, wired.ours.intakes, None, Instant::now());
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

/// An item in a few words.
fn shown(item: LineItem) -> String {
    match item {
        LineItem::Line(Line { offset, stream, bytes, complete, .. }) => {
            let end = if complete { "" } else { " ..." };
            format!("{offset} {stream:?} {:?}{end}", String::from_utf8_lossy(&bytes))
        }
        LineItem::Gap { from, to } => format!("gap {from} {to}"),
        LineItem::Ended(ended) => format!("end {}", ended.log.stdout + ended.log.stderr),
    }
}

#[tokio::test]
async fn lines_of_both_streams_are_told_whole_and_cut_only_by_a_gap_or_the_end() {
    // Room for what is left after the gap.
    let fake = Fake::keeping(1000);
    let mut lines = fake.reader().into_lines();
    let mut told = Vec::new();
    fake.write(Stream::Stdout, b"  one,\t");
    assert_eq!(lines.try_next_line(), Err(NotNow::WouldBlock), "a line that goes on");
    fake.write(Stream::Stderr, b"oops\r\n");
    fake.write(Stream::Stdout, b"still one\n\nlost");
    for _ in 0..3 {
        told.push(shown(lines.next_line().await.expect("it is there")));
    }
    assert_eq!(lines.try_next_line(), Err(NotNow::WouldBlock));
    fake.write(Stream::Stdout, &[b'x'; 20_000]);
    fake.write(Stream::Stderr, b"kept\nunfinished");
    fake.seal();
    fake.publish();
    while let Some(item) = lines.next_line().await {
        told.push(shown(item));
    }
    assert_eq!(lines.try_next_line(), Err(NotNow::Over));
    let wanted = [
        "7 Stderr \"oops\\r\"",
        "0 Stdout \"  one,\\tstill one\"",
        "23 Stdout \"\"",
        "24 Stdout \"lost\" ...",
        "gap 28 20028",
        "20028 Stderr \"kept\"",
        "20033 Stderr \"unfinished\" ...",
        "end 20043",
    ];
    assert_eq!(told, wanted);
}

#[tokio::test]
async fn a_stream_of_items_or_lines_tells_the_same_and_ends_after_the_end() {
    async fn all<S: futures_core::Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
        let mut items = Vec::new();
        while let Some(item) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            items.push(item);
        }
        assert!(poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await.is_none(), "an end stays one");
        items
    }
    let fake = Fake::keeping(1000);
    let begun =
        (tokio::spawn(all(fake.reader().into_stream())), tokio::spawn(all(fake.reader().into_lines().into_stream())));
    for bytes in ["a\nb", "c\n", "d"] {
        yield_now().await;
        fake.write(Stream::Stdout, bytes.as_bytes());
    }
    fake.seal();
    fake.publish();
    let lines: Vec<String> = begun.1.await.expect("no panic").into_iter().map(shown).collect();
    assert_eq!(lines, ["0 Stdout \"a\"", "2 Stdout \"bc\"", "5 Stdout \"d\" ...", "end 6"]);
    let items = begun.0.await.expect("no panic");
    assert!(matches!(items.last(), Some(Item::Ended(_))));
    let bytes = |item: &Item| if let Item::Chunk(chunk) = item { chunk.bytes.clone() } else { Vec::new() };
    assert_eq!(items.iter().flat_map(bytes).collect::<Vec<u8>>(), b"a\nbc\nd");
}

#[test]
fn who_does_not_wait_is_told_what_is_there_and_whether_more_can_come() {
    let fake = Fake::keeping(1000);
    let (mut reader, mut cut_off) = (fake.reader().only(Stream::Stderr), fake.reader());
    assert_eq!(reader.try_next(), Err(NotNow::WouldBlock));
    fake.write(Stream::Stdout, b"not wanted");
    fake.write(Stream::Stderr, b"x");
    assert!(matches!(reader.try_next(), Ok(Item::Chunk(chunk)) if chunk.offset == 10));
    fake.seal();
    assert_eq!(reader.try_next(), Err(NotNow::WouldBlock), "nothing is published yet");
    fake.publish();
    assert!(matches!(reader.try_next(), Ok(Item::Ended(_))));
    assert_eq!(reader.try_next(), Err(NotNow::Over));
    // Somewhere else the end is told again.
    reader.seek(OutputFrom::Offset(11));
    assert!(matches!(reader.try_next(), Ok(Item::Ended(_))));
    drop(fake);
    assert!(matches!(cut_off.try_next(), Ok(Item::Chunk(_))), "what is there is told");
    let fake = Fake::keeping(1000);
    let mut reader = fake.reader();
    fake.write(Stream::Stdout, b"all there is");
    drop(fake);
    assert!(matches!(reader.try_next(), Ok(Item::Chunk(_))), "what is there is told");
    assert_eq!(reader.try_next(), Err(NotNow::Over), "its driver is gone");
}

#[test]
fn a_reader_begins_at_a_time_and_a_look_takes_nothing() {
    let fake = Fake::keeping(1000);
    let second = Duration::from_secs;
    for (at, stream, bytes) in [(1, Stream::Stdout, "one"), (2, Stream::Stderr, "two"), (2, Stream::Stdout, "three")] {
        fake.write_at(second(at), stream, bytes.as_bytes());
    }
    let mut reader = fake.reader();
    for (since, offset) in [(0, 0), (1, 0), (2, 3), (3, 11)] {
        reader.seek(OutputFrom::Since(second(since)));
        assert_eq!(reader.offset(), offset, "since {since} s");
    }
    let look = reader.snapshot();
    assert_eq!((look.bytes(), look.kept, look.end), (b"onetwothree".to_vec(), 0..11, None));
    assert_eq!(reader.clone().only(Stream::Stderr).snapshot().bytes(), b"two");
    assert_eq!((reader.offset(), reader.try_next()), (11, Err(NotNow::WouldBlock)), "it is where it was");
    fake.write(Stream::Stdout, &[0; 5000]);
    fake.seal();
    let look = reader.snapshot();
    assert_eq!((look.kept, look.chunks.len()), (5011..5011, 0));
    assert_eq!(look.end.map(|end| end.stdout), Some(5008));
}
