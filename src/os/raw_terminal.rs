//! The terminal of this process, raw while a job has one of its own behind it: termios(3), tty_ioctl(4).

use crate::os::{Doing, OsError};
use crate::spec::Window;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::process::getpgrp;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};

/// A terminal that gives every key as it is typed and shows every byte as it comes: what keys and line ends mean is the job's
/// own terminal's. As it was before when this is dropped, a panic included.
#[derive(Debug)]
pub struct RawTerminal {
    terminal: OwnedFd,
    saved: Termios,
}

impl RawTerminal {
    /// Makes it raw; `None` for what is no terminal.
    ///
    /// # Errors
    /// For a terminal in whose background this process is: a change of it would stop the process (SIGTTOU). When there is no
    /// room for another descriptor, or the terminal is gone.
    pub fn enter(terminal: BorrowedFd<'_>) -> Result<Option<Self>, OsError> {
        if !isatty(terminal) {
            return Ok(None);
        }
        let failed = |errno| OsError::new(Doing::Read, "the terminal's settings", errno);
        // Of a terminal that is not our session's there is no background to be in (ENOTTY).
        if tcgetpgrp(terminal).is_ok_and(|foreground| foreground != getpgrp()) {
            return Err(OsError::new(Doing::Open, "a terminal for the job", rustix::io::Errno::AGAIN).remedy(
                "ironcell is in the background of the terminal: bring it to the foreground, or leave out --terminal",
            ));
        }
        let saved = tcgetattr(terminal).map_err(failed)?;
        let terminal = rustix::io::fcntl_dupfd_cloexec(terminal, 3).map_err(failed)?;
        let raw = Self { terminal, saved };
        raw.again()?;
        Ok(Some(raw))
    }

    /// Makes it raw once more: whoever stops and continues this process, as a shell, gives it its own settings meanwhile.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn again(&self) -> Result<(), OsError> {
        let mut raw = self.saved.clone();
        raw.make_raw();
        // At once: to wait until all is shown is to wait for a terminal that may take nothing (TCSADRAIN).
        tcsetattr(&self.terminal, OptionalActions::Now, &raw)
            .map_err(|errno| OsError::new(Doing::Write, "the terminal's settings", errno))
    }

    /// Its size; 24 by 80 where that cannot be known.
    pub fn window(&self) -> Window {
        window_of(self.terminal.as_fd())
    }
}

/// The size of a terminal; 24 by 80 where that cannot be known, and for what is none.
pub fn window_of(terminal: BorrowedFd<'_>) -> Window {
    tcgetwinsize(terminal).map_or_else(|_| Window::default(), |size| Window { rows: size.ws_row, columns: size.ws_col })
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.saved);
    }
}
