//! A piece of output as it lies on a disk: one record after the other, so that whoever comes later can read it again. Pure,
//! and total: any bytes at all are a record or are told not to be one.
//!
//! A record is 32 bytes of header, numbers with the lowest byte first, and the output's own bytes:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `IcR1` |
//! | 4 | 4 | how many bytes follow the header, 1 to 16384 |
//! | 8 | 8 | the offset of the first of them |
//! | 16 | 8 | when it was read, nanoseconds since the start was asked for |
//! | 24 | 1 | 1: standard output, 2: standard error |
//! | 25 | 3 | 0 |
//! | 28 | 4 | CRC-32 of all before, and of the bytes behind |

use super::log::CHUNK_MOST;
use super::{Chunk, Stream};
use std::time::Duration;

/// Bytes of a header.
pub const HEADER: usize = 32;
/// Bytes of a record at most.
pub const RECORD_MOST: usize = HEADER + CHUNK_MOST;
/// How a record begins.
const MAGIC: [u8; 4] = *b"IcR1";
/// Where the sum is.
const SUM_AT: usize = 28;

/// Why there is no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// There are too few bytes: the end, or one that was cut.
    #[error("the record is cut short")]
    Short,
    /// A number in the header has no meaning.
    #[error("it is no record")]
    Foreign,
    /// The sum is another one.
    #[error("the record's sum is wrong")]
    Sum,
}

/// A chunk as a record; of 1 to 16384 bytes, as every chunk of a log has.
pub fn encode(chunk: &Chunk) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEADER + chunk.bytes.len());
    record.extend(MAGIC);
    // A chunk is small, and 584 years are enough for a job.
    record.extend(u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    record.extend(chunk.offset.to_le_bytes());
    record.extend(u64::try_from(chunk.at.as_nanos()).unwrap_or(u64::MAX).to_le_bytes());
    let stream = match chunk.stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    record.extend([stream, 0, 0, 0]);
    let sum = crc32([&record, &chunk.bytes]);
    record.extend(sum.to_le_bytes());
    record.extend_from_slice(&chunk.bytes);
    record
}

/// The record that these bytes begin with, and how many bytes it has.
///
/// # Errors
/// When they begin with none.
pub fn decode(bytes: &[u8]) -> Result<(Chunk, usize), Broken> {
    let (offset, length) = extent(bytes)?;
    let (header, rest) = bytes.split_at_checked(HEADER).ok_or(Broken::Short)?;
    let body = rest.get(..length).ok_or(Broken::Short)?;
    if number(header, SUM_AT, 4) != u64::from(crc32([&header[..SUM_AT], body])) {
        return Err(Broken::Sum);
    }
    let stream = match header[24..SUM_AT] {
        [1, 0, 0, 0] => Stream::Stdout,
        [2, 0, 0, 0] => Stream::Stderr,
        _ => return Err(Broken::Foreign),
    };
    let at = Duration::from_nanos(number(header, 16, 8));
    Ok((Chunk { offset, stream, at, bytes: body.to_vec() }, HEADER + length))
}

/// The first offset of the record that these bytes begin with, and how many bytes of output it has, without its sum.
fn extent(bytes: &[u8]) -> Result<(u64, usize), Broken> {
    let header = bytes.get(..HEADER).ok_or(Broken::Short)?;
    let (length, offset) = (number(header, 4, 4), number(header, 8, 8));
    let length = usize::try_from(length).ok().filter(|length| (1..=CHUNK_MOST).contains(length));
    match length {
        Some(length) if header[..4] == MAGIC && offset.checked_add(length as u64).is_some() => Ok((offset, length)),
        _ => Err(Broken::Foreign),
    }
}

/// A number of up to 8 bytes.
fn number(bytes: &[u8], at: usize, count: usize) -> u64 {
    bytes[at..at + count].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What is at an offset in a run of records, whose offsets rise: the record that has it, or the offset where the next one
/// begins, or nothing.
pub fn find(mut bytes: &[u8], offset: u64) -> Result<Chunk, Option<u64>> {
    loop {
        let (first, length) = extent(bytes).map_err(|_| None)?;
        if first > offset {
            return Err(Some(first));
        }
        if offset < first + length as u64 {
            return decode(bytes).map(|(chunk, _)| chunk).map_err(|_| None);
        }
        bytes = bytes.get(HEADER + length..).ok_or(None)?;
    }
}

/// CRC-32 as IEEE 802.3 has it: what tells a record that was written in part, or that a disk has changed.
fn crc32(parts: [&[u8]; 2]) -> u32 {
    let bytes = parts.into_iter().flatten();
    !bytes.fold(!0, |sum: u32, byte| sum >> 8 ^ TABLE[usize::from(sum as u8 ^ byte)])
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

    fn chunk() -> impl Strategy<Value = Chunk> {
        let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 1..60), Just(vec![7; CHUNK_MOST])];
        let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
        (0..u64::MAX - CHUNK_MOST as u64, stream, any::<u64>(), bytes)
            .prop_map(|(offset, stream, nanos, bytes)| Chunk { offset, stream, at: Duration::from_nanos(nanos), bytes })
    }

    #[test]
    fn the_sum_is_the_one_that_everybody_else_computes() {
        // The check value of the catalogue of CRC algorithms, CRC-32/ISO-HDLC.
        assert_eq!(crc32([b"12345", b"6789"]), 0xCBF4_3926);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_whatever_follows(chunk in chunk(), rest in prop::collection::vec(any::<u8>(), 0..9)) {
            let record = encode(&chunk);
            let length = record.len();
            prop_assert!(length <= RECORD_MOST);
            prop_assert_eq!(decode(&[record, rest].concat()), Ok((chunk, length)));
        }

        #[test]
        fn a_record_that_was_cut_or_changed_is_none(chunk in chunk(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut record = encode(&chunk);
            let at = at.index(record.len());
            prop_assert_eq!(decode(&record[..at]), Err(Broken::Short));
            record[at] ^= 1 << bit;
            prop_assert!(decode(&record).is_err());
        }

        #[test]
        fn any_bytes_at_all_are_read_without_harm(
            bytes in prop::collection::vec(any::<u8>(), 0..200), offset: u64, magic: bool,
        ) {
            let mut bytes = bytes;
            if magic && bytes.len() > 8 {
                bytes[..4].copy_from_slice(&MAGIC);
                bytes[5..8].fill(0);
            }
            let _ = find(&bytes, offset);
            if let Ok((_, length)) = decode(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }

        #[test]
        fn an_offset_is_found_in_a_run_of_records_or_the_next_one_is(
            parts in prop::collection::vec((1..50_usize, prop_oneof![4 => Just(0), 1 => 1..50_u64]), 1..20), wanted in 0..900_u64,
        ) {
            let (mut run, mut all, mut offset) = (Vec::new(), Vec::new(), 0);
            for (length, lost) in parts {
                offset += lost;
                let chunk = Chunk { offset, stream: Stream::Stdout, at: Duration::ZERO, bytes: vec![1; length] };
                offset = chunk.end();
                run.extend(encode(&chunk));
                all.push(chunk);
            }
            let next = all.iter().find(|chunk| chunk.end() > wanted);
            let expected = match next {
                Some(chunk) if chunk.offset <= wanted => Ok(chunk.clone()),
                other => Err(other.map(|chunk| chunk.offset)),
            };
            prop_assert_eq!(find(&run, wanted), expected);
        }
    }
}
