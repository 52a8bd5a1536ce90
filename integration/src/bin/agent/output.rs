//! A command's output on its way to the host: one thread a stream, nothing held back, nothing lost.
//!
//! The end of a command is its leader's exit, not the end of its streams: a daemon that keeps them open does not keep
//! the host. What the leader itself wrote is in the pipe by then, and is always delivered.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use integration::frame::{CHUNK, Frame};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::command::read;
use crate::port::Voice;

/// How long children that outlive the leader may go on writing before the host hears of the end.
const AFTERGLOW: Duration = Duration::from_secs(2);

/// What a pipe can hold: all that a leader may have left in it.
const PIPE_CAPACITY: usize = 64 * 1024;

/// Which frame the bytes become.
pub type Way = fn(Vec<u8>) -> Frame;

/// The readers of one command's streams.
pub struct Outputs {
    /// Hangs up when reading shall end.
    gate: OwnedFd,
    done: Sender<()>,
    all_done: Receiver<()>,
}

impl Outputs {
    /// The readers, and the descriptor that keeps them reading.
    pub fn new() -> io::Result<(Self, OwnedFd)> {
        let (gate, open) = pipe_with(PipeFlags::CLOEXEC)?;
        let (done, all_done) = channel();
        Ok((Self { gate, done, all_done }, open))
    }

    pub fn read(&self, pipe: OwnedFd, way: Way, voice: Voice) -> io::Result<()> {
        let (gate, done) = (self.gate.try_clone()?, self.done.clone());
        thread::spawn(move || {
            // Errors are the end too: of the pipe, or of the port (then the main loop ends the machine).
            let _ = pump(&pipe, &gate, way, &voice);
            drop(done);
        });
        Ok(())
    }

    /// Returns when all is delivered, or little later than [`AFTERGLOW`] after the leader's exit.
    pub fn finish(self, open: &Mutex<Option<OwnedFd>>) {
        drop(self.done);
        if self.all_done.recv_timeout(AFTERGLOW) == Err(RecvTimeoutError::Timeout) {
            *open.lock().unwrap_or_else(PoisonError::into_inner) = None;
            // No thread sends: this ends when the last has dropped its sender.
            let _ = self.all_done.recv();
        }
    }
}

fn pump(pipe: &OwnedFd, gate: &OwnedFd, way: Way, voice: &Voice) -> io::Result<()> {
    let mut bytes = vec![0; CHUNK];
    while wait(pipe, gate)? {
        let count = read(pipe, &mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        voice.say(&way(bytes[..count].to_vec()))?;
    }
    let mut left = PIPE_CAPACITY;
    while left > 0 && readable(pipe)? {
        let count = read(pipe, &mut bytes[..left.min(CHUNK)])?;
        if count == 0 {
            return Ok(());
        }
        left -= count;
        voice.say(&way(bytes[..count].to_vec()))?;
    }
    Ok(())
}

/// True when the pipe has something to read (or ended), false when the gate was closed first.
fn wait(pipe: &OwnedFd, gate: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(gate, PollFlags::empty()), PollFd::new(pipe, PollFlags::IN)];
    loop {
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(fds[0].revents().is_empty()),
        }
    }
}

fn readable(pipe: &OwnedFd) -> io::Result<bool> {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(!fds[0].revents().is_empty())
}
