//! One command in the machine: its order out, its output back, the caller's standard input fed as it is taken.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use integration::frame::{CHUNK, Frame, STDIN_WINDOW};
use integration::order::{Order, Stdin};
use integration::{Lane, PROGRAMS, SCRATCH};
use rustix::stdio::stdin;

use crate::machine::{Deadline, Fault, Machine};

/// Reading a few hundred files of /proc takes a second under emulation.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// The writing side of the port, shared by all threads; one frame is one write below the lock.
#[derive(Clone)]
pub struct Voice(Arc<Mutex<UnixStream>>);

impl Voice {
    pub fn new(port: UnixStream) -> Self {
        Self(Arc::new(Mutex::new(port)))
    }

    pub fn say(&self, frame: &Frame) -> io::Result<()> {
        frame.write_to(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signalled(i32),
    /// It never started.
    Refused(String),
}

impl End {
    /// As a shell gives it: 128 and the number for a signal, 127 for a command that is not there.
    pub fn code(&self) -> u8 {
        match self {
            Self::Exited(code) => *code as u8,
            Self::Signalled(number) => 128 + *number as u8,
            Self::Refused(_) => 127,
        }
    }
}

/// Where a command's output goes.
pub trait Sink {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Straight to the caller, each stream to its own.
pub struct Caller;

impl Sink for Caller {
    fn stdout(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    fn stderr(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::stderr().lock().write_all(bytes)
    }
}

/// Runs the order to its end. Without a deadline a command may take as long as it likes, as on any machine; that the
/// machine itself still lives is watched in any case.
pub fn run(machine: &mut Machine, order: &Order, sink: &mut impl Sink, deadline: Option<Deadline>) -> Result<End> {
    let voice = machine.voice().clone();
    let credit = Arc::new(Credit::default());
    say(&voice, &Frame::Run(order.encode()))?;
    if order.stdin != Stdin::Null {
        let (voice, credit) = (voice.clone(), credit.clone());
        thread::spawn(move || feed(&voice, &credit));
    }
    let end = loop {
        let heard = match machine.hear(deadline)? {
            Frame::Stdout(bytes) => sink.stdout(&bytes),
            Frame::Stderr(bytes) => sink.stderr(&bytes),
            Frame::StdinTaken(count) => {
                credit.grant(count);
                continue;
            }
            Frame::StdinShut => {
                credit.shut();
                continue;
            }
            Frame::Alive | Frame::Looked(_) => continue,
            Frame::Exited(code) => break End::Exited(code),
            Frame::Signalled(number) => break End::Signalled(number),
            Frame::Refused(why) => break End::Refused(why),
            other => return Err(Fault::Confused { what: format!("{other:?} about a command") }.into()),
        };
        if heard.is_err() {
            // Nobody reads any more: the command gets to know by SIGPIPE, and ends as it would in a pipeline here.
            say(&voice, &Frame::OutputShut)?;
        }
    };
    credit.shut();
    Ok(end)
}

fn say(voice: &Voice, frame: &Frame) -> Result<(), Fault> {
    voice.say(frame).map_err(|error| Fault::Confused { what: format!("it takes no orders: {error}") })
}

/// What every process of the machine waits for, when a command does not end: for people. What else the machine says
/// meanwhile is lost, as the command is.
pub fn look(machine: &mut Machine) -> Result<String> {
    say(machine.voice(), &Frame::Look)?;
    let deadline = Some(Deadline::after(LOOK_LIMIT));
    loop {
        if let Frame::Looked(text) = machine.hear(deadline)? {
            return Ok(text);
        }
    }
}

/// The environment of a command in the guest; the caller's own does not fit there, but for what is about ironcell.
pub fn environment(lane: Lane) -> Vec<(OsString, OsString)> {
    let term = std::env::var_os("TERM").unwrap_or_else(|| "dumb".into());
    let path = format!("{PROGRAMS}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let fixed = [
        ("PATH", path.into()),
        ("HOME", "/root".into()),
        ("TERM", term),
        ("LANG", "C.UTF-8".into()),
        ("IRONCELL_LANE", lane.name().into()),
        ("IRONCELL_BIN", format!("{PROGRAMS}/bin/ironcell").into()),
        ("IRONCELL_SCRATCH", SCRATCH.into()),
    ];
    let fixed = fixed.map(|(name, value)| (OsString::from(name), value));
    let wanted = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("IRONCELL_") || name == "RUST_BACKTRACE" || name == "NO_COLOR"
    };
    let own = std::env::vars_os().filter(|(name, _)| wanted(name) && fixed.iter().all(|(taken, _)| taken != name));
    let own: Vec<_> = own.collect();
    fixed.into_iter().chain(own).collect()
}

/// How much of standard input may still be sent before the command has taken some.
struct Credit {
    /// None once no more is wanted.
    left: Mutex<Option<u32>>,
    changed: Condvar,
}

impl Default for Credit {
    fn default() -> Self {
        Self { left: Mutex::new(Some(STDIN_WINDOW)), changed: Condvar::new() }
    }
}

impl Credit {
    fn grant(&self, count: u32) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.map(|left| left.saturating_add(count).min(STDIN_WINDOW));
        self.changed.notify_one();
    }

    fn shut(&self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.changed.notify_one();
    }

    fn take(&self, count: usize) {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.map(|left| left.saturating_sub(count as u32));
    }

    /// Waits until something may be sent: how much, or nothing ever again. The command's end wakes it.
    fn wait(&self) -> Option<usize> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.changed.wait_while(left, |left| *left == Some(0)).unwrap_or_else(PoisonError::into_inner);
        left.map(|left| left as usize)
    }
}

/// The caller's standard input, as far as the command takes it. A read that still waits when the command has ended
/// ends with the program.
fn feed(voice: &Voice, credit: &Credit) {
    let mut bytes = vec![0; CHUNK];
    while let Some(allowed) = credit.wait() {
        let frame = match rustix::io::read(stdin(), &mut bytes[..allowed.min(CHUNK)]) {
            Err(rustix::io::Errno::INTR) => continue,
            Ok(0) | Err(_) => Frame::StdinEnd,
            Ok(count) => Frame::Stdin(bytes[..count].to_vec()),
        };
        if let Frame::Stdin(bytes) = &frame {
            credit.take(bytes.len());
        }
        // A port that takes nothing is noticed by the one who reads it.
        if voice.say(&frame).is_err() || frame == Frame::StdinEnd {
            return;
        }
    }
}
