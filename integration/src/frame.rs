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
            _ => return Err(Malformed::Kind(kind)),
        })
    }
}

/// The lengths that a kind of frame may have.
fn check_length(kind: u8, length: usize) -> Result<(), Malformed> {
    let allowed = match kind {
        2 | 5 | 7 | 10 => 0..=0,
        6 | 11..=14 => 4..=4,
        1 | 4 | 8 | 9 | 15 => 0..=CHUNK,
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
mod tests {
    use super::*;

    /// A small generator of pseudo-random numbers (xorshift): the same sequence each time, so a failure repeats.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn bytes(&mut self) -> Vec<u8> {
            let length = self.next() as usize % 300;
            (0..length).map(|_| self.next() as u8).collect()
        }
    }

    fn any(numbers: &mut Numbers) -> Frame {
        let number = numbers.next() as i32;
        match numbers.next() % 15 {
            0 => Frame::Hello(format!("kernel {number}")),
            1 => Frame::Alive,
            2 => Frame::Run(numbers.bytes()),
            3 => Frame::Stdin(numbers.bytes()),
            4 => Frame::StdinEnd,
            5 => Frame::StdinTaken(number as u32),
            6 => Frame::StdinShut,
            7 => Frame::Stdout(numbers.bytes()),
            8 => Frame::Stderr(numbers.bytes()),
            9 => Frame::OutputShut,
            10 => Frame::Signal(number),
            11 => Frame::Window(Window { rows: number as u16, columns: (number >> 16) as u16 }),
            12 => Frame::Exited(number),
            13 => Frame::Signalled(number),
            _ => Frame::Refused(format!("no such file: {number}")),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut numbers = Numbers(7);
        let frames: Vec<Frame> = (0..2000).map(|_| any(&mut numbers)).collect();
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write_to(&mut bytes).expect("a frame goes into a vector");
        }
        let mut rest = bytes.as_slice();
        for frame in &frames {
            assert_eq!(Frame::read_from(&mut rest).expect("whole frames").as_ref(), Some(frame));
        }
        assert_eq!(Frame::read_from(&mut rest).expect("the end is no error"), None);
    }

    #[test]
    fn a_frame_cut_short_is_an_error_at_every_length() {
        let mut bytes = Vec::new();
        Frame::Stdout(b"some output".to_vec()).write_to(&mut bytes).expect("a frame goes into a vector");
        for length in 1..bytes.len() {
            let error = Frame::read_from(&mut &bytes[..length]).expect_err("a part is no frame");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "at {length}");
        }
    }

    #[test]
    fn a_length_above_the_bound_is_refused_before_it_is_read() {
        for kind in 0..=255u8 {
            let header = [kind, 0xff, 0xff, 0xff, 0xff];
            let error = Frame::read_from(&mut header.as_slice()).expect_err("4 GiB is no frame");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "kind {kind}");
        }
        let too_long = Frame::Stdin(vec![0; CHUNK + 1]);
        assert!(too_long.write_to(&mut Vec::new()).is_err(), "nor is it ever sent");
    }

    #[test]
    fn noise_never_panics_and_never_makes_a_frame_of_unknown_kind() {
        let mut numbers = Numbers(99);
        for _ in 0..20_000 {
            let noise = numbers.bytes();
            let mut rest = noise.as_slice();
            while let Ok(Some(frame)) = Frame::read_from(&mut rest) {
                let mut again = Vec::new();
                frame.write_to(&mut again).expect("what was read can be written");
            }
        }
    }
}
