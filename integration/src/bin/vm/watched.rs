//! The output of a test file on its way to the caller: counted, and kept together where several machines talk at once.

use std::io::{self, Write};

use crate::qemu::Company;
use crate::session::{Caller, Sink};
use crate::tally::Tally;

/// As much of one file's output as is kept until it ends. A file tells some 10 KiB; what is beyond this goes out at once,
/// between the lines of others.
const KEPT_MOST: usize = 4 << 20;

/// Counts what passes by.
pub struct Watched {
    pub tally: Tally,
    /// What is to be told in one piece at the end; none when nobody else talks.
    kept: Option<Kept>,
}

/// Both streams in the order in which they came.
struct Kept {
    heading: String,
    pieces: Vec<(Stream, Vec<u8>)>,
    size: usize,
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

impl Watched {
    /// Alone, each byte goes to the caller as it comes; else all of it below a heading when the file has ended.
    pub fn new(company: Company, heading: String) -> Self {
        let kept = (company == Company::Others).then(|| Kept { heading, pieces: Vec::new(), size: 0 });
        Self { tally: Tally::default(), kept }
    }

    fn pass(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let Some(kept) = &mut self.kept else { return tell(stream, bytes) };
        kept.size += bytes.len();
        kept.pieces.push((stream, bytes.to_vec()));
        if kept.size > KEPT_MOST { kept.tell() } else { Ok(()) }
    }
}

impl Kept {
    fn tell(&mut self) -> io::Result<()> {
        // Held until all is out: what another machine says comes before or after it.
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "\n== {}", self.heading)?;
        self.size = 0;
        self.pieces.drain(..).try_for_each(|(stream, bytes)| tell(stream, &bytes))
    }
}

fn tell(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Out => Caller.stdout(bytes),
        Stream::Err => Caller.stderr(bytes),
    }
}

impl Sink for Watched {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tally.watch(bytes);
        self.pass(Stream::Out, bytes)
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pass(Stream::Err, bytes)
    }
}

impl Drop for Watched {
    /// Also when its machine has died: what it said until then is the most that can be known.
    fn drop(&mut self) {
        if let Some(kept) = &mut self.kept {
            // A caller who reads no more has said so by himself.
            let _ = kept.tell();
        }
    }
}
