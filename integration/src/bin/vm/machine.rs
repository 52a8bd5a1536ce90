//! A running machine: booted, listened to, and gone when this is dropped.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use integration::Lane;
use integration::frame::Frame;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::disks::{self, Program};
use crate::image::Image;
use crate::qemu::{Boot, Company};
use crate::session::Voice;
use crate::{children, kvm, progress, workdir};

/// From QEMU's start to the agent's first word: 2 s bare and 5 s with systemd here, several times that on a busy machine.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// QEMU makes its socket at once; after that it is a matter of the host's load.
const SOCKET_LIMIT: Duration = Duration::from_secs(20);
const SOCKET_POLL: Duration = Duration::from_millis(5);

/// The agent says something every 5 s. A guest that is out of memory and swaps may be late, but not by this much.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// An emulated kernel may die at boot, where it patches its own code (seen with 6.12). Twice in a row it is our fault.
const BOOT_ATTEMPTS: u32 = 2;

/// How a machine fails us.
#[derive(Debug)]
pub enum Fault {
    Died { console: String },
    Silent { console: String },
    TimeLimit { limit: Duration, console: String },
    Confused { what: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died { console } => write!(f, "the machine died; the end of its console:\n{console}"),
            Self::Silent { console } => {
                let seconds = SILENCE_LIMIT.as_secs();
                write!(f, "the machine has said nothing for {seconds} s; the end of its console:\n{console}")
            }
            Self::TimeLimit { limit, console } => {
                write!(
                    f,
                    "the time limit of {} s is over; the end of the machine's console:\n{console}",
                    limit.as_secs()
                )
            }
            Self::Confused { what } => write!(f, "the machine says what it should not: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Until when something must have happened.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    end: Instant,
    limit: Duration,
}

impl Deadline {
    pub fn after(limit: Duration) -> Self {
        Self { end: Instant::now() + limit, limit }
    }
}

pub struct Machine {
    qemu: Child,
    port: UnixStream,
    voice: Voice,
    directory: PathBuf,
    pub lane: Lane,
}

impl Machine {
    /// Boots, and waits until the agent is ready for orders.
    pub fn boot(image: &Image, lane: Lane, company: Company, programs: &[Program], agent: &Path) -> Result<Self> {
        let mut attempts = 1;
        loop {
            let mut machine = Self::start(image, lane, company, programs, agent)?;
            match machine.greet() {
                Ok(()) => return Ok(machine),
                Err(Fault::Died { .. }) if attempts < BOOT_ATTEMPTS => progress!("the machine died at boot; once more"),
                Err(fault) => return Err(fault.into()),
            }
            attempts += 1;
        }
    }

    fn start(image: &Image, lane: Lane, company: Company, programs: &[Program], agent: &Path) -> Result<Self> {
        static BOOTS: AtomicU32 = AtomicU32::new(0);
        // QEMU unlinks its socket when it ends, by its path: no two boots may share one.
        let directory = workdir::path()?.join(format!("boot-{}", BOOTS.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let boot = Boot {
            image,
            lane,
            company,
            kvm: kvm::works(image)?,
            initramfs: &disks::initramfs(&directory, agent)?,
            programs: &disks::programs(&directory, programs)?,
            socket: directory.join("port"),
            console: console(&directory),
            log: log(&directory),
        };
        let mut qemu = boot.command()?.spawn().context("cannot run qemu-system-x86_64")?;
        let port = match connect(&mut qemu, &boot.socket) {
            Ok(port) => port,
            Err(error) => {
                let _ = qemu.kill();
                let _ = qemu.wait();
                return Err(error.context(format!("qemu did not start; it said:\n{}", children::tail(&boot.log))));
            }
        };
        let voice = Voice::new(port.try_clone().context("cannot duplicate the port")?);
        Ok(Self { qemu, port, voice, directory, lane })
    }

    fn greet(&mut self) -> Result<(), Fault> {
        match self.hear(Some(Deadline::after(BOOT_LIMIT)))? {
            Frame::Hello(_) => Ok(()),
            other => Err(Fault::Confused { what: format!("{other:?} as its first word") }),
        }
    }

    pub fn voice(&self) -> &Voice {
        &self.voice
    }

    /// The next frame, or why there will be none.
    pub fn hear(&mut self, deadline: Option<Deadline>) -> Result<Frame, Fault> {
        let silence = Instant::now() + SILENCE_LIMIT;
        loop {
            let now = Instant::now();
            if let Some(Deadline { limit, .. }) = deadline.filter(|deadline| deadline.end <= now) {
                return Err(Fault::TimeLimit { limit, console: self.console() });
            }
            let until = deadline.map_or(silence, |deadline| deadline.end.min(silence));
            match ready(&self.port, until.saturating_duration_since(now)) {
                Ok(true) => return self.read(),
                Ok(false) if Instant::now() >= silence => return Err(Fault::Silent { console: self.console() }),
                Ok(false) => {}
                Err(error) => return Err(Fault::Confused { what: format!("cannot wait for its port: {error}") }),
            }
        }
    }

    fn read(&mut self) -> Result<Frame, Fault> {
        match Frame::read_from(&mut self.port) {
            Ok(Some(frame)) => Ok(frame),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Fault::Silent { console: self.console() }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Fault::Confused { what: error.to_string() })
            }
            Ok(None) | Err(_) => Err(Fault::Died { console: self.console() }),
        }
    }

    /// The end of what the kernel printed, and of what QEMU itself had to say.
    fn console(&self) -> String {
        children::tail(&console(&self.directory)) + &children::tail(&log(&self.directory))
    }
}

impl Drop for Machine {
    /// Nothing in the guest is worth a clean end: all that it wrote goes with QEMU.
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn console(directory: &Path) -> PathBuf {
    directory.join("console")
}

fn log(directory: &Path) -> PathBuf {
    directory.join("qemu.log")
}

/// Connects as soon as QEMU listens, so before the guest opens its end.
fn connect(qemu: &mut Child, socket: &Path) -> Result<UnixStream> {
    let start = Instant::now();
    loop {
        let error = match UnixStream::connect(socket) {
            Ok(port) => {
                // A frame that stops in its middle, and a guest that takes nothing, are silence too.
                port.set_read_timeout(Some(SILENCE_LIMIT)).context("cannot limit the port")?;
                port.set_write_timeout(Some(SILENCE_LIMIT)).context("cannot limit the port")?;
                return Ok(port);
            }
            Err(error) => error,
        };
        if let Some(status) = qemu.try_wait().context("cannot wait for qemu")? {
            anyhow::bail!("qemu ended: {status}");
        }
        if start.elapsed() > SOCKET_LIMIT {
            return Err(error).with_context(|| format!("cannot connect to {}", socket.display()));
        }
        thread::sleep(SOCKET_POLL);
    }
}

/// True when there is something to read; false when the time is over or a signal came.
fn ready(port: &UnixStream, patience: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::new(port, PollFlags::IN)];
    let patience = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut fds, Some(&patience)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
