//! Frames: how bytes of several kinds share one port. One byte of kind, four of length (little endian), the payload.
//!
//! The reader trusts nothing: an unknown kind or a length above the kind's bound is an error before a byte is allocated.

use std::fmt;
use std::io::{self, Read, Write};

use crate::order::Window;

/// Bytes of one data frame at most: what a virtio-serial port takes in one write.
pub const CHUNK: usize = 32 * 1024;

/// Standard input that may be on its way before the guest's command has taken it; bounds the agent's memory.
pub const STDIN_WINDOW: u32 = 256 * 1024;

/// An order carries argv and environment: Linux itself allows 2 MiB of them.
const ORDER_LIMIT: usize = 2 * 1024 * 1024;

const HEADER: usize = 5;

/// All that is ever said. The names of the streams are the command's: `Stdin` goes in, `Stdout` and `Stderr` come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Guest: ready for orders; the text is for people (kernel and lane).
    Hello(String),
    /// Guest: still alive, nothing to say.
    Alive,
    /// Host: run this (an encoded [`crate::order::Order`]).
    Run(Vec<u8>),
    /// Host: bytes for the command's standard input.
    Stdin(Vec<u8>),
    /// Host: the end of standard input.
    StdinEnd,
    /// Guest: so many bytes of standard input were taken; as many more may be sent.
    StdinTaken(u32),
    /// Guest: the command closed its standard input; send no more.
    StdinShut,
    /// Guest: the command's standard output.
    Stdout(Vec<u8>),
    /// Guest: the command's standard error.
    Stderr(Vec<u8>),
    /// Host: nobody reads the command's output any more (its next write gets SIGPIPE).
    OutputShut,
    /// Host: send this signal to the command.
    Signal(i32),
    /// Host: the caller's terminal has this size now.
    Window(Window),
    /// Guest: the command ended, after the last of its output.
    Exited(i32),
    /// Guest: the command was killed by this signal, after the last of its output.
    Signalled(i32),
    /// Guest: the command could not be started; the text says why.
    Refused(String),
    /// Host: the command does not end; tell what every process waits for.
    Look,
    /// Guest: that, for people, cut to what fits.
    Looked(String),
}

/// Why bytes are not a frame.
#[derive(Debug)]
pub enum Malformed {
    /// No frame has this kind.
    Kind(u8),
    /// No frame of this kind has this length.
    Length {
        /// What the frame claims to be.
        kind: u8,
        /// What it claims to hold, in bytes.
        length: usize,
    },
    /// The frame's text is not UTF-8.
    Text {
        /// What the frame claims to be.
        kind: u8,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "unknown kind of frame {kind}"),
            Self::Length { kind, length } => {
                write!(f, "frame of kind {kind} has an impossible length of {length} bytes")
            }
            Self::Text { kind } => write!(f, "frame of kind {kind} holds text that is not UTF-8"),
        }
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

impl Frame {
    /// Writes the frame in one call, so that a frame of one thread never parts that of another.
    pub fn write_to(&self, port: &mut impl Write) -> io::Result<()> {
        let mut bytes = vec![0; HEADER];
        let kind = self.encode(&mut bytes);
        let length = u32::try_from(bytes.len() - HEADER).map_err(io::Error::other)?;
        bytes[0] = kind;
        bytes[1..HEADER].copy_from_slice(&length.to_le_bytes());
        check_length(kind, length as usize)?;
        port.write_all(&bytes)
    }

    /// Reads one frame. The end of the stream between two frames is `None`, within one it is an error.
    pub fn read_from(port: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER];
        if !read_first(port, &mut header)? {
            return Ok(None);
        }
        let [kind, length @ ..] = header;
        let length = u32::from_le_bytes(length) as usize;
        check_length(kind, length)?;
        let mut payload = vec![0; length];
        port.read_exact(&mut payload)?;
        Ok(Some(Self::decode(kind, payload)?))
    }

    fn encode(&self, out: &mut Vec<u8>) -> u8 {
        let (kind, payload): (u8, &[u8]) = match self {
            Self::Hello(text) => (1, text.as_bytes()),
            Self::Alive => (2, &[]),
            Self::Run(order) => (3, order),
            Self::Stdin(bytes) => (4, bytes),
            Self::StdinEnd => (5, &[]),
            Self::StdinTaken(count) => (6, &count.to_le_bytes()),
            Self::StdinShut => (7, &[]),
            Self::Stdout(bytes) => (8, bytes),
            Self::Stderr(bytes) => (9, bytes),
            Self::OutputShut => (10, &[]),
            Self::Signal(number) => (11, &number.to_le_bytes()),
            Self::Window(Window { rows, columns }) => {
                out.extend(rows.to_le_bytes());
                (12, &columns.to_le_bytes())
            }
            Self::Exited(code) => (13, &code.to_le_bytes()),
            Self::Signalled(number) => (14, &number.to_le_bytes()),
            Self::Refused(text) => (15, text.as_bytes()),
            Self::Look => (16, &[]),
            Self::Looked(text) => (17, text.as_bytes()),
        };
        out.extend_from_slice(payload);
        kind
    }

    fn decode(kind: u8, payload: Vec<u8>) -> Result<Self, Malformed> {
        let text = |payload| String::from_utf8(payload).map_err(|_| Malformed::Text { kind });
        Ok(match kind {
            1 => Self::Hello(text(payload)?),
            2 => Self::Alive,
            3 => Self::Run(payload),
            4 => Self::Stdin(payload),
            5 => Self::StdinEnd,
            6 => Self::StdinTaken(number(kind, &payload)? as u32),
            7 => Self::StdinShut,
            8 => Self::Stdout(payload),
            9 => Self::Stderr(payload),
            10 => Self::OutputShut,
            11 => Self::Signal(number(kind, &payload)?),
            12 => {
                let both = number(kind, &payload)? as u32;
                Self::Window(Window { rows: both as u16, columns: (both >> 16) as u16 })
            }
            13 => Self::Exited(number(kind, &payload)?),
            14 => Self::Signalled(number(kind, &payload)?),
            15 => Self::Refused(text(payload)?),
            16 => Self::Look,
            17 => Self::Looked(text(payload)?),
            _ => return Err(Malformed::Kind(kind)),
        })
    }
}

/// The lengths that a kind of frame may have.
fn check_length(kind: u8, length: usize) -> Result<(), Malformed> {
    let allowed = match kind {
        2 | 5 | 7 | 10 | 16 => 0..=0,
        6 | 11..=14 => 4..=4,
        1 | 4 | 8 | 9 | 15 | 17 => 0..=CHUNK,
        3 => 0..=ORDER_LIMIT,
        _ => return Err(Malformed::Kind(kind)),
    };
    if allowed.contains(&length) { Ok(()) } else { Err(Malformed::Length { kind, length }) }
}

fn number(kind: u8, payload: &[u8]) -> Result<i32, Malformed> {
    let bytes = payload.try_into().map_err(|_| Malformed::Length { kind, length: payload.len() })?;
    Ok(i32::from_le_bytes(bytes))
}

/// Fills `header`; false where the stream ended before its first byte.
fn read_first(port: &mut impl Read, header: &mut [u8; HEADER]) -> io::Result<bool> {
    loop {
        match port.read(&mut header[..1]) {
            Ok(0) => return Ok(false),
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    port.read_exact(&mut header[1..])?;
    Ok(true)
}

#[cfg(test)]
mod tests;
