//! The log beside the simplest one there is: a vector of everything.

use super::*;
use proptest::prelude::*;

/// What a test does with a log.
#[derive(Debug, Clone)]
enum Deed {
    Write { stream: Stream, after_micros: u64, bytes: Vec<u8> },
    Read { reader: usize, most: usize },
}

/// Readers of one test.
const READERS: usize = 3;

fn stream() -> impl Strategy<Value = Stream> {
    prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)]
}

/// A few bytes with many newlines, or more than a chunk takes.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let few = prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..50);
    let many = (CHUNK_MOST - 10..3 * CHUNK_MOST).prop_map(|length| (0..length).map(|at| (at % 251) as u8).collect());
    prop_oneof![9 => few, 1 => many]
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let write = (stream(), 0..1500_u64, bytes()).prop_map(|(stream, after_micros, bytes)| Deed::Write {
        stream,
        after_micros,
        bytes,
    });
    let read = (0..READERS, 0..CHUNK_MOST * 2).prop_map(|(reader, most)| Deed::Read { reader, most });
    prop::collection::vec(prop_oneof![write, read], 0..80)
}

/// Everything that was ever written, and who wrote it when.
#[derive(Default)]
struct Model {
    bytes: Vec<u8>,
    streams: Vec<Stream>,
    times: Vec<Duration>,
    now: Duration,
}

impl Model {
    fn write(&mut self, log: &mut Log, stream: Stream, after_micros: u64, bytes: &[u8]) {
        self.now += Duration::from_micros(after_micros);
        self.bytes.extend_from_slice(bytes);
        self.streams.resize(self.bytes.len(), stream);
        self.times.resize(self.bytes.len(), self.now);
        log.append(stream, self.now, bytes);
    }

    /// Fails when a chunk is not what was written at its offset.
    fn assert_has(&self, chunk: &Chunk) {
        let from = usize::try_from(chunk.offset).expect("a test is small");
        let range = from..from + chunk.bytes.len();
        assert_eq!(self.bytes[range.clone()], chunk.bytes[..]);
        assert!(self.streams[range.clone()].iter().all(|stream| *stream == chunk.stream));
        let late = self.times[range].iter().map(|time| *time - chunk.at).max().expect("a chunk is not empty");
        assert!(late < JOIN_WITHIN, "a byte is told {late:?} too early");
    }

    fn written(&self, stream: Stream) -> u64 {
        self.streams.iter().filter(|of| **of == stream).count() as u64
    }

    /// The beginning of the last lines of `bytes`, by way of the standard library.
    fn tail_lines(&self, from: u64, lines: usize) -> u64 {
        let kept = &self.bytes[usize::try_from(from).expect("a test is small")..];
        let all: Vec<&[u8]> = kept.split_inclusive(|byte| *byte == b'\n').collect();
        let tail: usize = all.iter().rev().take(lines).map(|line| line.len()).sum();
        (self.bytes.len() - tail) as u64
    }
}

/// One step of a reader: what it found, and where it goes on.
fn step(model: &Model, log: &Log, at: u64, most: usize) -> u64 {
    match log.read(at, most) {
        Found::Chunk(chunk) => {
            assert_eq!(chunk.offset, at, "a hole or a duplicate");
            assert!(chunk.bytes.len() <= most.max(1), "more than was asked for");
            model.assert_has(&chunk);
            at + chunk.bytes.len() as u64
        }
        Found::Gap { to } => {
            assert!(at < to && to == log.kept().start, "a gap that is none");
            to
        }
        Found::NotYet | Found::End(_) => {
            assert_eq!(at, model.bytes.len() as u64, "bytes that are kept are not told");
            at
        }
    }
}

proptest! {
    #[test]
    fn readers_at_any_pace_see_every_byte_that_is_kept_and_a_gap_for_the_rest(
        deeds in deeds(),
        cap in prop_oneof![0..2000_usize, 0..6 * CHUNK_MOST],
        complete in any::<bool>(),
    ) {
        let (mut log, mut model, mut readers) = (Log::new(cap), Model::default(), [0; READERS]);
        for deed in deeds {
            match deed {
                Deed::Write { stream, after_micros, bytes } => model.write(&mut log, stream, after_micros, &bytes),
                Deed::Read { reader, most } => readers[reader] = step(&model, &log, readers[reader], most),
            }
            let kept = log.kept();
            prop_assert_eq!(kept.end, model.bytes.len() as u64);
            prop_assert!(log.cost <= cap);
            let bytes: usize = log.chunks.iter().map(|held| held.chunk.bytes.len() + CHUNK_COST).sum();
            prop_assert_eq!(bytes, log.cost);
            prop_assert!(kept.start == 0 || log.cost + CHUNK_MOST + CHUNK_COST > cap, "given up without need");
        }
        log.seal(complete);
        log.seal(!complete);
        log.append(Stream::Stdout, model.now, b"too late");
        let mut sum = Sum::default();
        sum.add(&model.bytes);
        let (stdout, stderr) = (model.written(Stream::Stdout), model.written(Stream::Stderr));
        let end = LogEnd { stdout, stderr, sha256: Some(sum.hex()), beyond: 0, unwritten: 0, complete };
        for mut at in readers {
            while log.read(at, usize::MAX) != Found::End(end.clone()) {
                at = step(&model, &log, at, usize::MAX);
            }
            prop_assert_eq!(at, model.bytes.len() as u64);
        }
    }

    #[test]
    fn a_tail_begins_where_the_last_lines_or_bytes_that_are_kept_begin(
        writes in prop::collection::vec((stream(), 0..1500_u64, bytes()), 0..20),
        cap in prop_oneof![Just(usize::MAX), 0..4 * CHUNK_MOST],
        count in 0..60_usize,
    ) {
        let (mut log, mut model) = (Log::new(cap), Model::default());
        writes.iter().for_each(|(stream, after, bytes)| model.write(&mut log, *stream, *after, bytes));
        let kept = log.kept();
        match log.tail_lines(count as u64) {
            Ok(begin) => prop_assert_eq!(begin, model.tail_lines(kept.start, count)),
            Err(more) => {
                // It says how many are missing: with as many in front of it, it would have been found there.
                prop_assert_eq!((more.before, model.tail_lines(kept.start, count)), (kept.start, kept.start));
                let inside = model.bytes[usize::try_from(kept.start).expect("small")..].iter().filter(|byte| **byte == b'\n');
                let ends = more.last_byte_seen && model.bytes.ends_with(b"\n");
                prop_assert_eq!(more.count + inside.count() as u64, count as u64 + u64::from(ends));
            }
        }
        prop_assert_eq!(log.tail_bytes(count as u64), (kept.end.saturating_sub(count as u64)).max(kept.start));
    }
}

proptest! {
    #[test]
    fn a_sink_that_is_waited_for_sees_every_byte_and_a_full_log_is_bounded(
        deeds in deeds(),
        cap in prop_oneof![0..2000_usize, 0..6 * CHUNK_MOST],
        let_go in 0..100_usize,
    ) {
        let (mut log, mut model, mut sink) = (Log::new(cap).held(Holder::Disk).held(Holder::Sink), Model::default(), 0);
        for (index, deed) in deeds.into_iter().enumerate() {
            if index == let_go {
                log.let_go(Holder::Sink);
                log.let_go(Holder::Disk);
                prop_assert!(log.cost <= cap, "what nobody waits for is given up");
            }
            match deed {
                // As the reading of a pipe does: it waits while the log is full.
                Deed::Write { .. } if log.is_full() => prop_assert!(index < let_go, "nobody is waited for any more"),
                Deed::Write { stream, after_micros, bytes } => model.write(&mut log, stream, after_micros, &bytes),
                Deed::Read { reader, most } if reader == 0 && index < let_go => {
                    prop_assert!(!matches!(log.read(sink, most), Found::Gap { .. }), "given up before it was taken");
                    sink = step(&model, &log, sink, most);
                    // The slower of the two counts.
                    log.taken(Holder::Sink, sink + 100);
                    log.taken(Holder::Disk, sink);
                }
                Deed::Read { .. } => {}
            }
            prop_assert!(log.cost <= cap + 4 * (CHUNK_MOST + CHUNK_COST), "one write beyond the cap, and no more");
        }
    }

    #[test]
    fn what_comes_beyond_the_limit_is_counted_and_nowhere(
        writes in prop::collection::vec((stream(), 0..1500_u64, bytes()), 0..20),
        limit in 0..2000_usize,
    ) {
        let mut log = Log::new(usize::MAX).limited(Some(limit as u64));
        let mut all = Vec::new();
        for (stream, after, bytes) in &writes {
            log.append(*stream, Duration::from_micros(*after), bytes);
            all.extend_from_slice(bytes);
        }
        log.seal(true);
        let (within, beyond) = all.split_at(limit.min(all.len()));
        let (mut at, mut told, mut sum) = (0, Vec::new(), Sum::default());
        while let Found::Chunk(chunk) = log.read(at, usize::MAX) {
            at += chunk.bytes.len() as u64;
            told.extend(chunk.bytes);
        }
        prop_assert_eq!(&told[..], within);
        sum.add(within);
        let Found::End(end) = log.read(at, 1) else { panic!("it is sealed") };
        prop_assert_eq!((end.beyond, end.sha256), (beyond.len() as u64, Some(sum.hex())));
        prop_assert_eq!(end.stdout + end.stderr, within.len() as u64);
    }
}

#[test]
fn bytes_that_come_one_by_one_share_a_chunk_and_two_streams_never_do() {
    let mut log = Log::new(usize::MAX);
    for byte in b"together" {
        log.append(Stream::Stdout, Duration::from_millis(5), &[*byte]);
    }
    assert_eq!(log.chunks.len(), 1);
    log.append(Stream::Stderr, Duration::from_millis(5), b"other");
    log.append(Stream::Stderr, Duration::from_millis(6), b"later");
    assert_eq!(log.chunks.len(), 3);
}

#[test]
fn what_the_bookkeeping_costs_is_bounded_as_well() {
    let mut log = Log::new(64 * 1024);
    for byte in 0..100_000_u32 {
        let stream = if byte % 2 == 0 { Stream::Stdout } else { Stream::Stderr };
        log.append(stream, Duration::ZERO, b"x");
    }
    let queue = log.chunks.capacity() * size_of::<Held>();
    let bytes: usize = log.chunks.iter().map(|held| held.chunk.bytes.capacity()).sum();
    assert!(queue + bytes < 2 * 64 * 1024, "{queue} + {bytes}");
}

#[test]
fn the_sum_is_the_one_that_everybody_else_computes() {
    // FIPS 180-2, appendix B.1.
    let mut log = Log::new(0);
    log.append(Stream::Stdout, Duration::ZERO, b"a");
    log.append(Stream::Stderr, Duration::ZERO, b"bc");
    log.seal(true);
    let Found::End(end) = log.read(3, 1) else { panic!("it is sealed") };
    assert_eq!(end.sha256.as_deref(), Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    assert_eq!((end.stdout, end.stderr, end.complete), (1, 2, true));
    assert_eq!(log.read(0, 1), Found::Gap { to: 3 }, "what is lost is told, also at the end");
}

#[test]
fn a_log_that_goes_on_behind_another_has_its_offsets_its_sum_and_its_holes() {
    let (mut sum, mut whole) = (Sum::default(), Sum::default());
    sum.add(b"before");
    whole.add(b"before and after");
    let before = Before { stdout: 4, stderr: 2, missing: 0, sum: Some(sum) };
    let mut log = Log::new(1000).behind(before.clone());
    assert_eq!((log.kept(), log.read(0, 1)), (6..6, Found::Gap { to: 6 }));
    log.append(Stream::Stderr, Duration::ZERO, b" and after");
    log.seal(true);
    let end = log.end().expect("it is sealed");
    assert_eq!((end.stdout, end.stderr, end.sha256.clone()), (4, 12, Some(whole.hex())));
    // What was lost on the way makes the sum unknown, and is no hole in the offsets.
    let mut log = Log::new(1000).behind(Before { missing: 3, ..before });
    log.append(Stream::Stdout, Duration::ZERO, b"gone");
    log.skip(Stream::Stdout, 10);
    assert_eq!((log.kept(), log.read(6, 1)), (20..20, Found::Gap { to: 20 }));
    log.seal(true);
    let end = log.end().cloned().expect("it is sealed");
    assert_eq!((end.stdout, end.sha256.clone(), end.unwritten), (18, None, 3));
    let ended = Log::ended(end.clone());
    assert_eq!((ended.read(20, 1), ended.kept()), (Found::End(end), 20..20));
}
