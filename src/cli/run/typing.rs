//! `--terminal`: the caller's keys to the job's own terminal, and the size of his to its.
//!
//! What the job writes to its terminal is handed on as any output is (`handing`).

use crate::supervise::{Error, Job, JobTerminal, RawTerminal};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

/// Keys that were read and not yet typed: two pieces, so that a job which does not read holds up the caller's keys as a
/// terminal would.
const PIECES_MOST: usize = 2;
/// Bytes of one piece: what a terminal gives at once (N_TTY_BUF_SIZE).
const PIECE_MOST: usize = 4096;

/// The caller's terminal while a job has one of its own. As it was before when this is dropped.
#[derive(Debug)]
pub struct Typing {
    /// None where standard input is no terminal: then what it gives is typed all the same.
    raw: Option<Arc<RawTerminal>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Typing {
    /// Makes the caller's terminal raw. Before the job starts: nothing of it shall be shown twice.
    ///
    /// # Errors
    /// For a terminal that cannot be had.
    pub fn prepare() -> Result<Self, Error> {
        let raw = RawTerminal::enter(io::stdin().as_fd())?.map(Arc::new);
        Ok(Self { raw, tasks: Vec::new() })
    }

    /// Begins to type. In the runtime that runs the job.
    ///
    /// # Errors
    /// When there is no room for a thread, or the runtime cannot catch signals.
    pub fn begin(&mut self, job: &Job) -> io::Result<()> {
        let Some(terminal) = job.terminal().cloned() else { return Ok(()) };
        if let Some(raw) = &self.raw {
            self.tasks.push(tokio::spawn(follow(Arc::clone(raw), terminal.clone(), Changes::catch()?)));
        }
        let (keys, typed) = channel(PIECES_MOST);
        // Its read cannot be ended: it ends with the program.
        thread::Builder::new().name("keys".to_owned()).spawn(move || {
            let mut stdin = io::stdin();
            let mut piece = [0; PIECE_MOST];
            while let Ok(count @ 1..) = stdin.read(&mut piece) {
                if keys.blocking_send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        })?;
        self.tasks.push(tokio::spawn(type_all(typed, terminal)));
        Ok(())
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        // With them goes what they hold of the caller's terminal, at the latest with their runtime.
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What can happen to the caller's terminal.
struct Changes {
    size: tokio::signal::unix::Signal,
    continued: tokio::signal::unix::Signal,
}

impl Changes {
    fn catch() -> io::Result<Self> {
        const SIGCONT: i32 = 18;
        Ok(Self { size: signal(SignalKind::window_change())?, continued: signal(SignalKind::from_raw(SIGCONT))? })
    }
}

/// Tells the job's terminal of every change of the caller's.
async fn follow(raw: Arc<RawTerminal>, terminal: JobTerminal, mut changes: Changes) {
    loop {
        // Also to begin with: it may have changed while the cell was built. What fails is a terminal that is gone.
        let _ = terminal.resize(raw.window());
        tokio::select! {
            _ = changes.size.recv() => {}
            _ = changes.continued.recv() => drop(raw.again()),
        }
    }
}

/// Types everything that was read, and then the end.
async fn type_all(mut typed: Receiver<Vec<u8>>, terminal: JobTerminal) {
    let mut in_line = false;
    while let Some(piece) = typed.recv().await {
        if terminal.write_all(&piece).await.is_err() {
            return;
        }
        in_line = piece.last() != Some(&b'\n');
    }
    // An error is the job's end, which needs no other.
    let _ = terminal.end(in_line).await;
}
