//! Counting: reads the `test result:` lines that pass by, and says the sum.

use std::fmt::Write;
use std::time::Duration;

/// What a run of tests came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    /// Ignored by the test program itself.
    pub skipped: u64,
}

impl Count {
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    pub fn executed(self) -> u64 {
        self.passed + self.failed
    }
}

/// Watches output go by, in whatever pieces, and adds up its result lines.
#[derive(Debug, Default)]
pub struct Tally {
    pub count: Count,
    /// How many programs told their result.
    pub results: u32,
    line: Vec<u8>,
}

/// No result line is longer; a longer line is somebody's output, of which only the start is kept.
const LINE_LIMIT: usize = 512;

impl Tally {
    pub fn watch(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                if let Some(count) = result(&String::from_utf8_lossy(&self.line)) {
                    self.count.add(count);
                    self.results += 1;
                }
                self.line.clear();
            } else if self.line.len() < LINE_LIMIT {
                self.line.push(byte);
            }
        }
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`, coloured or not.
fn result(line: &str) -> Option<Count> {
    let plain = without_colours(line);
    let rest = plain.strip_prefix("test result: ")?.split_once(". ")?.1;
    let number = |what: &str| rest.split("; ").find_map(|part| part.strip_suffix(what)?.parse().ok());
    Some(Count { passed: number(" passed")?, failed: number(" failed")?, skipped: number(" ignored")? })
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // `[32m`, or `(B` of a terminal's reset
        plain.push_str(part.strip_prefix("(B").unwrap_or_else(|| part.split_once('m').map_or(part, |(_, rest)| rest)));
    }
    plain
}

/// One line of the table at the end.
#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub count: Count,
    pub took: Duration,
    /// What went wrong beside failed tests, in a few words.
    pub notes: Vec<String>,
}

/// The table, and the line that closes it.
pub fn summary(rows: &[Row]) -> String {
    let mut text = format!("\n{:<8} {:>7} {:>7} {:>8} {:>7}\n", "lane", "passed", "failed", "skipped", "time");
    let mut sum = Count::default();
    for Row { name, count, took, notes } in rows {
        let Count { passed, failed, skipped } = count;
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{name:<8} {passed:>7} {failed:>7} {skipped:>8} {:>5} s", took.as_secs());
        for note in notes {
            let _ = writeln!(text, "         {note}");
        }
        sum.add(*count);
    }
    let _ = write!(text, "\n{} passed, {} failed", sum.passed, sum.failed);
    if sum.skipped > 0 {
        let _ = write!(text, ", {} skipped", sum.skipped);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\nrunning 4 tests\ntest a ... ok\ntest result: nonsense\n\
        test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
        test result: \u{1b}[31mFAILED\u{1b}(B\u{1b}[m. 10 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out\n";

    #[test]
    fn results_are_summed_however_the_output_is_cut() {
        for size in [1, 2, 7, OUTPUT.len()] {
            let mut tally = Tally::default();
            OUTPUT.as_bytes().chunks(size).for_each(|piece| tally.watch(piece));
            assert_eq!(tally.count, Count { passed: 13, failed: 2, skipped: 1 }, "in pieces of {size}");
            assert_eq!(tally.results, 2);
        }
    }

    #[test]
    fn a_line_without_end_costs_no_memory() {
        let mut tally = Tally::default();
        (0..1000).for_each(|_| tally.watch(&[b'x'; 1000]));
        assert_eq!(tally.line.len(), LINE_LIMIT);
    }

    #[test]
    fn the_last_line_is_the_sum() {
        let row = |name, passed, failed, skipped| Row {
            name,
            count: Count { passed, failed, skipped },
            took: Duration::from_secs(3),
            notes: Vec::new(),
        };
        let last = |rows: &[Row]| summary(rows).lines().last().map(str::to_owned);
        assert_eq!(last(&[row("host", 5, 0, 0), row("bare", 7, 1, 0)]).as_deref(), Some("12 passed, 1 failed"));
        assert_eq!(last(&[row("host", 5, 0, 2)]).as_deref(), Some("5 passed, 0 failed, 2 skipped"));
    }
}
