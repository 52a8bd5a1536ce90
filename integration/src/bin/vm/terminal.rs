//! The caller's terminal: its size, and raw mode for `shell`, taken back whatever happens.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use integration::order::Window;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// The settings from before, while the terminal is raw.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The size of the terminal on standard input, if it is one.
pub fn window() -> Option<Window> {
    let size = isatty(stdin()).then(|| tcgetwinsize(stdin()).ok())??;
    Some(Window { rows: size.ws_row, columns: size.ws_col })
}

/// Raw mode until this is dropped.
pub struct Raw(());

impl Raw {
    pub fn enter() -> Result<Self> {
        let before = tcgetattr(stdin()).context("cannot read the settings of the terminal")?;
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        tcsetattr(stdin(), OptionalActions::Now, &raw).context("cannot make the terminal raw")?;
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was; also called when a signal ends the program.
pub fn restore() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A terminal that is gone needs nothing back.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
