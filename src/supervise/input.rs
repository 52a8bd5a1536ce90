//! What an owner writes to a job: its standard input, or its terminal.

use super::Error;
use crate::life::Stream;
use crate::os::stdio::{HeldTerminal, Inlet, Intake, Terminal, TerminalControls, WiredInlet};
use crate::spec::Window;
use std::io;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Something that is open until it is closed, by whomever, for all who hold it. Never locked while anybody waits.
#[derive(Debug)]
struct Open<T>(Arc<watch::Sender<Option<Arc<T>>>>);

impl<T> Clone for Open<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Open<T> {
    fn new(what: T) -> Self {
        Self(Arc::new(watch::Sender::new(Some(Arc::new(what)))))
    }

    fn get(&self) -> io::Result<Arc<T>> {
        self.0.borrow().clone().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    fn close(&self) {
        self.0.send_replace(None);
    }

    /// Writes once, unless it is closed meanwhile.
    async fn write(&self, inlet: impl Fn(&T) -> &Inlet, bytes: &[u8]) -> io::Result<usize> {
        let open = self.get()?;
        let mut closed = self.0.subscribe();
        tokio::select! {
            biased;
            _ = closed.wait_for(Option::is_none) => Err(io::ErrorKind::BrokenPipe.into()),
            written = inlet(&open).write(bytes) => written,
        }
    }

    /// Writes all of it, piece by piece.
    async fn write_all(&self, inlet: impl Fn(&T) -> &Inlet, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[self.write(&inlet, rest).await?..];
        }
        Ok(())
    }
}

/// The standard input of a job that was started with [`Stdio::Pipe`](crate::spec::Stdio::Pipe). Clones are the same. Its end
/// is told by [`JobStdin::close`], and by the job's own; dropping a clone closes nothing.
#[derive(Debug, Clone)]
pub struct JobStdin(Open<Inlet>);

impl JobStdin {
    /// Writes what the pipe takes, and waits while it takes nothing. How many bytes that were, at least 1 of a slice that has
    /// any.
    ///
    /// Cancel-safe: a wait that is given up has written nothing. Two who write at once may mix what they write, as with any
    /// pipe.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] when the job does not read any more, has ended, or the input was closed, also while this
    /// waits.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(|inlet| inlet, bytes).await
    }

    /// Writes all of it. Not cancel-safe: who gives up waiting does not know how much was written.
    ///
    /// # Errors
    /// As [`JobStdin::write`].
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(|inlet| inlet, bytes).await
    }

    /// Ends the input: what was written can still be read, then comes the end of the file. A write that waits fails. Closing
    /// once more is nothing.
    pub fn close(&self) {
        self.0.close();
    }
}

/// The terminal of a job that was started with one
/// ([`JobSpecBuilder::terminal`](crate::spec::JobSpecBuilder::terminal)). Clones are the same. What the job writes to it is
/// in the job's log.
#[derive(Debug, Clone)]
pub struct JobTerminal(Open<(Inlet, TerminalControls)>);

impl JobTerminal {
    /// Types: writes what the terminal takes, and waits while it takes nothing. How many bytes that were, at least 1 of a
    /// slice that has any. What they do is the terminal's: until the job says otherwise they are echoed, told to the job line
    /// by line (of a line 4095 bytes), and Ctrl-C, Ctrl-\\, Ctrl-Z and Ctrl-D do what they do (termios(3)).
    ///
    /// Cancel-safe: a wait that is given up has written nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::BrokenPipe`] when the job has ended, also while this waits.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(|(inlet, _)| inlet, bytes).await
    }

    /// Types all of it. Not cancel-safe: who gives up waiting does not know how much was written.
    ///
    /// # Errors
    /// As [`JobTerminal::write`].
    pub async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(|(inlet, _)| inlet, bytes).await
    }

    /// Interrupts what is in the foreground, as a person would: types the terminal's interrupt character, Ctrl-C if the job
    /// has set no other. A program that reads single keys gets it as a key.
    ///
    /// # Errors
    /// As [`JobTerminal::write`].
    pub async fn interrupt(&self) -> io::Result<()> {
        let key = self.0.get()?.1.interrupt();
        self.write_all(&[key]).await
    }

    /// Ends the input, as a person would: types the terminal's end-of-file character at the begin of a line, Ctrl-D if the job
    /// has set no other. `in_line` says that the last line which was typed has no end yet: it is given to the job first. A
    /// program that reads single keys gets it as a key.
    ///
    /// # Errors
    /// As [`JobTerminal::write`].
    pub async fn end(&self, in_line: bool) -> io::Result<()> {
        let key = self.0.get()?.1.end();
        self.write_all(&[key, key][..if in_line { 2 } else { 1 }]).await
    }

    /// Changes its size; the job's foreground is told by SIGWINCH. Of a job that has ended nothing is changed.
    ///
    /// # Errors
    /// When the kernel does not take it.
    pub fn resize(&self, window: Window) -> Result<(), Error> {
        match self.0.get() {
            Ok(open) => open.1.resize(window).map_err(Error::Os),
            Err(_) => Ok(()),
        }
    }
}

/// What an owner has of a job to write to. Held by its handles and its driver, which closes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    pub stdin: Option<JobStdin>,
    /// The writing of what was known whole.
    writing: Option<AbortHandle>,
    pub terminal: Option<JobTerminal>,
}

impl Inputs {
    /// Begins to write what is known, and keeps what is not. Of a terminal, what is to be read goes to the intakes, and what
    /// must be held until the cell is empty comes back.
    pub fn begin(
        inlet: Option<WiredInlet>,
        terminal: Option<Terminal>,
        intakes: &mut Vec<(Stream, Intake)>,
    ) -> (Self, Option<HeldTerminal>) {
        let mut writing = None;
        let stdin = match inlet {
            None => None,
            Some(WiredInlet { inlet, whole: None }) => Some(JobStdin(Open::new(inlet))),
            Some(WiredInlet { inlet, whole: Some(whole) }) => {
                // It ends when nobody reads any more, by an error, or with the job.
                writing = Some(tokio::spawn(async move { inlet.write_all(&whole).await }).abort_handle());
                None
            }
        };
        let Some(Terminal { intake, inlet, controls, held, socket: _ }) = terminal else {
            return (Self { stdin, writing, terminal: None }, None);
        };
        // One stream, whoever writes to it.
        intakes.push((Stream::Stdout, intake));
        (Self { stdin, writing, terminal: Some(JobTerminal(Open::new((inlet, controls)))) }, Some(held))
    }

    /// Nobody reads any more.
    pub fn close(&self) {
        self.stdin.iter().for_each(JobStdin::close);
        self.writing.iter().for_each(AbortHandle::abort);
        self.terminal.iter().for_each(|terminal| terminal.0.close());
    }
}
