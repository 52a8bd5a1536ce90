//! The two files of a segment: the output's bytes, and the index that tells of which stream they are and when they came.
//!
//! # Why a SIGKILL loses nothing
//!
//! Bytes go from the job's pipe into the file by splice(2), never through memory of ours. The kernel holds the pipe's lock
//! while it writes to the file, and takes from the pipe exactly what the file has taken before it lets go of that lock
//! (`iter_file_splice_write` in fs/splice.c). A kill ends a task where it goes back to its own code, and in the midst of a
//! write only between two pages (`generic_perform_write` in mm/filemap.c), and that then is a short write which is taken from
//! the pipe like any other. So at each instant a byte is in the pipe or in the file; who holds the pipe's other
//! ends open, or gets them handed over, goes on behind the last byte of the file. What a power failure takes is another
//! matter: nothing here waits for a medium.
//!
//! The job waits in its write while the file takes what it wrote, as it would if the file were its output.

use super::{JobDir, OWN_FILE};
use crate::life::Stream;
use crate::life::index::{ENTRY, Entry, Head, find, first_not};
use crate::os::stdio::Intake;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::retry_on_intr;
use rustix::pipe::{SpliceFlags, splice};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// A segment that is written.
#[derive(Debug)]
pub struct Segment {
    first: u64,
    data: File,
    index: File,
    /// Entries of the index, without its head.
    entries: u64,
    last: Option<Entry>,
}

/// The index of a segment, to be read.
#[derive(Debug)]
pub struct Index {
    file: File,
    entries: u64,
}

impl JobDir {
    /// A new segment, its files 0600; the index first, so that no bytes are ever without one.
    ///
    /// # Errors
    /// As open(2) and pwrite(2).
    pub fn create(&self, head: Head) -> io::Result<Segment> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let make = |path: &Path| open(path, flags, Mode::from_raw_mode(OWN_FILE)).map(File::from);
        let index = make(&self.index_of(head.first))?;
        index.write_all_at(&head.encode(), 0)?;
        let data = make(&self.segment(head.first))?;
        Ok(Segment { first: head.first, data, index, entries: 0, last: None })
    }

    /// The index of a segment.
    ///
    /// # Errors
    /// As open(2).
    pub fn index(&self, first: u64) -> io::Result<Index> {
        let file = File::from(open(self.index_of(first), super::READ, Mode::empty())?);
        // What was written in part at its end is no entry.
        let entries = (file.metadata()?.len() / ENTRY as u64).saturating_sub(1);
        Ok(Index { file, entries })
    }
}

impl Segment {
    /// The offset of its first byte.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Says of which stream the bytes are that come next, from an offset on, and when they were read; tells how many bytes
    /// longer the index has become. Nothing is written where the last entry says enough.
    ///
    /// # Errors
    /// As pwrite(2).
    pub fn tell(&mut self, entry: Entry) -> io::Result<u64> {
        // One that no bytes came behind is written over.
        let again = self.last.filter(|last| last.offset == entry.offset);
        if self.last.is_some_and(|last| last.covers(entry.stream, entry.at)) {
            return Ok(0);
        }
        let number = self.entries - u64::from(again.is_some());
        self.last = None;
        self.index.write_all_at(&entry.encode(), (number + 1) * ENTRY as u64)?;
        (self.entries, self.last) = (number + 1, Some(entry));
        Ok(if again.is_some() { 0 } else { ENTRY as u64 })
    }

    /// Moves up to `most` bytes from a pipe to an offset behind the last that is here; how many, 0 at the pipe's end.
    ///
    /// # Errors
    /// As splice(2): EAGAIN when the pipe is empty, EINVAL where the file system cannot. Then nothing was moved.
    pub fn take(&self, from: &Intake, offset: u64, most: usize) -> io::Result<usize> {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        let mut at = offset - self.first;
        Ok(retry_on_intr(|| splice(from, None, &self.data, Some(&mut at), most, flags))?)
    }

    /// Writes bytes to an offset behind the last that is here, as many as the disk takes: how many.
    pub fn write(&self, offset: u64, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.data.write_at(&bytes[written..], offset - self.first + written as u64) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
                Ok(more) => written += more,
            }
        }
        written
    }

    /// Reads what is here from an offset on.
    ///
    /// # Errors
    /// As pread(2), and when there is less.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.data.read_exact_at(into, offset - self.first)
    }
}

impl Index {
    /// Its head, if that is whole.
    pub fn head(&self) -> Option<Head> {
        self.bytes(0).and_then(|bytes| Head::decode(&bytes))
    }

    /// One of its entries, if that is whole.
    pub fn entry(&self, number: u64) -> Option<Entry> {
        self.bytes(number + 1).and_then(|bytes| Entry::decode(&bytes))
    }

    fn bytes(&self, number: u64) -> Option<[u8; ENTRY]> {
        let mut bytes = [0; ENTRY];
        self.file.read_exact_at(&mut bytes, number * ENTRY as u64).ok().map(|()| bytes)
    }

    /// All of its entries that are whole, in their order.
    pub fn all(&self) -> impl Iterator<Item = Entry> {
        let mut from = BufReader::new(&self.file);
        let bytes = std::iter::from_fn(move || {
            let mut bytes = [0; ENTRY];
            from.read_exact(&mut bytes).ok().map(|()| bytes)
        });
        bytes.skip(1).filter_map(|bytes| Entry::decode(&bytes))
    }

    /// The first offset that was told at this time or later, and is not behind `end`.
    pub fn since(&self, at: Duration, end: u64) -> Option<u64> {
        let before = |number| self.entry(number).is_some_and(|entry| entry.at < at);
        let number = first_not(self.entries, before);
        self.entry(number).map(|entry| entry.offset).filter(|offset| *offset < end)
    }

    /// Of which stream the byte at an offset is and when it came, and the offset where the next entry begins.
    pub fn find(&self, offset: u64) -> (Stream, Duration, Option<u64>) {
        let (entry, until) = find(self.entries, offset, |number| self.entry(number));
        (entry.stream, entry.at, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::spool::SpoolDir;

    fn entry(offset: u64, stream: Stream, millis: u64) -> Entry {
        Entry { offset, stream, at: Duration::from_millis(millis) }
    }

    #[test]
    fn an_index_has_an_entry_where_the_stream_or_the_time_is_another_and_none_without_bytes() {
        let base = tempfile::tempdir().expect("a directory");
        let dir = SpoolDir::open(&base.path().join("spool")).expect("made").make("job").expect("made");
        let mut segment = dir.create(Head { first: 100, stdout: 7 }).expect("made");
        assert_eq!(segment.tell(entry(100, Stream::Stdout, 0)).expect("written"), 24);
        assert_eq!(segment.write(100, b"0123456789"), 10);
        assert_eq!(segment.tell(entry(110, Stream::Stdout, 9)).expect("written"), 0, "it is covered");
        assert_eq!(segment.tell(entry(110, Stream::Stdout, 10)).expect("written"), 24);
        assert_eq!(segment.tell(entry(110, Stream::Stderr, 11)).expect("written"), 0, "no bytes came");
        assert_eq!(segment.write(110, b"abc"), 3);
        let index = dir.index(100).expect("it is there");
        assert_eq!((index.head(), index.entries), (Some(Head { first: 100, stdout: 7 }), 2));
        assert_eq!(index.all().collect::<Vec<_>>(), [entry(100, Stream::Stdout, 0), entry(110, Stream::Stderr, 11)]);
        assert_eq!(index.find(109), (Stream::Stdout, Duration::ZERO, Some(110)));
        assert_eq!(index.find(112), (Stream::Stderr, Duration::from_millis(11), None));
        let since = |millis, end| index.since(Duration::from_millis(millis), end);
        assert_eq!((since(0, 113), since(1, 113), since(1, 110), since(12, 113)), (Some(100), Some(110), None, None));
        let mut bytes = [0; 4];
        segment.read(109, &mut bytes).expect("read");
        assert_eq!(&bytes, b"9abc");
    }
}
