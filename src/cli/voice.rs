//! Our own words on standard error, a line at a time, each marked as ours. In colour on a terminal, unless NO_COLOR says
//! otherwise (no-color.org).

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

/// The mark in front of every line.
const MARK: &str = "ironcell:";
/// Bold and red, and back again: ECMA-48, "select graphic rendition".
const PAINT: (&str, &str) = ("\x1b[1;31m", "\x1b[0m");

/// Whether the mark is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Text only.
    Plain,
    /// For a terminal.
    Painted,
}

/// Speaks for ironcell.
pub struct Voice<'a> {
    out: &'a mut (dyn Write + Send),
    colour: Colour,
    /// Whether it is a terminal that somebody hears it on.
    terminal: bool,
    end: &'static str,
}

impl<'a> Voice<'a> {
    /// Speaks to `out`.
    pub fn new(out: &'a mut (dyn Write + Send), colour: Colour) -> Self {
        Self { out, colour, terminal: false, end: "\n" }
    }

    /// Speaks to standard error, in colour if that is wanted there.
    pub fn stderr(out: &'a mut io::Stderr) -> Self {
        let terminal = out.is_terminal();
        let colour = colour(terminal, |name| std::env::var_os(name));
        Self { out, colour, terminal, end: "\n" }
    }

    /// From now on its terminal may be raw: there a line feed alone goes down and not back to the left margin.
    pub fn expect_raw_terminal(&mut self) {
        if self.terminal {
            self.end = "\r\n";
        }
    }

    /// Says one line. That nobody may listen is no reason to fail. What could move a terminal's cursor or change its
    /// colours is shown as an escape: a job chooses the names of its processes.
    pub fn say(&mut self, line: &str) {
        let mark = match self.colour {
            Colour::Plain => MARK.to_owned(),
            Colour::Painted => format!("{}{MARK}{}", PAINT.0, PAINT.1),
        };
        let _ = write!(self.out, "{mark} {}{}", harmless(line), self.end);
    }
}

/// Colour on a terminal that knows it, and only where nobody asked for none.
fn colour<S: AsRef<OsStr>>(terminal: bool, var: impl Fn(&str) -> Option<S>) -> Colour {
    let unwanted = var("NO_COLOR").is_some_and(|value| !value.as_ref().is_empty());
    let unknown = var("TERM").is_none_or(|value| value.as_ref().is_empty() || value.as_ref() == "dumb");
    if terminal && !unwanted && !unknown { Colour::Painted } else { Colour::Plain }
}

/// The line with its control characters as escapes, line ends among them.
pub fn harmless(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        // Longer than one backslash and a letter: what has no shape of its own, or turns the others around.
        if character.is_control() || character.escape_debug().count() > 2 {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_of_people_who_want_it() {
        let with = |terminal, no_color: Option<&str>, term: Option<&str>| {
            let (no_color, term) = (no_color.map(str::to_owned), term.map(str::to_owned));
            colour(terminal, |name| if name == "NO_COLOR" { no_color.clone() } else { term.clone() })
        };
        assert_eq!(with(true, None, Some("xterm")), Colour::Painted);
        assert_eq!(with(true, Some(""), Some("xterm")), Colour::Painted);
        assert_eq!(with(true, Some("1"), Some("xterm")), Colour::Plain);
        assert_eq!(with(true, None, Some("dumb")), Colour::Plain);
        assert_eq!(with(false, None, Some("xterm")), Colour::Plain);
    }

    #[test]
    fn a_line_is_marked_and_cannot_take_the_terminal_over() {
        let said = |colour, line| {
            let mut out = Vec::new();
            Voice::new(&mut out, colour).say(line);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(said(Colour::Plain, "killed"), "ironcell: killed\n");
        assert_eq!(said(Colour::Painted, "killed"), "\x1b[1;31mironcell:\x1b[0m killed\n");
        assert_eq!(said(Colour::Plain, "é 'a' \u{202e}b\u{2028}"), "ironcell: é 'a' \\u{202e}b\\u{2028}\n");
        assert_eq!(said(Colour::Plain, "a\x1b[2Jb\u{9b}c\nd"), "ironcell: a\\u{1b}[2Jb\\u{9b}c\\nd\n");
    }
}
