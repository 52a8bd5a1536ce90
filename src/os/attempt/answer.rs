//! What came of an attempt, and how it is told through a pipe: one line, so that what is told before a kill is kept.

use std::io;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It went through, with this to show for it.
    Allowed(String),
    /// The kernel refused it with this error number.
    Refused(i32),
    /// There was nothing to try it on, or it had no effect.
    Absent(String),
    /// Something was looked at: what it should be is for others to say.
    Facts(Vec<u8>),
    /// A signal ended the process that tried.
    Killed(u8),
    /// It was still trying when its time was over.
    Hung,
    /// It could not be tried, for this reason.
    Unclear(String),
}

impl Seen {
    /// The result of a raw call: -1 is the errno of this thread.
    pub(super) fn of(result: libc::c_long) -> Self {
        if result == -1 { Self::of_errno() } else { Self::Allowed(format!("it returned {result}")) }
    }

    /// The result of a call that looks for its privilege first and then fails at arguments that have no meaning: these
    /// errors show that the privilege was there.
    pub(super) fn past(result: libc::c_long, then: &[i32]) -> Self {
        match Self::of(result) {
            Self::Refused(errno) if then.contains(&errno) => {
                Self::Allowed(format!("it came past the check of privilege, to error {errno}"))
            }
            other => other,
        }
    }

    /// A refusal with the errno of this thread.
    pub(super) fn of_errno() -> Self {
        Self::of_error(&io::Error::last_os_error())
    }

    /// A refusal with this error's number.
    pub(super) fn of_error(error: &io::Error) -> Self {
        error.raw_os_error().map_or_else(|| Self::Unclear(error.to_string()), Self::Refused)
    }

    /// The result of a call of rustix's.
    pub(super) fn of_call<T>(result: rustix::io::Result<T>, shown: &str) -> Self {
        match result {
            Ok(_) => Self::Allowed(shown.to_owned()),
            Err(errno) => Self::Refused(errno.raw_os_error()),
        }
    }

    /// What was read, or why it could not be.
    pub(super) fn of_read(read: io::Result<Vec<u8>>) -> Self {
        read.map_or_else(|error| Self::of_error(&error), Self::Facts)
    }

    /// One line, without its end.
    pub fn line(&self) -> String {
        match self {
            Self::Allowed(shown) => format!("allowed {}", shown.escape_default()),
            Self::Refused(errno) => format!("refused {errno}"),
            Self::Absent(shown) => format!("absent {}", shown.escape_default()),
            Self::Facts(bytes) => format!("facts {}", hex(bytes)),
            Self::Killed(signal) => format!("killed {signal}"),
            Self::Hung => "hung ".to_owned(),
            Self::Unclear(why) => format!("unclear {}", why.escape_default()),
        }
    }

    /// The line read; `None` when it is none. It comes out of a cell, so nothing of it is taken on trust.
    pub fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_once(' ')?;
        Some(match kind {
            "allowed" => Self::Allowed(rest.to_owned()),
            "refused" => Self::Refused(rest.parse().ok().filter(|errno| *errno > 0)?),
            "absent" => Self::Absent(rest.to_owned()),
            "facts" => Self::Facts(unhex(rest)?),
            "killed" => Self::Killed(rest.parse().ok()?),
            "hung" => Self::Hung,
            "unclear" => Self::Unclear(rest.to_owned()),
            _ => return None,
        })
    }
}

/// The kernel's name of an error number, as `EPERM`.
pub fn errno_name(errno: i32) -> String {
    match nix::errno::Errno::from_raw(errno) {
        nix::errno::Errno::UnknownErrno => format!("error {errno}"),
        known => format!("{known:?}"),
    }
}

/// Bytes as text that no separator can be in.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes again.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_answer_comes_back_from_its_line() {
        for seen in [
            Seen::Allowed("it returned 3".to_owned()),
            Seen::Refused(1),
            Seen::Absent(String::new()),
            Seen::Facts(b"A=\n\0\xff".to_vec()),
            Seen::Facts(Vec::new()),
            Seen::Killed(31),
            Seen::Hung,
            Seen::Unclear("no room".to_owned()),
        ] {
            assert_eq!(Seen::parse(&seen.line()), Some(seen));
        }
    }

    #[test]
    fn an_answer_is_one_line_of_plain_characters() {
        let line = Seen::Allowed("a\nb\x1b[0m\u{e9}".to_owned()).line();
        assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{line}");
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for line in ["", "allowed", "refused x", "refused 0", "refused -1", "facts 0", "facts zz", "killed 999", "x y"]
        {
            assert_eq!(Seen::parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line: String) {
            let _ = Seen::parse(&line);
        }
    }
}
