//! How a keeper comes to be there: forked, executed, or found, with the jobs of a supervisor that is gone.

use super::{failed, sealed_copy, tell_place};
use crate::os::{Doing, OsError, takeover};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, socketpair};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, getrlimit, pidfd_open, pidfd_send_signal, setrlimit,
    waitpid,
};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Descriptors that one job needs at most, with room: its pipes, its cgroup, its relays, the runtime's own.
const DESCRIPTORS: u64 = 64;

/// A keeper that was started and has not been spoken to.
#[derive(Debug)]
pub struct NewKeeper {
    pub(super) socket: OwnedFd,
    /// `None` of one that another program had started.
    pub(super) process: Option<Process>,
}

/// The keeper's process, reaped when its owner lets go of it.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    /// It goes on after us, so it is not waited for.
    pub(super) outlives: bool,
}

impl Process {
    pub(super) fn pid(&self) -> i32 {
        self.pid.as_raw_pid()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.outlives {
            // One that was killed leaves no zombie.
            let _ = waitpid(Some(self.pid), WaitOptions::NOHANG);
            return;
        }
        // The socket was closed before, so it clears up and exits. One that cannot (a mount that does not answer) is
        // killed: its cells end by their leases, and the next start sweeps.
        if let Ok(pidfd) = pidfd_open(self.pid, PidfdFlags::empty()) {
            let mut watched = [PollFd::new(&pidfd, PollFlags::IN)];
            if !matches!(poll(&mut watched, Some(&EXIT_WITHIN)), Ok(1)) {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
            }
        }
        while let Err(Errno::INTR) = waitpid(Some(self.pid), WaitOptions::empty()) {}
    }
}

/// How long a keeper may take to exit: its own bound for clearing up (10 s), and some.
const EXIT_WITHIN: Timespec = Timespec { tv_sec: 12, tv_nsec: 0 };

impl NewKeeper {
    /// Bytes that a name of a keeper's may be longer than the one at which it is looked for.
    pub const NAME_MORE: usize = 2;

    /// Forks the keeper from this process, which must be small and have one thread: the program's first act.
    ///
    /// # Errors
    /// EDEADLK in a process with several threads; else as fork(2).
    pub fn fork() -> Result<Self, OsError> {
        let threads =
            std::fs::read_dir("/proc/self/task").map_err(|e| OsError::new(Doing::List, "/proc/self/task", e))?;
        if threads.count() != 1 {
            return Err(failed(Errno::DEADLK).remedy("a program with threads executes its keeper instead"));
        }
        raise_own_descriptors()?;
        let (ours, theirs) = sockets()?;
        match init_shim::sys::fork().map_err(failed)? {
            init_shim::sys::Side::Child => {
                drop(ours);
                init_shim::keeper::run(theirs)
            }
            init_shim::sys::Side::Parent(pid) => Ok(Self { socket: ours, process: Some(process(pid)?) }),
        }
    }

    /// Executes the keeper from a sealed copy of this very program: no thread's lock is copied, and nothing in a cell can
    /// reach the program's file through it (CVE-2019-5736).
    ///
    /// # Errors
    /// When the program cannot be copied or executed.
    pub fn execute() -> Result<Self, OsError> {
        takeover::ensure_linked();
        let (ours, theirs) = sockets()?;
        let image = sealed_copy()?;
        let path = format!("/proc/self/fd/{}", rustix::fd::AsRawFd::as_raw_fd(&image));
        // std passes the socket as descriptor 0 of the child alone: no other child of this program ever has it.
        let child = Command::new(&path)
            .arg0(init_shim::keeper::ARG0)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| OsError::new(Doing::Clone, path, error))?;
        Ok(Self { socket: ours, process: Some(process(child.id() as i32)?) })
    }

    /// Connects to a keeper that holds the jobs of a supervisor which is gone; none when there is no such keeper.
    ///
    /// # Errors
    /// When the socket cannot be connected to for another reason than that nobody listens.
    pub fn find(path: &Path) -> Result<Option<Self>, OsError> {
        let failed = |errno| OsError::new(Doing::Open, path, errno);
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let socket = socket.map_err(failed)?;
        match connect(&socket, &SocketAddrUnix::new(path).map_err(failed)?) {
            Ok(()) => Ok(Some(Self { socket, process: None })),
            Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// One that goes on after us.
    #[must_use]
    pub fn that_outlives(mut self) -> Self {
        self.process.iter_mut().for_each(|process| process.outlives = true);
        self
    }

    /// Its process id, for the cgroup that it stays in beside us; none of one that is where it is.
    pub fn pid(&self) -> Option<i32> {
        self.process.as_ref().map(|process| process.pid.as_raw_pid())
    }

    /// Tells it where cells will be made, before that place is made: from then on it clears up.
    ///
    /// # Errors
    /// When it is gone already; then why.
    pub fn announce(&self, above: BorrowedFd<'_>, name: &str) -> Result<(), OsError> {
        tell_place(&self.socket, above, name)
    }
}

/// getrlimit(2): as many descriptors as this program needs, where the caller had set fewer. Only for a program of our own.
/// Without the privilege for it the caller's limit stays, and one that is too low is told here, before anything is begun.
fn raise_own_descriptors() -> Result<(), OsError> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= DESCRIPTORS) {
        return Ok(());
    }
    let wanted = Rlimit { current: Some(DESCRIPTORS), maximum: now.maximum.map(|most| most.max(DESCRIPTORS)) };
    setrlimit(Resource::Nofile, wanted).map_err(|errno| {
        OsError::new(Doing::Write, "RLIMIT_NOFILE", errno)
            .value(DESCRIPTORS.to_string())
            .remedy("raise it with ulimit -n")
    })
}

/// Both ends of the keeper's socket.
fn sockets() -> Result<(OwnedFd, OwnedFd), OsError> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .map_err(|errno| OsError::new(Doing::Make, "a socket pair", errno))
}

/// A child of ours.
fn process(pid: i32) -> Result<Process, OsError> {
    Pid::from_raw(pid).map(|pid| Process { pid, outlives: false }).ok_or_else(|| failed(Errno::SRCH))
}
