//! The index beside a segment of a spool: of which stream the bytes are and when they came. Pure, and total: any bytes at all
//! are an entry or are told not to be one.
//!
//! # The format of a spool
//!
//! The directory of a job has, for each segment, two files that are named by the offset of its first byte in 20 digits:
//!
//! - `<20 digits>.seg`: the output's own bytes from that offset on, and nothing else. So `cat *.seg` is the output, and the
//!   length of the file is the truth about what is there.
//! - `<20 digits>.idx`: entries of 24 bytes, numbers with the lowest byte first:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | the offset from which on it is so |
//! | 8 | 8 | when that was read, nanoseconds since the start was asked for |
//! | 16 | 1 | 1: standard output, 2: standard error |
//! | 17 | 3 | 0 |
//! | 20 | 4 | CRC-32 of all before |
//!
//! An entry holds up to the offset of the next one, or to the segment's end. It is written before the bytes that it tells of,
//! so whenever the writer dies, the stream of each byte is known; one with no bytes behind it counts for nothing, and the next
//! with the same offset takes its place. The very first of an index is its head, with 0 for the stream: its offset is the
//! segment's first, and in place of the time is how many of all bytes before were standard output.
//!
//! Between two segments there may be offsets that no file has: a disk did not take them. What is damaged of an index counts as
//! not there: its bytes are told as those before them, or as standard output.

use super::Stream;
use std::time::Duration;

/// Bytes of an entry.
pub const ENTRY: usize = 24;
/// What comes from the same stream within this time of an entry needs none of its own: a job that writes byte by byte would
/// have an index that is larger than its output. Shorter than what people tell apart, and 100 entries a second at most.
const COVERS: Duration = Duration::from_millis(10);
/// Where the stream is.
const STREAM_AT: usize = 16;
/// Where the sum is.
const SUM_AT: usize = 20;

/// From an offset on: of which stream, and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The offset of the first byte.
    pub offset: u64,
    /// The stream.
    pub stream: Stream,
    /// When it was read, since the start was asked for.
    pub at: Duration,
}

/// The beginning of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The segment's first offset.
    pub first: u64,
    /// How many of the bytes before it were standard output.
    pub stdout: u64,
}

impl Entry {
    /// It as it is written.
    pub fn encode(self) -> [u8; ENTRY] {
        let stream = match self.stream {
            Stream::Stdout => 1,
            Stream::Stderr => 2,
        };
        // 584 years are enough for a job.
        encode(self.offset, u64::try_from(self.at.as_nanos()).unwrap_or(u64::MAX), stream)
    }

    /// What these bytes are; none when they are no entry.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (offset, nanos, stream) = decode(bytes)?;
        let stream = match stream {
            1 => Stream::Stdout,
            2 => Stream::Stderr,
            _ => return None,
        };
        Some(Self { offset, stream, at: Duration::from_nanos(nanos) })
    }

    /// Whether what is read of a stream at a time needs no other entry.
    pub fn covers(&self, stream: Stream, at: Duration) -> bool {
        self.stream == stream && at.saturating_sub(self.at) < COVERS
    }
}

impl Head {
    /// It as it is written.
    pub fn encode(self) -> [u8; ENTRY] {
        encode(self.first, self.stdout, 0)
    }

    /// What these bytes are; none when they are no head.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        decode(bytes).filter(|(.., stream)| *stream == 0).map(|(first, stdout, _)| Self { first, stdout })
    }
}

fn encode(offset: u64, number: u64, stream: u8) -> [u8; ENTRY] {
    let mut bytes = [0; ENTRY];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    bytes[8..STREAM_AT].copy_from_slice(&number.to_le_bytes());
    bytes[STREAM_AT] = stream;
    let sum = crc32(&bytes[..SUM_AT]);
    bytes[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The two numbers and the stream.
fn decode(bytes: &[u8]) -> Option<(u64, u64, u8)> {
    let bytes: &[u8; ENTRY] = bytes.try_into().ok()?;
    let (told, sum) = bytes.split_at(SUM_AT);
    if sum != crc32(told).to_le_bytes() || told[STREAM_AT + 1..] != [0; 3] {
        return None;
    }
    Some((number(&told[..8]), number(&told[8..STREAM_AT]), told[STREAM_AT]))
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The first of `count` numbers that is not `before`, where those that are come first; at most 64 looks.
pub fn first_not(count: u64, mut before: impl FnMut(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Of which stream the byte at an offset is and when it came, in an index of `count` entries; and the offset where the next
/// entry begins, if there is one.
pub fn find(count: u64, offset: u64, read: impl Fn(u64) -> Option<Entry>) -> (Entry, Option<u64>) {
    let next = first_not(count, |number| read(number).is_some_and(|entry| entry.offset <= offset));
    let entry =
        next.checked_sub(1).and_then(&read).unwrap_or(Entry { offset, stream: Stream::Stdout, at: Duration::ZERO });
    let until = if next < count { read(next).map(|entry| entry.offset).filter(|until| *until > offset) } else { None };
    (entry, until)
}

/// How many of a segment's bytes are standard output: those from `first` up to `end`, by these entries.
pub fn stdout_of(entries: impl Iterator<Item = Entry>, first: u64, end: u64) -> u64 {
    let (mut stdout, mut from, mut stream) = (0, first, Stream::Stdout);
    let mut pass = |upto: u64, next: Stream| {
        let upto = upto.clamp(from, end.max(from));
        if stream == Stream::Stdout {
            stdout += upto - from;
        }
        (from, stream) = (upto, next);
    };
    entries.for_each(|entry| pass(entry.offset, entry.stream));
    pass(end, Stream::Stdout);
    stdout
}

/// CRC-32 as IEEE 802.3 has it: what tells an entry that was written in part, or that a disk has changed.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| sum >> 8 ^ TABLE[usize::from(sum as u8 ^ byte)])
}

/// The remainder of each byte.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u32, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream() -> impl Strategy<Value = Stream> {
        prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)]
    }

    fn entry() -> impl Strategy<Value = Entry> {
        (any::<u64>(), stream(), any::<u64>()).prop_map(|(offset, stream, nanos)| Entry {
            offset,
            stream,
            at: Duration::from_nanos(nanos),
        })
    }

    #[test]
    fn the_sum_is_the_one_that_everybody_else_computes() {
        // The check value of the catalogue of CRC algorithms, CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_stream_that_changes_or_time_that_passes_needs_an_entry_of_its_own() {
        let entry = Entry { offset: 0, stream: Stream::Stdout, at: Duration::from_millis(5) };
        assert!(entry.covers(Stream::Stdout, Duration::from_millis(14)));
        assert!(!entry.covers(Stream::Stdout, Duration::from_millis(15)));
        assert!(!entry.covers(Stream::Stderr, Duration::from_millis(5)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_a_head_is_no_entry(entry in entry(), first: u64, stdout: u64) {
            prop_assert_eq!(Entry::decode(&entry.encode()), Some(entry));
            prop_assert_eq!(Head::decode(&entry.encode()), None);
            let head = Head { first, stdout };
            prop_assert_eq!(Head::decode(&head.encode()), Some(head));
            prop_assert_eq!(Entry::decode(&head.encode()), None);
        }

        #[test]
        fn an_entry_that_was_cut_or_changed_is_none(entry in entry(), at in 0..ENTRY, bit in 0..8_u32) {
            let mut bytes = entry.encode();
            prop_assert_eq!(Entry::decode(&bytes[..at]), None);
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(Entry::decode(&bytes), None);
        }

        #[test]
        fn any_bytes_at_all_are_read_without_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..300), offset: u64, first: u64, end: u64,
        ) {
            let read = |number: u64| {
                bytes.chunks(ENTRY).nth(usize::try_from(number).expect("small")).and_then(Entry::decode)
            };
            let _ = (Head::decode(&bytes), Entry::decode(&bytes));
            let (_, until) = find(bytes.len().div_ceil(ENTRY) as u64, offset, read);
            prop_assert!(until.is_none_or(|until| until > offset));
            prop_assert!(stdout_of(bytes.chunks(ENTRY).filter_map(Entry::decode), first, end) <= end.saturating_sub(first));
        }

        #[test]
        fn any_entries_at_all_are_searched_and_summed_without_harm(
            entries in prop::collection::vec(prop::option::of(entry()), 0..20), offset: u64, first: u64, end: u64,
        ) {
            let read = |number: u64| entries[usize::try_from(number).expect("small")];
            let (_, until) = find(entries.len() as u64, offset, read);
            prop_assert!(until.is_none_or(|until| until > offset));
            prop_assert!(stdout_of(entries.iter().flatten().copied(), first, end) <= end.saturating_sub(first));
        }

        #[test]
        fn each_byte_has_the_stream_that_was_told_last_before_it(
            first in 0..1000_u64, parts in prop::collection::vec((0..30_u64, stream()), 1..30),
        ) {
            // Of each byte, the stream; parts of no bytes are entries that the next one takes the place of.
            let (mut streams, mut entries) = (Vec::new(), Vec::new());
            for (millis, (bytes, stream)) in parts.into_iter().enumerate() {
                entries.push(Entry { offset: first + streams.len() as u64, stream, at: Duration::from_millis(millis as u64) });
                streams.extend((0..bytes).map(|_| stream));
            }
            let read = |number: u64| entries.get(usize::try_from(number).expect("small")).copied();
            for (index, stream) in streams.iter().enumerate() {
                let offset = first + index as u64;
                let (entry, until) = find(entries.len() as u64, offset, read);
                prop_assert!(entry.stream == *stream && entry.offset <= offset);
                prop_assert!(until.is_none_or(|until| until > offset));
                prop_assert!(streams[index..].iter().take(until.map_or(1, |until| (until - offset) as usize)).all(|of| of == stream));
            }
            let stdout = streams.iter().filter(|stream| **stream == Stream::Stdout).count() as u64;
            prop_assert_eq!(stdout_of(entries.iter().copied(), first, first + streams.len() as u64), stdout);
        }
    }
}
