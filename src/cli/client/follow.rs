//! Prints what a job writes as it comes: raw into a pipe, and safe on a terminal.

use super::Failure;
use crate::cli::voice::Voice;
use crate::life::Outcome;
use crate::rpc::client::{Client, answer, next};
use crate::rpc::convert::outcome_of;
use crate::rpc::proto::output_frame::Frame;
use crate::rpc::proto::{OutputChunk, Stream, StreamOutputRequest};
use std::io::{self, IsTerminal, Write};

/// What stands before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Nothing.
    None,
    /// Its stream.
    Stream,
}

/// Prints a stream to its end; the end of the job, or what it is of one that has not ended.
pub async fn follow(
    client: &mut Client,
    request: StreamOutputRequest,
    prefix: Prefix,
    err: &mut Voice<'_>,
) -> Result<Outcome, Failure> {
    end_of(client, request, prefix, err).await.map(|end| outcome_of(&end.unwrap_or_default()))
}

/// The same; nothing of a job that has not ended.
pub async fn end_of(
    client: &mut Client,
    request: StreamOutputRequest,
    prefix: Prefix,
    err: &mut Voice<'_>,
) -> Result<Option<crate::rpc::proto::Outcome>, Failure> {
    let mut frames = answer(client.jobs.stream_output(request).await)?;
    let mut printer = Printer::new(prefix);
    let mut offset = 0;
    while let Some(frame) = next(&mut frames).await? {
        match frame.frame {
            Some(Frame::Chunk(chunk)) => {
                offset = chunk.offset + chunk.data.len() as u64;
                printer.chunk(&chunk)?;
            }
            Some(Frame::Gap(gap)) => {
                err.say(&format!("the bytes {} to {} of the output are not kept any more", gap.from, gap.to));
            }
            Some(Frame::Ended(ended)) => {
                printer.end()?;
                return Ok(ended.job.and_then(|job| job.outcome));
            }
            _ => {}
        }
    }
    Err(Failure::Said(format!("the output was cut off: the daemon is gone; go on with --offset {offset}")))
}

/// Writes each stream to its own descriptor.
pub struct Printer {
    prefix: Prefix,
    stdout: Plain,
    stderr: Plain,
    /// The stream of the last line, while it has no end.
    open: Option<i32>,
}

impl Printer {
    pub fn new(prefix: Prefix) -> Self {
        let (stdout, stderr) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { prefix, stdout: Plain::new(stdout), stderr: Plain::new(stderr), open: None }
    }

    /// Prints a chunk.
    pub fn chunk(&mut self, chunk: &OutputChunk) -> io::Result<()> {
        let stderr = chunk.stream == Stream::Stderr as i32;
        let plain = if stderr { &mut self.stderr } else { &mut self.stdout };
        let text = plain.text(&chunk.data);
        match self.prefix {
            Prefix::None if stderr => write(&mut io::stderr(), &text),
            Prefix::None => write(&mut io::stdout(), &text),
            Prefix::Stream => {
                let lines = prefixed(&mut self.open, chunk.stream, &text);
                write(&mut io::stdout(), &lines)
            }
        }
    }

    /// Prints what was kept back.
    pub fn end(&mut self) -> io::Result<()> {
        write(&mut io::stdout(), &self.stdout.rest())?;
        write(&mut io::stderr(), &self.stderr.rest())
    }
}

fn write(to: &mut dyn Write, text: &[u8]) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    to.write_all(text)?;
    to.flush()
}

/// Lines with their stream before them. A line that the other stream cuts is ended first.
fn prefixed(open: &mut Option<i32>, stream: i32, text: &[u8]) -> Vec<u8> {
    let name: &[u8] = if stream == Stream::Stderr as i32 { b"[stderr] " } else { b"[stdout] " };
    let mut lines = Vec::new();
    if open.is_some_and(|open| open != stream) {
        lines.push(b'\n');
        *open = None;
    }
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if open.is_none() {
            lines.extend_from_slice(name);
        }
        lines.extend_from_slice(line);
        *open = (!line.ends_with(b"\n")).then_some(stream);
    }
    lines
}

/// Bytes of one stream: as they are, or such that no terminal is taken over by them.
struct Plain {
    safe: bool,
    /// The begin of a character whose end has not come yet.
    kept: Vec<u8>,
}

impl Plain {
    fn new(safe: bool) -> Self {
        Self { safe, kept: Vec::new() }
    }

    fn text(&mut self, bytes: &[u8]) -> Vec<u8> {
        if !self.safe {
            return bytes.to_vec();
        }
        self.kept.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.kept) {
            // Cut within a character: its end is still to come.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.kept.len(),
        };
        let rest = self.kept.split_off(whole);
        let text = shown(&String::from_utf8_lossy(&self.kept));
        self.kept = rest;
        text.into_bytes()
    }

    fn rest(&mut self) -> Vec<u8> {
        shown(&String::from_utf8_lossy(&std::mem::take(&mut self.kept))).into_bytes()
    }
}

/// A text whose control characters are shown as escapes, but for those that only move on.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        // A bare carriage return could write over what was said before.
        if character.is_control() && !matches!(character, '\n' | '\t') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_could_take_a_terminal_over_is_shown_and_a_pipe_gets_every_byte() {
        let mut safe = Plain::new(true);
        assert_eq!(safe.text(b"a\x1b[2J\tb\n"), b"a\\u{1b}[2J\tb\n");
        assert_eq!(Plain::new(false).text(b"\x1b\xff"), b"\x1b\xff");
    }

    #[test]
    fn each_line_has_its_stream_before_it() {
        let (mut open, out, err) = (None, Stream::Stdout as i32, Stream::Stderr as i32);
        let mut lines = prefixed(&mut open, out, b"a\nb");
        lines.extend(prefixed(&mut open, out, b"c\nd"));
        lines.extend(prefixed(&mut open, err, b"e\n"));
        assert_eq!(String::from_utf8_lossy(&lines), "[stdout] a\n[stdout] bc\n[stdout] d\n[stderr] e\n");
    }

    proptest! {
        #[test]
        fn characters_are_whole_wherever_chunks_are_cut(text in "[a-zé€😀\n]{0,40}", cuts in prop::collection::vec(0_usize..120, 0..6)) {
            let (mut plain, mut told, bytes) = (Plain::new(true), Vec::new(), text.as_bytes());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            for part in cuts.windows(2) {
                told.extend(plain.text(&bytes[part[0]..part[1]]));
            }
            told.extend(plain.rest());
            prop_assert_eq!(String::from_utf8(told), Ok(text));
        }
    }
}
