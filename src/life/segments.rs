//! Which part of a job's output lies in which file of its spool: what is written where, what is given up for it, and where
//! an offset is found. Pure: the files are somebody else's.

use super::record::RECORD_MOST;
use std::collections::VecDeque;

/// Files that a spool is cut into, when it is full: what is given up at once is one of them.
const FILES: u64 = 8;
/// Bytes of a file from one place that is remembered to the next. What is looked for is read from the one before it.
const MARK_EVERY: u64 = 32 * 1024;
/// Bytes that lie between two such places at most: what one look has to read.
pub const LOOK_MOST: usize = MARK_EVERY as usize + RECORD_MOST;

/// The files of one job, oldest first.
#[derive(Debug)]
pub struct Segments {
    /// Bytes of a file at most.
    each: u64,
    list: VecDeque<Segment>,
}

/// One file. It is named by its first offset.
#[derive(Debug)]
struct Segment {
    first: u64,
    /// The offset behind its last byte.
    end: u64,
    /// Its size.
    bytes: u64,
    /// Offsets, and where in the file the records begin that have them.
    marks: Vec<(u64, u64)>,
}

/// Where a record goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub segment: u64,
    /// Where in it.
    pub at: u64,
    /// The files that are to be removed before.
    pub given_up: Vec<u64>,
}

/// Where an offset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// In this file, in one of the records that begin here.
    In {
        /// The file.
        segment: u64,
        /// The place in it.
        at: u64,
        /// The offset where the next such place is, or the file ends.
        until: u64,
    },
    /// Nowhere; the next that is kept is here.
    Gap(u64),
    /// Behind all that was written.
    Beyond,
}

impl Segments {
    /// For a spool of up to `max` bytes.
    pub fn new(max: u64) -> Self {
        Self { each: (max / FILES).max(RECORD_MOST as u64), list: VecDeque::new() }
    }

    /// The place of the next record: its first offset, and its size. Files are given up only here: when a new one begins
    /// that would be one too many.
    pub fn place(&mut self, offset: u64, size: u64) -> Place {
        let mut given_up = Vec::new();
        if self.list.back().is_none_or(|last| last.bytes + size > self.each) {
            while self.list.len() as u64 >= FILES
                && let Some(oldest) = self.list.pop_front()
            {
                given_up.push(oldest.first);
            }
            self.list.push_back(Segment { first: offset, end: offset, bytes: 0, marks: Vec::new() });
        }
        let last = self.list.back();
        Place { segment: last.map_or(offset, |last| last.first), at: last.map_or(0, |last| last.bytes), given_up }
    }

    /// The record lies in the place that was told last.
    pub fn wrote(&mut self, offset: u64, length: u64, size: u64) {
        let Some(last) = self.list.back_mut() else { return };
        if last.marks.last().is_none_or(|(_, at)| last.bytes - at >= MARK_EVERY) {
            last.marks.push((offset, last.bytes));
        }
        (last.end, last.bytes) = (offset + length, last.bytes + size);
    }

    /// Where an offset is.
    pub fn find(&self, offset: u64) -> Spot {
        let begun = self.list.partition_point(|segment| segment.first <= offset);
        let of = begun.checked_sub(1).and_then(|index| self.list.get(index)).filter(|segment| offset < segment.end);
        let Some(segment) = of else {
            // One that nothing was written into yet has nothing to go on with.
            let next = self.list.iter().skip(begun).find(|segment| segment.bytes > 0);
            return next.map_or(Spot::Beyond, |next| Spot::Gap(next.first_written()));
        };
        let marks = segment.marks.partition_point(|(first, _)| *first <= offset);
        match marks.checked_sub(1).and_then(|index| segment.marks.get(index)) {
            Some((_, at)) => {
                let until = segment.marks.get(marks).map_or(segment.end, |(next, _)| *next);
                Spot::In { segment: segment.first, at: *at, until }
            }
            // Its first records were lost.
            None => Spot::Gap(segment.first_written()),
        }
    }
}

impl Segment {
    fn first_written(&self) -> u64 {
        self.marks.first().map_or(self.end, |(offset, _)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::record::{encode, find};
    use crate::life::{Chunk, Stream};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    proptest! {
        #[test]
        fn what_is_kept_is_found_at_each_offset_and_the_size_is_bounded(
            lengths in prop::collection::vec((1..16_384_usize, prop_oneof![9 => Just(false), 1 => Just(true)]), 1..300),
            max in 1_u64 << 20..2 << 20,
        ) {
            let (mut segments, mut files) = (Segments::new(max), BTreeMap::<u64, Vec<u8>>::new());
            let (mut offset, mut written) = (0, Vec::new());
            for (length, fails) in lengths {
                let chunk = Chunk { offset, stream: Stream::Stdout, at: Duration::ZERO, bytes: vec![1; length] };
                let record = encode(&chunk);
                let place = segments.place(offset, record.len() as u64);
                for name in &place.given_up {
                    prop_assert!(files.remove(name).is_some() || !written.is_empty());
                }
                offset = chunk.end();
                if !fails {
                    let file = files.entry(place.segment).or_default();
                    prop_assert_eq!(file.len() as u64, place.at);
                    file.extend(&record);
                    segments.wrote(chunk.offset, length as u64, record.len() as u64);
                    written.push(chunk);
                }
                let bytes: usize = files.values().map(Vec::len).sum();
                prop_assert!(bytes as u64 <= max.max(FILES * RECORD_MOST as u64), "{bytes} of {max}");
            }
            let oldest = files.keys().next().copied().unwrap_or_default();
            for chunk in &written {
                match segments.find(chunk.offset) {
                    Spot::In { segment, at, until } => {
                        let from = usize::try_from(at).expect("a test is small");
                        let look = &files[&segment][from..];
                        let look = &look[..look.len().min(LOOK_MOST)];
                        prop_assert_eq!(find(look, chunk.offset), Ok(chunk.clone()));
                        prop_assert!(until > chunk.offset);
                    }
                    Spot::Gap(to) => prop_assert!(chunk.offset < oldest && to >= oldest, "{} to {to}", chunk.offset),
                    Spot::Beyond => prop_assert!(false, "it was written"),
                }
            }
            prop_assert_eq!(segments.find(offset), Spot::Beyond);
        }
    }
}
