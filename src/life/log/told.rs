//! What is told of a log: what is at an offset, how it ended, and who is waited for.

use super::Chunk;
use crate::life::digest::Sum;

/// Who can be waited for: what it has not taken is not given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The job's sink.
    Sink,
    /// The disk, for its spool and its log file.
    Disk,
}

/// The end of everything that a job wrote.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogEnd {
    /// Bytes of standard output, given up ones included.
    pub stdout: u64,
    /// Bytes of standard error, given up ones included.
    pub stderr: u64,
    /// SHA-256 of all bytes of both in the order of their offsets, given up ones included; 64 hexadecimal digits. None when
    /// the supervisor was another one meanwhile and not all bytes were there to be read again, or more than 4 MiB.
    pub sha256: Option<String>,
    /// Bytes of both that came beyond the job's output limit: counted here alone. 0 without a limit.
    pub beyond: u64,
    /// Bytes that the disk did not take, for the spool or for the log file: it was full, or failed, or was not done in time.
    /// 0 without either.
    pub unwritten: u64,
    /// Whether the end of both streams was seen. If not, somebody outside of the cell still held one when the job was gone,
    /// to whom the job had passed it on; what he writes later is not here. Or the job's sink has refused one.
    pub complete: bool,
}

/// What was written before a log begins.
#[derive(Debug, Clone)]
pub struct Before {
    /// Bytes of standard output.
    pub stdout: u64,
    /// Bytes of standard error.
    pub stderr: u64,
    /// How many of them a disk did not take.
    pub missing: u64,
    /// The sum of all of them, where it is known.
    pub sum: Option<Sum>,
}

/// Nothing, of which the sum is known.
impl Default for Before {
    fn default() -> Self {
        Self { stdout: 0, stderr: 0, missing: 0, sum: Some(Sum::default()) }
    }
}

impl Before {
    /// What was written is not known.
    pub fn unseen() -> Self {
        Self { sum: None, ..Self::default() }
    }
}

/// Newlines that are not in what a log keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newlines {
    /// The offset before which they are.
    pub before: u64,
    /// How many.
    pub count: u64,
    /// Whether the output's last byte was looked at: if not and it is a newline, it is one more.
    pub last_byte_seen: bool,
}

/// What there is at an offset.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Bytes.
    Chunk(Chunk),
    /// Nothing any more: it was given up.
    Gap {
        /// The first offset that is kept.
        to: u64,
    },
    /// Nothing yet.
    NotYet,
    /// Nothing, and nothing will come.
    End(LogEnd),
}
