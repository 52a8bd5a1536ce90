//! The last of what a job said on standard error, kept while it is relayed to a terminal.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are kept: the last words of most programs, and no burden in a report.
const KEPT: usize = 4096;

/// What was written last. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    /// It as text; what is no text is shown with U+FFFD.
    pub fn text(&self) -> String {
        // Only ever pushed to and drained, so it is whole even if a writer panicked.
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(bytes.make_contiguous()).into_owned()
    }

    fn keep(&self, bytes: &[u8]) {
        let last = &bytes[bytes.len().saturating_sub(KEPT)..];
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = (kept.len() + last.len()).saturating_sub(KEPT);
        kept.drain(..beyond);
        kept.extend(last);
    }
}

/// Writes through, and keeps the last of it.
pub(super) struct Kept<W> {
    pub to: W,
    pub tail: Tail,
}

impl<W: Write> Write for Kept<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Kept also when the terminal is gone: it was said all the same.
        self.tail.keep(bytes);
        self.to.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_bytes_are_kept_and_all_are_passed_on(parts in prop::collection::vec("[a-z]{0,3000}", 0..6)) {
            let tail = Tail::default();
            let mut kept = Kept { to: Vec::new(), tail: tail.clone() };
            parts.iter().for_each(|part| kept.write_all(part.as_bytes()).expect("memory takes it"));
            let all = parts.concat();
            prop_assert_eq!(tail.text(), &all[all.len().saturating_sub(KEPT)..]);
            prop_assert_eq!(kept.to, all.into_bytes());
        }
    }
}
