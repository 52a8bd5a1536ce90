//! An order: one command that the host asks the agent to run.
//!
//! Words of a command line need not be UTF-8, so they travel as bytes: a count, then each word with its length.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Lines of text.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
}

/// Where a command's standard input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// `/dev/null`: the caller has nothing to give.
    Null,
    /// Frames of the host.
    Host,
    /// A terminal of its own, for all three streams.
    Terminal(Window),
}

/// What to run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The program, found by the agent's PATH if it has no slash, and its arguments.
    pub argv: Vec<OsString>,
    /// The whole environment: nothing of the agent's own is inherited.
    pub environment: Vec<(OsString, OsString)>,
    /// Where the command starts.
    pub directory: OsString,
    /// Where its standard input comes from.
    pub stdin: Stdin,
}

/// Why bytes are not an order.
#[derive(Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends within a word, or its lists do not match.
    Truncated,
    /// There is no such kind of standard input.
    Stdin(u8),
    /// So many bytes follow its end.
    Trailing(usize),
    /// Its list of words is empty.
    NoCommand,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the order ends too early"),
            Self::Stdin(kind) => write!(f, "the order names an unknown kind of standard input, {kind}"),
            Self::Trailing(count) => write!(f, "the order has {count} bytes too many"),
            Self::NoCommand => write!(f, "the order names no command"),
        }
    }
}

impl std::error::Error for Malformed {}

impl Order {
    /// The order as the payload of a frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_words(&mut bytes, self.argv.iter().map(OsString::as_os_str));
        put_words(&mut bytes, self.environment.iter().map(|(name, _)| name.as_os_str()));
        put_words(&mut bytes, self.environment.iter().map(|(_, value)| value.as_os_str()));
        put_words(&mut bytes, std::iter::once(self.directory.as_os_str()));
        match self.stdin {
            Stdin::Null => bytes.push(0),
            Stdin::Host => bytes.push(1),
            Stdin::Terminal(Window { rows, columns }) => {
                bytes.push(2);
                bytes.extend(rows.to_le_bytes());
                bytes.extend(columns.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Order::encode`] wrote; bytes that are anything else are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut rest = Rest(bytes);
        let argv = rest.words()?;
        let (names, values) = (rest.words()?, rest.words()?);
        if names.len() != values.len() {
            return Err(Malformed::Truncated);
        }
        let directory = rest.words()?.pop().ok_or(Malformed::Truncated)?;
        let stdin = match rest.byte()? {
            0 => Stdin::Null,
            1 => Stdin::Host,
            2 => Stdin::Terminal(Window { rows: rest.short()?, columns: rest.short()? }),
            other => return Err(Malformed::Stdin(other)),
        };
        match (rest.0.len(), argv.is_empty()) {
            (0, false) => Ok(Self { argv, environment: names.into_iter().zip(values).collect(), directory, stdin }),
            (0, true) => Err(Malformed::NoCommand),
            (trailing, _) => Err(Malformed::Trailing(trailing)),
        }
    }
}

fn put_words<'a>(bytes: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a OsStr>) {
    bytes.extend((words.len() as u32).to_le_bytes());
    for word in words {
        bytes.extend((word.len() as u32).to_le_bytes());
        bytes.extend_from_slice(word.as_bytes());
    }
}

/// What is left to decode. Nothing is allocated by a length before that many bytes are seen to be there.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    fn short(&mut self) -> Result<u16, Malformed> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn length(&mut self) -> Result<usize, Malformed> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn words(&mut self) -> Result<Vec<OsString>, Malformed> {
        let count = self.length()?;
        let mut words = Vec::new();
        for _ in 0..count {
            let length = self.length()?;
            words.push(OsString::from_vec(self.take(length)?.to_vec()));
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            argv: vec!["printf".into(), OsString::from_vec(vec![b'%', 0xff, b's']), "".into()],
            environment: vec![("LANG".into(), "C.UTF-8".into()), ("EMPTY".into(), "".into())],
            directory: "/srv/work".into(),
            stdin: Stdin::Terminal(Window { rows: 50, columns: 300 }),
        }
    }

    #[test]
    fn an_order_survives_the_way() {
        for stdin in [Stdin::Null, Stdin::Host, order().stdin] {
            let order = Order { stdin, ..order() };
            assert_eq!(Order::decode(&order.encode()), Ok(order));
        }
    }

    #[test]
    fn a_part_of_an_order_is_refused_at_every_length() {
        let bytes = order().encode();
        for length in 0..bytes.len() {
            assert_eq!(Order::decode(&bytes[..length]), Err(Malformed::Truncated), "at {length}");
        }
    }

    #[test]
    fn an_order_says_what_is_wrong_with_it() {
        let mut bytes = order().encode();
        bytes.push(0);
        assert_eq!(Order::decode(&bytes), Err(Malformed::Trailing(1)));
        let empty = Order { argv: Vec::new(), ..order() };
        assert_eq!(Order::decode(&empty.encode()), Err(Malformed::NoCommand));
        let mut odd = Order { stdin: Stdin::Null, ..order() }.encode();
        *odd.last_mut().expect("an order has bytes") = 9;
        assert_eq!(Order::decode(&odd), Err(Malformed::Stdin(9)));
        let mut huge = order().encode();
        huge[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Order::decode(&huge), Err(Malformed::Truncated));
    }
}
