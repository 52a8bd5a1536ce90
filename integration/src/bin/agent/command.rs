//! One command: started with exactly the order's words, fed, signalled, and reported when it has ended.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use integration::frame::Frame;
use integration::order::{Order, Stdin, Window};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::output::{self, Outputs};
use crate::port::Voice;

/// A command that was started. Dropping it leaves the command alone: its end is reported by its own thread.
pub struct Running {
    group: Pid,
    ended: Arc<AtomicBool>,
    /// What goes in; bounded by the window that the host keeps to.
    input: Option<Sender<Vec<u8>>>,
    /// Held open while the outputs are read; closing it ends them.
    outputs_open: Arc<Mutex<Option<OwnedFd>>>,
    terminal: Option<OwnedFd>,
}

impl Running {
    pub fn start(order: &Order, voice: &Voice) -> Result<Self> {
        let terminal = match order.stdin {
            Stdin::Terminal(window) => Some(Terminal::open(window).context("cannot make a terminal")?),
            Stdin::Null | Stdin::Host => None,
        };
        let mut child = spawn(order, terminal.as_ref())?;
        let group = Pid::from_raw(child.id() as i32).context("the command has no pid")?;
        let (outputs, outputs_open) = Outputs::new().context("cannot make a pipe")?;
        let outputs_open = Arc::new(Mutex::new(Some(outputs_open)));
        let master = terminal.map(|terminal| terminal.master);
        let streams = Streams::of(&mut child, master.as_ref()).context("cannot share the terminal")?;
        let (input, fed) = channel();
        if let Some(sink) = streams.sink {
            let voice = voice.clone();
            thread::spawn(move || feed(sink, &fed, &voice));
        }
        for (source, way) in streams.sources {
            outputs.read(source, way, voice.clone()).context("cannot read the command's output")?;
        }
        let ended = Arc::new(AtomicBool::new(false));
        let running = Self {
            group,
            ended: ended.clone(),
            input: Some(input),
            outputs_open: outputs_open.clone(),
            terminal: master,
        };
        let voice = voice.clone();
        thread::spawn(move || {
            let status = child.wait();
            ended.store(true, Ordering::Relaxed);
            outputs.finish(&outputs_open);
            // Where even this cannot be said the port is gone, and the main loop ends the machine.
            let _ = voice.say(&end_of(status));
        });
        Ok(running)
    }

    pub fn feed(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            // A receiver that is gone has already told the host that nothing more is taken.
            let _ = input.send(bytes);
        }
    }

    pub fn end_input(&mut self) {
        self.input = None;
    }

    pub fn shut_output(&self) {
        *self.outputs_open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// To the whole group, as a terminal would.
    pub fn signal(&self, number: i32) {
        if let Some(signal) = Signal::from_named_raw(number)
            && !self.ended.load(Ordering::Relaxed)
        {
            // A group that has just ended needs no signal.
            let _ = kill_process_group(self.group, signal);
        }
    }

    pub fn resize(&self, window: Window) {
        if let Some(terminal) = &self.terminal {
            // The size is a courtesy: a terminal that has just closed does not need it.
            let _ = tcsetwinsize(terminal, size_of(window));
        }
    }
}

fn spawn(order: &Order, terminal: Option<&Terminal>) -> Result<Child> {
    let mut command = Command::new(&order.argv[0]);
    command.args(&order.argv[1..]).current_dir(&order.directory);
    command.env_clear().envs(order.environment.iter().map(|(name, value)| (name, value)));
    match terminal {
        Some(terminal) => {
            command
                .stdin(duplicate(&terminal.peer)?)
                .stdout(duplicate(&terminal.peer)?)
                .stderr(duplicate(&terminal.peer)?);
            // SAFETY: between fork and exec these are two plain system calls.
            unsafe {
                command.pre_exec(|| {
                    rustix::process::setsid()?;
                    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                    Ok(())
                });
            }
        }
        None => {
            let input = if order.stdin == Stdin::Host { Stdio::piped() } else { Stdio::null() };
            command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        }
    }
    // SAFETY: between fork and exec these are plain system calls on constants.
    unsafe { command.pre_exec(as_any_process) };
    command.spawn().with_context(|| format!("cannot run {}", order.argv[0].display()))
}

/// Our ends of a command's streams: its pipes, or the one terminal for all of them.
struct Streams {
    sink: Option<File>,
    sources: Vec<(OwnedFd, output::Way)>,
}

impl Streams {
    fn of(child: &mut Child, terminal: Option<&OwnedFd>) -> io::Result<Self> {
        if let Some(master) = terminal {
            return Ok(Self {
                sink: Some(duplicate(master)?.into()),
                sources: vec![(duplicate(master)?, Frame::Stdout)],
            });
        }
        let sink = child.stdin.take().map(|pipe| OwnedFd::from(pipe).into());
        let stdout = child.stdout.take().map(|pipe| (pipe.into(), Frame::Stdout as output::Way));
        let stderr = child.stderr.take().map(|pipe| (pipe.into(), Frame::Stderr as output::Way));
        Ok(Self { sink, sources: stdout.into_iter().chain(stderr).collect() })
    }
}

/// Takes back what the agent has for itself: a command is as mortal as any process.
fn as_any_process() -> io::Result<()> {
    let file = rustix::fs::open("/proc/self/oom_score_adj", rustix::fs::OFlags::WRONLY, rustix::fs::Mode::empty())?;
    rustix::io::write(&file, b"0")?;
    Ok(())
}

/// Writes what the host sends into the command, and tells it how much was taken.
fn feed(mut sink: File, fed: &Receiver<Vec<u8>>, voice: &Voice) {
    for bytes in fed {
        let answer = match sink.write_all(&bytes) {
            Ok(()) => Frame::StdinTaken(bytes.len() as u32),
            Err(_) => Frame::StdinShut,
        };
        if voice.say(&answer).is_err() || answer == Frame::StdinShut {
            return;
        }
    }
}

fn end_of(status: io::Result<ExitStatus>) -> Frame {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Frame::Exited(code),
            (None, Some(signal)) => Frame::Signalled(signal),
            (None, None) => Frame::Refused(format!("the command ended in an unknown way: {status}")),
        },
        Err(error) => Frame::Refused(format!("cannot wait for the command: {error}")),
    }
}

struct Terminal {
    master: OwnedFd,
    peer: OwnedFd,
}

impl Terminal {
    fn open(window: Window) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let peer = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        tcsetwinsize(&master, size_of(window))?;
        Ok(Self { master, peer })
    }
}

fn size_of(window: Window) -> Winsize {
    Winsize { ws_row: window.rows, ws_col: window.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn duplicate(fd: &impl AsFd) -> io::Result<OwnedFd> {
    fd.as_fd().try_clone_to_owned()
}

/// Reads as `File` does, whatever kind of descriptor it is.
pub fn read(from: &OwnedFd, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match rustix::io::read(from, &mut *into) {
            Err(rustix::io::Errno::INTR) => {}
            // The other side of a terminal is closed: that is its end.
            Err(rustix::io::Errno::IO) => return Ok(0),
            other => return Ok(other?),
        }
    }
}
