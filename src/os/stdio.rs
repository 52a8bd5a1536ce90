//! The target's standard input, output and error, on the caller's side.
//!
//! A cell never has the caller's terminal: what is one is relayed through a pipe, by a thread that only copies. What goes
//! into the job's log comes through a pipe that the supervisor reads. All else is handed over as it is, so its bytes are the
//! job's own.

mod inlet;
mod intake;
mod kept;
mod tail;
mod template;
mod terminal;

use super::{Doing, OsError};
use crate::life::Stream;
use crate::spec::{Stdio, StdioSet};
use nix::sys::signal::{SigSet, Signal as TtySignal};
use rustix::fd::OwnedFd;
use rustix::fs::{
    FileType, MemfdFlags, Mode, OFlags, SealFlags, fchmod, fcntl_add_seals, fcntl_getfl, fstat, fstatfs, memfd_create,
    open,
};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io;
use std::thread;
use tail::Kept;
use tokio::sync::oneshot;

pub use inlet::Inlet;
pub use intake::{Intake, PIPE_BYTES};
pub use tail::Tail;
pub use template::Template;
pub use terminal::{AwaitedTerminal, HeldTerminal, Terminal, TerminalControls};

/// A job's streams: what the target gets, and what the supervisor has of them.
#[derive(Debug)]
pub struct Wired {
    /// For the target.
    pub theirs: Theirs,
    /// For the supervisor.
    pub ours: Ours,
}

/// The three descriptors that the target gets.
#[derive(Debug)]
pub struct Theirs {
    /// Descriptor 0.
    pub stdin: OwnedFd,
    /// Descriptor 1.
    pub stdout: OwnedFd,
    /// Descriptor 2.
    pub stderr: OwnedFd,
    /// The terminal that the target opens instead.
    pub terminal: Option<AwaitedTerminal>,
}

/// What the supervisor has of a job's streams.
#[derive(Debug, Default)]
pub struct Ours {
    /// Told when all that was relayed has arrived.
    pub relays: Vec<oneshot::Receiver<()>>,
    /// The last of standard error, where that is relayed.
    pub tail: Option<Tail>,
    /// What is to be read into the log.
    pub intakes: Vec<(Stream, Intake)>,
    /// What the job's standard input is written to.
    pub inlet: Option<WiredInlet>,
}

/// What a job reads whole, as a file that nobody can write to (memfd_create(2)): nothing has to write it, so nothing of it is
/// lost with whoever would have.
///
/// # Errors
/// ENOMEM, EMFILE.
pub fn whole(bytes: &[u8]) -> Result<OwnedFd, OsError> {
    let make = || -> io::Result<OwnedFd> {
        let memfd = memfd_create("ironcell-stdin", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = &rest[rustix::io::write(&memfd, rest)?..];
        }
        fcntl_add_seals(&memfd, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        let path = format!("/proc/self/fd/{}", rustix::fd::AsRawFd::as_raw_fd(&memfd));
        Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
    };
    make().map_err(|error| OsError::new(Doing::Make, "the job's input", error))
}

/// The writing end of a job's standard input.
#[derive(Debug)]
pub struct WiredInlet {
    /// It.
    pub inlet: Inlet,
    /// All that shall be written, where that is known.
    pub whole: Option<Vec<u8>>,
}

/// What tells the end of each relay.
type Relays = Vec<oneshot::Receiver<()>>;

/// Which way a relay copies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// Makes the target's descriptors of what the caller gave, or what they need who will open a terminal instead.
///
/// # Errors
/// When there are no descriptors or threads left, `/dev/null` cannot be opened, the log is to be an input, what is written by
/// the owner is to be an output, or a job with a terminal is to have something else.
pub fn wire(set: StdioSet, terminal: bool) -> Result<Wired, OsError> {
    if terminal {
        return wire_terminal(&set);
    }
    let (mut relays, tail, mut intakes) = (Vec::new(), Tail::default(), Vec::new());
    let (stdin, inlet) = match set.stdin {
        Stdio::Pipe => inlet(None)?,
        Stdio::Bytes(bytes) => inlet(Some(bytes))?,
        other => (one(other, Way::In, &mut relays, None)?, None),
    };
    let mut output = |stdio, stream, tail| match stdio {
        Stdio::Log => {
            let (intake, theirs) = Intake::open()?;
            intakes.push((stream, intake));
            let_in(theirs, Way::Out)
        }
        other => one(other, Way::Out, &mut relays, tail),
    };
    let stdout = output(set.stdout, Stream::Stdout, None)?;
    let relayed = matches!(&set.stderr, Stdio::Fd(fd) if rustix::termios::isatty(fd));
    let stderr = output(set.stderr, Stream::Stderr, Some(&tail))?;
    Ok(Wired {
        theirs: Theirs { stdin, stdout, stderr, terminal: None },
        ours: Ours { relays, tail: relayed.then_some(tail), intakes, inlet },
    })
}

/// Of a job with a terminal: the socket to send its master on, and nothing for the rest.
fn wire_terminal(set: &StdioSet) -> Result<Wired, OsError> {
    if ![&set.stdin, &set.stdout, &set.stderr].into_iter().all(|stdio| matches!(stdio, Stdio::Null)) {
        return Err(OsError::new(
            Doing::Open,
            "standard input, output or error beside the job's terminal",
            Errno::INVAL,
        )
        .remedy("all three are its terminal: give it none, or no terminal"));
    }
    let (terminal, stdin) = AwaitedTerminal::open()?;
    let mut none = Vec::new();
    let stdout = one(Stdio::Null, Way::Out, &mut none, None)?;
    let stderr = one(Stdio::Null, Way::Out, &mut none, None)?;
    Ok(Wired { theirs: Theirs { stdin, stdout, stderr, terminal: Some(terminal) }, ours: Ours::default() })
}

/// A pipe that is written to, and all that it shall be given, where that is known.
fn inlet(whole: Option<Vec<u8>>) -> Result<(OwnedFd, Option<WiredInlet>), OsError> {
    let (inlet, theirs) = Inlet::open()?;
    Ok((let_in(theirs, Way::In)?, Some(WiredInlet { inlet, whole })))
}

/// One of the three.
fn one(stdio: Stdio, way: Way, relays: &mut Relays, tail: Option<&Tail>) -> Result<OwnedFd, OsError> {
    match stdio {
        Stdio::Null => open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| OsError::new(Doing::Open, "/dev/null", errno)),
        // Who writes to the outputs has done with it before.
        Stdio::Log => Err(OsError::new(Doing::Open, "the job's log as its standard input", Errno::INVAL)
            .remedy("only what a job writes has a log: give it a descriptor to read from")),
        Stdio::Pipe | Stdio::Bytes(_) => Err(OsError::new(Doing::Open, "the owner's pipe as an output", Errno::INVAL)
            .remedy("only standard input is written by the owner: for what the job writes there is its log")),
        Stdio::Fd(fd) if leads_out(&fd)? => {
            Err(OsError::new(Doing::Open, "standard input, output or error", Errno::ISDIR)
                .remedy("a directory would be a way out of the cell: redirect it from or to a file or a pipe"))
        }
        Stdio::Fd(fd) if rustix::termios::isatty(&fd) => relay(fd, way, relays, tail),
        Stdio::Fd(fd) => let_in(fd, way),
    }
}

/// Whether a descriptor is a way into the host's tree: from a directory, `..` leads all the way up, and one that was opened
/// by O_PATH can be opened again as what it names (CVE-2024-21626).
fn leads_out(fd: &OwnedFd) -> Result<bool, OsError> {
    let failed = |errno| OsError::new(Doing::Read, "standard input, output or error", errno);
    let kind = FileType::from_raw_mode(fstat(fd).map_err(failed)?.st_mode);
    Ok(kind == FileType::Directory || fcntl_getfl(fd).map_err(failed)?.contains(OFlags::PATH))
}

/// Lets the job open an anonymous pipe of its own again: `echo > /dev/stderr` opens `/proc/self/fd/2`, which asks for the
/// pipe's mode, and the job is nobody to its owner. Such a pipe has no other name, so nobody else is let in. A file of the
/// host stays as it is.
fn let_in(fd: OwnedFd, way: Way) -> Result<OwnedFd, OsError> {
    let failed = |errno| OsError::new(Doing::Make, "a pipe that the job can open again", errno);
    if fstatfs(&fd).map_err(failed)?.f_type != PIPEFS_MAGIC {
        return Ok(fd);
    }
    let mode = Mode::from_raw_mode(fstat(&fd).map_err(failed)?.st_mode);
    let others = if way == Way::In { Mode::ROTH } else { Mode::WOTH };
    if !mode.contains(others) {
        // A pipe of another's cannot be changed. Then the job cannot open it again, and has it all the same.
        let _ = fchmod(&fd, mode | others);
    }
    Ok(fd)
}

/// linux/magic.h: the file system of anonymous pipes. A named one is a file of the host.
const PIPEFS_MAGIC: rustix::fs::FsWord = 0x5049_5045;

/// Reads into memory what the standard library would move within the kernel: splice(2) holds the job's pipe while a terminal
/// takes nothing, and a job that waits for its pipe so cannot even be killed.
struct Piecewise<'a>(&'a mut File);

impl io::Read for Piecewise<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// A pipe to or from a terminal. The thread of an input ends with the program: nobody can end a read of a terminal.
fn relay(terminal: OwnedFd, way: Way, relays: &mut Relays, tail: Option<&Tail>) -> Result<OwnedFd, OsError> {
    let failed = |error: io::Error| OsError::new(Doing::Make, "a relay to the terminal", error);
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|errno| failed(errno.into()))?;
    let (from, to, theirs) = match way {
        Way::In => (terminal, writer.try_clone().map_err(failed)?, reader),
        Way::Out => (reader, terminal, writer.try_clone().map_err(failed)?),
    };
    let (done, wait) = oneshot::channel();
    let tail = tail.cloned();
    thread::Builder::new()
        .name("terminal relay".to_owned())
        .spawn(move || {
            // Of a terminal in whose background we are, a read then fails instead of stopping the whole program (tty(4)): a
            // job in the background has no input, and its time goes on.
            let mut stops = SigSet::empty();
            stops.add(TtySignal::SIGTTIN);
            stops.add(TtySignal::SIGTTOU);
            let _ = stops.thread_block();
            // An error is the end as well: the terminal hung up, or the job closed its side.
            let (mut from, mut to) = (File::from(from), File::from(to));
            let _ = match tail {
                None => io::copy(&mut Piecewise(&mut from), &mut to),
                Some(tail) => io::copy(&mut from, &mut Kept { to, tail }),
            };
            let _ = done.send(());
        })
        .map_err(failed)?;
    if way == Way::Out {
        relays.push(wait);
    }
    let_in(theirs, way)
}
