//! Which part of a job's output lies in which file of its spool: what is written where, what is given up for it, and where
//! an offset is found. Pure: the files are somebody else's.

use super::index::ENTRY;
use std::collections::VecDeque;

/// Segments that a spool is cut into, when it is full: what is given up at once is one of them.
const PARTS: u64 = 8;
/// Segments at most. Only a disk that fails again and again makes more than eight: each failure ends one.
const SEGMENTS_MOST: usize = 1024;
/// What a segment keeps free for its index: the head and an entry of a new one, or an entry of one that is there.
const BESIDE: u64 = 2 * ENTRY as u64;

/// The segments of one job, oldest first.
#[derive(Debug)]
pub struct Segments {
    /// Bytes of all at most.
    max: u64,
    list: VecDeque<Segment>,
    /// Whether the last one is left as it is.
    closed: bool,
}

/// One segment. It is named by its first offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The offset of its first byte.
    pub first: u64,
    /// The offset behind its last byte.
    pub end: u64,
    /// Bytes of its index.
    pub index: u64,
}

/// Where bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The segment.
    pub segment: u64,
    /// How many have room there, at least one.
    pub room: u64,
    /// The segments that are to be removed before.
    pub given_up: Vec<u64>,
}

/// Where an offset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// In this segment.
    In(Segment),
    /// Nowhere; the next that is kept is here.
    Gap(u64),
    /// Behind all that was written.
    Beyond,
}

impl Segments {
    /// For a spool of up to `max` bytes.
    pub fn new(max: u64) -> Self {
        Self::reopened(max, Vec::new())
    }

    /// The same with what is there. Nothing is added to the last of these: its index may end in a part of an entry.
    pub fn reopened(max: u64, list: Vec<Segment>) -> Self {
        Self { max, list: list.into(), closed: true }
    }

    /// Bytes of one at most.
    fn each(&self) -> u64 {
        (self.max / PARTS).max(2 * BESIDE)
    }

    /// The place of the bytes from an offset on, which is that behind the last ones, or a later one. Segments are given up
    /// only here: when a new one begins that has no room beside all others.
    pub fn place(&mut self, offset: u64) -> Place {
        let mut given_up = Vec::new();
        let each = self.each();
        let goes_on = |last: &&Segment| !self.closed && last.end == offset && last.bytes() + BESIDE < each;
        if let Some(last) = self.list.back().filter(goes_on) {
            return Place { segment: last.first, room: each - last.bytes() - BESIDE, given_up };
        }
        // One that nothing could be written into.
        given_up.extend(self.list.pop_back_if(|last| last.first == last.end).map(|empty| empty.first));
        let mut bytes: u64 = self.list.iter().map(Segment::bytes).sum();
        while (bytes + each > self.max.max(each) || self.list.len() >= SEGMENTS_MOST)
            && let Some(oldest) = self.list.pop_front()
        {
            bytes -= oldest.bytes();
            given_up.push(oldest.first);
        }
        self.list.push_back(Segment { first: offset, end: offset, index: 0 });
        self.closed = false;
        Place { segment: offset, room: each - BESIDE, given_up }
    }

    /// So many bytes of output and of the index lie in the place that was told last.
    pub fn wrote(&mut self, bytes: u64, index: u64) {
        let Some(last) = self.list.back_mut() else { return };
        (last.end, last.index) = (last.end + bytes, last.index + index);
    }

    /// Nothing is added to the last segment any more: its files did not do what they should.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Where an offset is.
    pub fn find(&self, offset: u64) -> Spot {
        let after = self.list.partition_point(|segment| segment.end <= offset);
        match self.list.get(after) {
            Some(segment) if segment.first <= offset => Spot::In(*segment),
            Some(segment) => Spot::Gap(segment.first),
            None => Spot::Beyond,
        }
    }

    /// All that have something, oldest first.
    pub fn all(&self) -> Vec<Segment> {
        self.list.iter().filter(|segment| segment.first < segment.end).copied().collect()
    }

    /// The offset behind all.
    pub fn end(&self) -> u64 {
        self.list.back().map_or(0, |last| last.end)
    }

    /// The first offset from which on, up to one that is kept or to the end, nothing is missing.
    pub fn begin_of(&self, offset: u64) -> u64 {
        let mut begin = offset;
        for segment in self.list.iter().rev().filter(|segment| segment.first < offset) {
            if segment.end < begin {
                break;
            }
            begin = segment.first;
        }
        begin
    }

    /// Bytes between the first that is kept and the last that no segment has.
    pub fn missing(&self) -> u64 {
        let pairs = self.list.iter().zip(self.list.iter().skip(1));
        pairs.map(|(one, next)| next.first.saturating_sub(one.end)).sum()
    }
}

impl Segment {
    /// Its size on the disk.
    fn bytes(&self) -> u64 {
        self.end - self.first + self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn what_is_kept_is_found_at_each_offset_and_the_size_is_bounded(
            pieces in prop::collection::vec((1..65_536_u64, 0..10_u32, any::<bool>()), 1..400),
            max in 1_u64 << 20..2 << 20,
        ) {
            // Of each segment: the bytes it has, and those of its index.
            let (mut segments, mut files) = (Segments::new(max), BTreeMap::<u64, (u64, u64)>::new());
            let (mut offset, mut lost, mut given_up) = (0, 0, false);
            for (length, luck, entry) in pieces {
                let place = segments.place(offset);
                for name in &place.given_up {
                    let file = files.remove(name);
                    prop_assert!(file.is_some());
                    given_up |= file.is_some_and(|(bytes, _)| bytes > 0);
                }
                let new = !files.contains_key(&place.segment);
                let file = files.entry(place.segment).or_default();
                prop_assert_eq!(place.segment + file.0, offset, "a segment has no hole");
                let entries = if new { 2 } else { u64::from(entry) };
                file.1 += entries * ENTRY as u64;
                // One in ten fails: its offsets are nowhere.
                let wrote = if luck == 0 { 0 } else { length.min(place.room) };
                file.0 += wrote;
                segments.wrote(wrote, entries * ENTRY as u64);
                offset += if luck == 0 { length } else { wrote };
                lost += if luck == 0 { length } else { 0 };
                let bytes: u64 = files.values().map(|(bytes, index)| bytes + index).sum();
                prop_assert!(bytes <= max, "{bytes} of {max}");
            }
            let kept: u64 = files.values().map(|(bytes, index)| bytes + index).sum();
            let oldest = files.keys().next().copied().unwrap_or_default();
            prop_assert!(!given_up || kept > max / 2, "given up without need");
            for (first, (bytes, _)) in files.iter().filter(|(_, (bytes, _))| *bytes > 0) {
                for offset in [*first, first + bytes / 2, first + bytes - 1] {
                    let Spot::In(found) = segments.find(offset) else { panic!("{offset} was written") };
                    prop_assert_eq!((found.first, found.end), (*first, first + bytes));
                }
                prop_assert!(segments.begin_of(first + bytes) <= *first);
            }
            if oldest > 0 {
                prop_assert_eq!(segments.find(oldest - 1), Spot::Gap(segments.all()[0].first));
            }
            prop_assert_eq!(segments.find(offset), Spot::Beyond);
            prop_assert!(segments.missing() <= lost);
            // Who comes later sees the same, and begins a segment of his own.
            let mut again = Segments::reopened(max, segments.all());
            prop_assert_eq!(again.find(oldest), segments.find(oldest));
            prop_assert_eq!(again.place(offset).segment, offset);
        }
    }

    #[test]
    fn a_segment_that_was_closed_is_not_added_to_and_an_empty_one_goes() {
        let mut segments = Segments::new(1 << 20);
        assert_eq!(segments.place(0).segment, 0);
        segments.wrote(10, 48);
        assert_eq!(segments.place(10).segment, 0);
        segments.close();
        assert_eq!(segments.place(10), Place { segment: 10, room: (1 << 17) - BESIDE, given_up: vec![] });
        assert_eq!(segments.place(30), Place { segment: 30, room: (1 << 17) - BESIDE, given_up: vec![10] });
        segments.wrote(5, 48);
        assert_eq!((segments.missing(), segments.begin_of(35), segments.begin_of(10)), (20, 30, 0));
        assert_eq!((segments.find(9), segments.find(12)), (Spot::In(segments.all()[0]), Spot::Gap(30)));
    }
}
