//! The log beside its writer, its readers and its sink in every order of turns that a scheduler can think of: shuttle says whose
//! turn is next, thousands of times over, and finds who waits for ever.
//!
//! A turn goes from one wait to the next: what happens under the lock of `tokio::sync::watch` is one step, which that lock
//! is for. So this finds a wake-up that is lost, an end that comes before the last byte, and bytes that are told twice or not
//! at all, whatever order the tasks come in; not a data race inside of tokio, which tokio's own tests look for.

use super::*;
use crate::life::log::Holder;
use crate::supervise::output::sink::Refused;
use shuttle::future::{block_on, spawn, yield_now};
use std::future::Future;
use std::sync::Arc;

/// Orders that are tried of each: at random, and by priorities that change a few times (PCT), which finds what needs few but
/// certain changes.
const ORDERS: usize = 1000;
const CHANGES: usize = 3;

/// What the job writes: pieces of some bytes each, so that a small log gives some up.
const PIECES: u64 = 24;
const PIECE: u64 = 700;

fn in_any_order<F: Future<Output = ()> + 'static>(scene: fn() -> F) {
    shuttle::check_random(move || block_on(scene()), ORDERS);
    shuttle::check_pct(move || block_on(scene()), ORDERS, CHANGES);
}

/// The byte at an offset.
fn byte(offset: u64) -> u8 {
    (offset % 251) as u8
}

fn piece(number: u64) -> Vec<u8> {
    (number * PIECE..(number + 1) * PIECE).map(byte).collect()
}

/// The job: writes all, is sealed, and its outcome is told; each a turn of its own.
async fn job(fake: Arc<Fake>) {
    for number in 0..PIECES {
        let stream = if number % 3 == 0 { Stream::Stderr } else { Stream::Stdout };
        fake.write(stream, &piece(number));
        yield_now().await;
    }
    fake.seal();
    yield_now().await;
    fake.publish();
}

/// What a reader was told of: nothing twice, nothing in between that is not a gap, the right bytes, and the end as the last.
/// Each wait is given up now and then and begun again.
async fn follow(mut reader: OutputReader, impatient: bool) -> (u64, u64) {
    let (mut at, mut seen, mut missed) = (reader.offset(), 0, 0);
    loop {
        let item = tokio::select! {
            biased;
            item = reader.next() => item,
            () = yield_now(), if impatient => continue,
        };
        match item.expect("there is an end") {
            Item::Chunk(chunk) => {
                assert_eq!(chunk.offset, at);
                let expected = (at..).take(chunk.bytes.len()).map(byte);
                assert!(expected.eq(chunk.bytes.iter().copied()), "other bytes at {at}");
                at += chunk.bytes.len() as u64;
                seen += chunk.bytes.len() as u64;
            }
            Item::Gap { from, to } => {
                assert!(from == at && to > from, "a gap from {from} to {to} at {at}");
                (at, missed) = (to, missed + to - from);
            }
            Item::Ended(ended) => {
                assert_eq!((at, ended.log.stdout + ended.log.stderr), (PIECES * PIECE, PIECES * PIECE));
                assert_eq!(reader.next().await, None);
                return (seen, missed);
            }
        }
    }
}

#[test]
fn in_any_order_of_turns_each_reader_is_told_all_or_of_what_it_missed_and_the_end_last() {
    in_any_order(|| async {
        // A log that keeps a few pieces: who is slow misses some.
        let fake = Arc::new(Fake::keeping(4096));
        let readers: Vec<_> =
            [(OutputFrom::Start, false), (OutputFrom::Start, true), (OutputFrom::TailBytes(1000), true)]
                .into_iter()
                .map(|(from, impatient)| {
                    let fake = Arc::clone(&fake);
                    spawn(async move {
                        let reader = OutputReader::new(fake.log.subscribe(), fake.outcome.subscribe(), from);
                        let begun = reader.offset();
                        let (seen, missed) = follow(reader, impatient).await;
                        assert_eq!(begun + seen + missed, PIECES * PIECE);
                    })
                })
                .collect();
        // One that leaves in the middle.
        let leaves = spawn({
            let mut reader = fake.reader();
            async move { drop((reader.next().await, reader.next().await)) }
        });
        let job = spawn(job(Arc::clone(&fake)));
        for task in readers.into_iter().chain([leaves, job]) {
            task.await.expect("no panic");
        }
    });
}

#[test]
fn in_any_order_of_turns_a_log_without_an_end_ends_its_readers_and_tells_no_outcome() {
    in_any_order(|| async {
        let fake = Fake::keeping(usize::MAX);
        let mut reader = fake.reader();
        let reads = spawn(async move {
            let mut seen = 0;
            while let Some(item) = reader.next().await {
                let Item::Chunk(chunk) = item else { panic!("{item:?}") };
                seen += chunk.bytes.len() as u64;
            }
            assert_eq!(seen, 2 * PIECE, "what was written is told");
        });
        for number in 0..2 {
            fake.write(Stream::Stdout, &piece(number));
            yield_now().await;
        }
        drop(fake);
        reads.await.expect("no panic");
    });
}

/// A job that waits for its sink: writes when there is room.
async fn waiting_job(log: Arc<watch::Sender<Log>>, outcome: watch::Sender<Option<Outcome>>) {
    let mut room = log.subscribe();
    for number in 0..PIECES {
        room.wait_for(|log| !log.is_full()).await.expect("the log is ours");
        log.send_modify(|log| log.append(Stream::Stdout, Duration::ZERO, &piece(number)));
    }
    log.send_modify(|log| log.seal(true));
    yield_now().await;
    outcome.send_replace(Some(Outcome::of(Exit::Code { code: 0 }, Cause::Itself)));
}

#[test]
fn in_any_order_of_turns_a_sink_gets_every_byte_and_one_that_leaves_holds_up_nothing() {
    in_any_order(|| async {
        for stays in [true, false] {
            let log = Arc::new(watch::Sender::new(Log::new(2048).held(Holder::Sink)));
            let outcome = watch::Sender::new(None);
            let refuse = watch::Sender::new(Refused::default());
            let mut sink = OutputSink::new(&log, outcome.subscribe(), refuse);
            let late = OutputReader::new(log.subscribe(), outcome.subscribe(), OutputFrom::Start);
            let takes = spawn(async move {
                let (mut at, mut left) = (0, if stays { u64::MAX } else { 2 });
                while left > 0
                    && let Some(item) = sink.next().await
                {
                    match item {
                        Item::Chunk(chunk) => {
                            assert_eq!((chunk.offset, chunk.bytes[0]), (at, byte(at)));
                            at += chunk.bytes.len() as u64;
                        }
                        Item::Ended(_) => assert_eq!(at, PIECES * PIECE),
                        Item::Gap { .. } => panic!("a sink has no gaps: {item:?}"),
                    }
                    left -= 1;
                }
            });
            let (job, reads) = (spawn(waiting_job(log, outcome)), spawn(follow(late, true)));
            takes.await.expect("no panic");
            job.await.expect("no panic");
            let (seen, missed) = reads.await.expect("no panic");
            assert_eq!(seen + missed, PIECES * PIECE);
        }
    });
}
