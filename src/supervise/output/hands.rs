//! What the disk's thread writes a job's output to: the spool's segment, and the plain log file.

use super::spooled::Spooled;
use crate::life::index::{ENTRY, Entry, Head};
use crate::life::{Chunk, Stream};
use crate::os::spool::{PlainFile, Segment};
use crate::os::stdio::Intake;
use std::io;
use std::sync::Arc;

/// Of the thread alone.
#[derive(Debug)]
pub(super) struct Hands {
    pub spool: Option<Arc<Spooled>>,
    pub plain: Option<PlainFile>,
    pub segment: Option<Segment>,
    /// How many bytes of all before were standard output.
    pub stdout: u64,
}

/// What became of a pipe's next bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// So many are in the buffer, of which the disk has not taken so many.
    Bytes(usize, usize),
    /// So many are on the disk, and could not be read again.
    Unseen(usize),
    /// There are none now.
    Nothing,
    /// There will be none.
    End,
}

impl Hands {
    /// Moves the next bytes of a pipe into the spool, and has them in the buffer as well. What the disk does not take is read
    /// all the same: a job does not stop for it.
    ///
    /// # Errors
    /// When the pipe cannot be read.
    pub fn take(&mut self, entry: Entry, from: &Intake, buffer: &mut [u8]) -> io::Result<Took> {
        let offset = entry.offset;
        let moved = match self.ready(entry) {
            Ok((segment, room)) => {
                let most = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
                segment
                    .take(from, offset, most)
                    .map(|moved| (moved, segment.read(offset, &mut buffer[..moved]).is_ok()))
            }
            Err(error) => Err(error),
        };
        match moved {
            Ok((0, _)) => Ok(Took::End),
            Ok((bytes, seen)) => {
                self.wrote(entry.stream, bytes as u64, 0);
                Ok(if seen { Took::Bytes(bytes, 0) } else { Took::Unseen(bytes) })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Took::Nothing),
            Err(error) => self.read(entry, from, buffer, error.kind()),
        }
    }

    /// The same through memory: where a file system cannot take from a pipe it is written, after all else it is lost.
    fn read(&mut self, entry: Entry, from: &Intake, buffer: &mut [u8], why: io::ErrorKind) -> io::Result<Took> {
        let bytes = match from.take(buffer) {
            Ok(0) => return Ok(Took::End),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Took::Nothing),
            Err(error) => return Err(error),
        };
        let lost = match why {
            // EINVAL.
            io::ErrorKind::InvalidInput => self.spool_in(entry, &buffer[..bytes]),
            _ => {
                self.close();
                self.stdout_is(entry.stream, bytes as u64);
                bytes
            }
        };
        Ok(Took::Bytes(bytes, lost))
    }

    /// Writes a chunk to both; how many of its bytes one of them did not take.
    pub fn write(&mut self, chunk: &Chunk) -> usize {
        let entry = Entry { offset: chunk.offset, stream: chunk.stream, at: chunk.at };
        let lost = if self.spool.is_some() { self.spool_in(entry, &chunk.bytes) } else { 0 };
        lost.max(self.write_plain(&chunk.bytes))
    }

    /// Writes to the log file, if there is one; how many bytes it did not take. What was written of those that failed stays:
    /// a log file has only bytes, and a hole is told by the count.
    pub fn write_plain(&mut self, bytes: &[u8]) -> usize {
        if self.plain.as_mut().is_none_or(|file| file.write(bytes).is_ok()) { 0 } else { bytes.len() }
    }

    /// Writes bytes into the spool; how many it did not take.
    fn spool_in(&mut self, mut entry: Entry, mut bytes: &[u8]) -> usize {
        while !bytes.is_empty() {
            let Ok((segment, room)) = self.ready(entry) else { break };
            let part = &bytes[..usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len())];
            let (wanted, written) = (part.len(), segment.write(entry.offset, part));
            self.wrote(entry.stream, written as u64, 0);
            entry.offset += written as u64;
            bytes = &bytes[written..];
            if written < wanted {
                break;
            }
        }
        if !bytes.is_empty() {
            self.close();
            self.stdout_is(entry.stream, bytes.len() as u64);
        }
        bytes.len()
    }

    /// The segment for the bytes from an offset on, which its index tells of, and how many have room there.
    fn ready(&mut self, entry: Entry) -> io::Result<(&mut Segment, u64)> {
        let Some(spool) = self.spool.clone() else { return Err(io::ErrorKind::Unsupported.into()) };
        let place = spool.place(entry.offset);
        let open = self.segment.take().filter(|segment| segment.first() == place.segment);
        let made = || {
            let head = Head { first: place.segment, stdout: self.stdout };
            spool.dir().create(head).inspect(|_| spool.segments().wrote(0, ENTRY as u64))
        };
        let told = open.map_or_else(made, Ok).and_then(|mut segment| {
            let longer = segment.tell(entry)?;
            spool.segments().wrote(0, longer);
            Ok(segment)
        });
        match told {
            Ok(segment) => Ok((self.segment.insert(segment), place.room)),
            Err(error) => {
                self.close();
                Err(error)
            }
        }
    }

    /// So much lies in the segment that was told last.
    fn wrote(&mut self, stream: Stream, bytes: u64, index: u64) {
        self.spool.iter().for_each(|spool| spool.segments().wrote(bytes, index));
        self.stdout_is(stream, bytes);
    }

    /// So many bytes more of a stream.
    pub fn stdout_is(&mut self, stream: Stream, bytes: u64) {
        self.stdout += if stream == Stream::Stdout { bytes } else { 0 };
    }

    /// Nothing goes into the segment any more; the next begins behind what was lost.
    fn close(&mut self) {
        self.segment = None;
        self.spool.iter().for_each(|spool| spool.segments().close());
    }
}
