//! The lists of an authority: text, one certificate a line, so that a person can read and mend them.

use super::files;
use crate::rpc::tls::FileError;
use rcgen::SerialNumber;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// All that were issued, with the time until which they are good.
pub const ISSUED: &str = "issued";
/// Those that were revoked, with the time at which they were.
pub const REVOKED: &str = "revoked";

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Hexadecimal.
    pub serial: String,
    /// In whole seconds.
    pub time: SystemTime,
    /// Whose it is.
    pub name: String,
}

impl Line {
    /// One with a time cut to seconds.
    pub fn new(serial: &str, time: SystemTime, name: &str) -> Self {
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Self { serial: serial.to_owned(), time, name: name.to_owned() }
    }

    fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (serial, seconds, name) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        let good =
            !serial.is_empty() && serial.len().is_multiple_of(2) && serial.bytes().all(|b| b.is_ascii_hexdigit());
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        (good && words.next().is_none()).then(|| Self::new(&serial.to_ascii_lowercase(), time, name))
    }
}

/// The lines of a list; one that is not there is empty.
pub fn read(path: &Path) -> Result<Vec<Line>, FileError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = files::read(path)?;
    let one = |(index, line): (usize, &str)| {
        let problem = format!("line {} is not SERIAL SECONDS NAME", index + 1);
        Line::read(line).ok_or_else(|| FileError::new(path, problem, "mend or remove the line"))
    };
    text.lines().enumerate().map(one).collect()
}

/// Adds a line.
pub fn add(path: &Path, line: &Line) -> Result<(), FileError> {
    let mut lines = read(path)?;
    lines.push(line.clone());
    let text = lines.iter().fold(String::new(), |mut text, line| {
        let seconds = line.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {seconds} {}", line.serial, line.name);
        text
    });
    files::replace(path, &text, files::SECRET)
}

/// A serial number as text.
pub fn hex(serial: &SerialNumber) -> String {
    serial.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of pairs of hexadecimal digits; what is none is nothing.
pub fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..hex.len()).step_by(2).filter_map(pair).collect()
}
