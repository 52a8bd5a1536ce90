//! From pieces of output to its lines: each stream by itself, no byte changed. Pure.

use super::{Chunk, Stream};
use std::collections::VecDeque;
use std::time::Duration;

/// Bytes of one line at most: what is longer comes in pieces. A job that never ends a line must cost no more than this.
pub const LINE_MOST: usize = 64 * 1024;

/// A line of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its first byte's offset; of an empty line that of its newline. Bytes of the other stream may lie within a line.
    pub offset: u64,
    /// The stream.
    pub stream: Stream,
    /// When its first byte was read, since the start was asked for; monotonic.
    pub at: Duration,
    /// The bytes as they were written, a carriage return or indentation included, without the newline; 64 KiB at most.
    pub bytes: Vec<u8>,
    /// Whether its newline was there. If not, this is a piece of a longer line, or what comes next is lost in a gap, or the
    /// output ended so.
    pub complete: bool,
}

/// Lines in the making. At most two are, one of each stream.
#[derive(Debug, Default)]
pub struct Lines {
    begun: VecDeque<Line>,
    done: VecDeque<Line>,
}

impl Lines {
    /// Takes the next piece of output.
    pub fn push(&mut self, chunk: &Chunk) {
        let mut offset = chunk.offset;
        for piece in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            let (bytes, complete) = piece.strip_suffix(b"\n").map_or((piece, false), |bytes| (bytes, true));
            self.extend(chunk, offset, bytes);
            if complete {
                self.finish(chunk, offset + bytes.len() as u64);
            }
            offset += piece.len() as u64;
        }
    }

    /// Adds bytes without a newline to the line of their stream.
    fn extend(&mut self, chunk: &Chunk, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let line = self.take(chunk.stream);
            let mut line = line.unwrap_or_else(|| empty(chunk, offset));
            let (now, later) = bytes.split_at(bytes.len().min(LINE_MOST - line.bytes.len()));
            line.bytes.extend_from_slice(now);
            (offset, bytes) = (offset + now.len() as u64, later);
            // A full one is told only when something follows: that may be its newline.
            if bytes.is_empty() { self.begun.push_back(line) } else { self.done.push_back(line) }
        }
    }

    /// A newline, at this offset.
    fn finish(&mut self, chunk: &Chunk, offset: u64) {
        let line = self.take(chunk.stream).unwrap_or_else(|| empty(chunk, offset));
        self.done.push_back(Line { complete: true, ..line });
    }

    /// The line of a stream that has begun.
    fn take(&mut self, stream: Stream) -> Option<Line> {
        let index = self.begun.iter().position(|line| line.stream == stream)?;
        self.begun.remove(index)
    }

    /// What has begun goes on no more: a gap, or the end.
    pub fn cut(&mut self) {
        self.done.append(&mut self.begun);
    }

    /// The next line.
    pub fn pop(&mut self) -> Option<Line> {
        self.done.pop_front()
    }
}

/// A line that begins here.
fn empty(chunk: &Chunk, offset: u64) -> Line {
    Line { offset, stream: chunk.stream, at: chunk.at, bytes: Vec::new(), complete: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
        let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
        let few = prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 1..20);
        let many = (LINE_MOST - 3..2 * LINE_MOST).prop_map(|length| vec![b'x'; length]);
        let bytes = prop_oneof![9 => few, 1 => many];
        prop::collection::vec((stream, bytes), 0..30).prop_map(|parts| {
            let mut offset = 0;
            let of = |(stream, bytes): (Stream, Vec<u8>)| {
                let chunk = Chunk { offset, stream, at: Duration::from_micros(offset), bytes };
                offset = chunk.end();
                chunk
            };
            parts.into_iter().map(of).collect()
        })
    }

    proptest! {
        #[test]
        fn the_lines_of_a_stream_are_its_bytes_and_none_is_too_long(chunks in chunks()) {
            let (mut lines, mut told) = (Lines::default(), Vec::new());
            for chunk in &chunks {
                lines.push(chunk);
                prop_assert!(lines.begun.len() <= 2, "one of each stream");
                told.extend(std::iter::from_fn(|| lines.pop()));
            }
            lines.cut();
            told.extend(std::iter::from_fn(|| lines.pop()));
            for wanted in [Stream::Stdout, Stream::Stderr] {
                let own = chunks.iter().filter(|chunk| chunk.stream == wanted);
                let all: Vec<u8> = own.flat_map(|chunk| chunk.bytes.clone()).collect();
                let mut joined = Vec::new();
                for line in told.iter().filter(|line| line.stream == wanted) {
                    prop_assert!(line.bytes.len() <= LINE_MOST && !line.bytes.contains(&b'\n'));
                    prop_assert!(line.complete || !line.bytes.is_empty(), "a line of nothing");
                    joined.extend_from_slice(&line.bytes);
                    joined.extend(line.complete.then_some(b'\n'));
                }
                prop_assert!(all == joined, "the bytes are changed");
            }
            // Each begins where it says.
            for line in &told {
                let chunk = chunks.iter().rev().find(|chunk| chunk.offset <= line.offset).expect("it was pushed");
                let first = chunk.bytes[usize::try_from(line.offset - chunk.offset).expect("a test is small")];
                prop_assert_eq!((first, line.stream), (*line.bytes.first().unwrap_or(&b'\n'), chunk.stream));
                prop_assert_eq!(line.at, chunk.at);
            }
        }
    }

    #[test]
    fn a_line_is_told_as_long_as_it_may_be_with_its_newline_and_longer_in_pieces() {
        let told = |length: usize| {
            let mut lines = Lines::default();
            let bytes = [vec![b'x'; length], b"\n".to_vec()].concat();
            lines.push(&Chunk { offset: 0, stream: Stream::Stdout, at: Duration::ZERO, bytes });
            std::iter::from_fn(|| lines.pop()).map(|line| (line.bytes.len(), line.complete)).collect::<Vec<_>>()
        };
        assert_eq!(told(LINE_MOST), [(LINE_MOST, true)]);
        assert_eq!(told(LINE_MOST + 1), [(LINE_MOST, false), (1, true)]);
        assert_eq!(told(0), [(0, true)]);
    }
}
