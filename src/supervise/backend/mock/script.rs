//! What a job of a mock does, from its start to its end.

use crate::life::{Evidence, StartFailure, Usage};
use std::ffi::OsString;
use std::time::Duration;

/// What a job does: its output and its pauses in the order in which they were given, and then its end, which is 0 when
/// nothing is said. SIGTERM ends it as it ends a program without a handler, unless it is [`Script::deaf`]; other signals are
/// noted alone. Clones are the same once more.
#[derive(Debug, Clone, Default)]
pub struct Script {
    pub(super) argv: Option<Vec<OsString>>,
    pub(super) acts: Vec<Act>,
    pub(super) ending: Ending,
    pub(super) deaf: bool,
    pub(super) usage: Usage,
}

/// One thing that it does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Out(Vec<u8>),
    Err(Vec<u8>),
    Pause(Duration),
}

/// How it ends.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    Code(u8),
    Signal(u8),
    /// The kernel killed it for want of memory.
    OutOfMemory,
    /// It is gone, and nobody knows how.
    Lost,
    NotStarted(StartFailure),
}

impl Default for Ending {
    fn default() -> Self {
        Self::Code(0)
    }
}

impl Script {
    /// The program and its arguments that it is for; any when nothing is said.
    #[must_use]
    pub fn argv<W: Into<OsString>>(mut self, argv: impl IntoIterator<Item = W>) -> Self {
        self.argv = Some(argv.into_iter().map(Into::into).collect());
        self
    }

    /// Writes to its standard output.
    #[must_use]
    pub fn out(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.acts.push(Act::Out(bytes.into()));
        self
    }

    /// Writes to its standard error.
    #[must_use]
    pub fn err(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.acts.push(Act::Err(bytes.into()));
        self
    }

    /// Does nothing for so long, in the runtime's time.
    #[must_use]
    pub fn pause(mut self, time: Duration) -> Self {
        self.acts.push(Act::Pause(time));
        self
    }

    /// Returns a code.
    #[must_use]
    pub fn exit(mut self, code: u8) -> Self {
        self.ending = Ending::Code(code);
        self
    }

    /// Is ended by a signal, 1 to 64, that nobody here has sent.
    #[must_use]
    pub fn signal(mut self, signal: u8) -> Self {
        self.ending = Ending::Signal(signal);
        self
    }

    /// Is killed by the kernel at its own `memory.max`: [`Cause::Memory`](crate::life::Cause::Memory).
    #[must_use]
    pub fn out_of_memory(mut self) -> Self {
        self.ending = Ending::OutOfMemory;
        self
    }

    /// Is gone without a word, as when its PID 1 was killed from outside: [`Cause::Lost`](crate::life::Cause::Lost).
    #[must_use]
    pub fn lost(mut self) -> Self {
        self.ending = Ending::Lost;
        self
    }

    /// Is never started: the start fails with this.
    #[must_use]
    pub fn not_started(mut self, failure: StartFailure) -> Self {
        self.ending = Ending::NotStarted(failure);
        self
    }

    /// Does not hear SIGTERM: only a kill ends it before its time.
    #[must_use]
    pub fn deaf(mut self) -> Self {
        self.deaf = true;
        self
    }

    /// What it has used by its end; its wall-clock time is measured.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// What shows its end.
    pub(super) fn evidence(&self) -> Evidence {
        match self.ending {
            Ending::OutOfMemory => Evidence { oom_kills: Some(1), oom_events: Some(1), ..Evidence::default() },
            _ => Evidence::default(),
        }
    }
}
