//! The size of a terminal.

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
