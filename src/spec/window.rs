//! The size of a terminal.

use super::SpecError;
use std::fmt;

/// Lines and characters of a line of a terminal (`struct winsize` of ioctl_tty(2)). 0 is a size that the terminal does not
/// know; programs then take 24 by 80.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Lines, `ws_row`.
    pub rows: u16,
    /// Characters of a line, `ws_col`.
    pub columns: u16,
}

impl Default for Window {
    /// 24 by 80, as terminals were.
    fn default() -> Self {
        Self { rows: 24, columns: 80 }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

impl Window {
    /// Reads `24x80`: lines, and characters of a line.
    ///
    /// # Errors
    /// When it is no size, or one that a terminal cannot have.
    pub fn read(field: &str, text: &str) -> Result<Self, SpecError> {
        let number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
        let size = text.split_once('x').and_then(|(rows, columns)| Some((number(rows)?, number(columns)?)));
        let (rows, columns) = size.ok_or_else(|| {
            SpecError::new(field, text, "not the size of a terminal", "write lines and characters of a line, as 24x80")
        })?;
        Ok(Self { rows, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_size_is_read_as_it_is_written(rows: u16, columns: u16) {
            let window = Window { rows, columns };
            prop_assert_eq!(Window::read("--terminal", &window.to_string()), Ok(window));
        }

        #[test]
        fn nothing_else_is_a_size(text in ".{0,12}") {
            if let Ok(window) = Window::read("--terminal", &text) {
                prop_assert!(text.bytes().all(|b| b.is_ascii_digit() || b == b'x'), "{text:?} {window:?}");
            }
        }
    }

    #[test]
    fn what_no_terminal_can_have_is_refused() {
        for text in ["", "24", "24x", "x80", "+1x2", "24x80x1", "65536x1", "24 x 80"] {
            assert!(Window::read("--terminal", text).is_err(), "{text}");
        }
    }
}
