//! The keeper seen from the supervisor: started once, ordered over a socket, gone when the socket closes.

use super::watch::Watch;
use super::{Doing, OsError, takeover};
use init_shim::report::Failure;
use init_shim::socket::{FromKeeper, LaunchFds, ToKeeper, receive, send};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, memfd_create, open};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, socketpair};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitOptions, getrlimit, pidfd_open, pidfd_send_signal, setrlimit,
    waitpid,
};
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How long an answer may take. A cell is built in a millisecond; under emulation and load, in a hundred.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Descriptors that one job needs at most, with room: its pipes, its cgroup, its relays, the runtime's own.
const DESCRIPTORS: u64 = 64;

/// A keeper that was started and has not been spoken to.
#[derive(Debug)]
pub struct NewKeeper {
    socket: OwnedFd,
    process: Process,
}

/// The keeper's process, reaped when its owner lets go of it.
#[derive(Debug)]
struct Process(Pid);

impl Drop for Process {
    fn drop(&mut self) {
        // The socket was closed before, so it clears up and exits. One that cannot (a mount that does not answer) is
        // killed: its cells end by their leases, and the next start sweeps.
        if let Ok(pidfd) = pidfd_open(self.0, PidfdFlags::empty()) {
            let mut watched = [PollFd::new(&pidfd, PollFlags::IN)];
            if !matches!(poll(&mut watched, Some(&EXIT_WITHIN)), Ok(1)) {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
            }
        }
        while let Err(Errno::INTR) = waitpid(Some(self.0), WaitOptions::empty()) {}
    }
}

/// How long a keeper may take to exit: its own bound for clearing up (10 s), and some.
const EXIT_WITHIN: Timespec = Timespec { tv_sec: 12, tv_nsec: 0 };

impl NewKeeper {
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
            init_shim::sys::Side::Parent(pid) => Ok(Self { socket: ours, process: process(pid)? }),
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
        Ok(Self { socket: ours, process: process(child.id() as i32)? })
    }

    /// Its process id, for the cgroup that it stays in beside us.
    pub fn pid(&self) -> i32 {
        self.process.0.as_raw_pid()
    }

    /// Tells it where cells will be made, before that place is made: from then on it clears up.
    ///
    /// # Errors
    /// When it is gone already; then why.
    pub fn announce(&self, above: BorrowedFd<'_>, name: &str) -> Result<(), OsError> {
        match send(&self.socket, &ToKeeper::Base { name: name.to_owned() }, &[above]) {
            // It has gone before we spoke, and said why.
            Err(Errno::PIPE | Errno::CONNRESET) => Err(last_words(&self.socket)),
            other => other.map_err(failed),
        }
    }

    /// Makes ready to wait for its answers.
    ///
    /// # Errors
    /// Outside of a tokio runtime with IO.
    pub fn attend(self) -> Result<Keeper, OsError> {
        let socket = Watch::readable(self.socket).map_err(|error| OsError::new(Doing::Watch, "the keeper", error))?;
        Ok(Keeper { socket, turn: Mutex::new(()), next: AtomicU64::new(1), _process: self.process })
    }
}

/// The keeper at work. Field order matters: the socket closes before the process is waited for.
#[derive(Debug)]
pub struct Keeper {
    socket: Watch,
    /// One order and its answer at a time: the keeper has one thread.
    turn: Mutex<()>,
    next: AtomicU64,
    _process: Process,
}

/// A cell's first process as the keeper answered it.
#[derive(Debug)]
pub struct Launched {
    /// Its process id on the host, for people.
    pub pid: i32,
    /// Its identity.
    pub pidfd: OwnedFd,
}

/// Why the keeper launched nothing.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A step outside of the cell failed.
    #[error("step {} failed with errno {}", .0.step as u16, .0.errno)]
    Step(Failure),
    /// The keeper is gone, or not fit.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl Keeper {
    /// A number for a cell that is to be launched. Whatever becomes of it, it is to be [forgotten](Keeper::forget).
    pub fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until no other start is at the keeper: it has one thread.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Orders a cell and waits for its first process. A caller that goes away meanwhile leaves no cell: its lease closes.
    ///
    /// # Errors
    /// The step that failed, or that the keeper is gone.
    pub async fn launch(
        &self,
        _turn: &MutexGuard<'_, ()>,
        job: u64,
        first_id: u32,
        name: &str,
        fds: LaunchFds,
    ) -> Result<Launched, LaunchError> {
        let order = ToKeeper::Launch { job, first_id, name: name.to_owned() };
        send(&self.socket, &order, &fds.as_slice()).map_err(failed)?;
        drop(fds);
        match tokio::time::timeout(ANSWER_WITHIN, self.answer(job)).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(Errno::TIMEDOUT).into()),
        }
    }

    /// The answer for this job; those for callers that went away are let go.
    async fn answer(&self, job: u64) -> Result<Launched, LaunchError> {
        loop {
            let got = self.socket.attempt(|fd| receive::<FromKeeper>(fd, RecvFlags::DONTWAIT)).await;
            let got = got.map_err(|error| OsError::new(Doing::Read, "the keeper", error))?;
            let (message, mut fds) = got.ok_or_else(|| failed(Errno::PIPE))?;
            match message {
                FromKeeper::Launched { job: of, pid } if of == job => {
                    let pidfd = fds.pop().ok_or_else(|| failed(Errno::BADMSG))?;
                    return Ok(Launched { pid, pidfd });
                }
                FromKeeper::Refused { job: of, failure } if of == job => {
                    let failure = Failure::decode(&failure).ok_or_else(|| failed(Errno::BADMSG))?;
                    return Err(LaunchError::Step(failure));
                }
                FromKeeper::Unfit { errno } => return Err(unfit(errno).into()),
                FromKeeper::Ready | FromKeeper::Launched { .. } | FromKeeper::Refused { .. } => {}
            }
        }
    }

    /// The supervisor goes, and has let go of the place for cells: the keeper need not wait for that.
    pub fn close(&self) {
        // One that is gone has cleared up already.
        let _ = send(&self.socket, &ToKeeper::Close, &[]);
    }

    /// The cell is gone and its cgroup removed.
    pub fn forget(&self, job: u64) {
        // A keeper that is gone has forgotten it.
        let _ = send(&self.socket, &ToKeeper::Forget { job }, &[]);
    }
}

/// The keeper could not get ready.
fn unfit(errno: i32) -> OsError {
    let errno = Errno::from_raw_os_error(errno);
    OsError::new(Doing::Make, "the keeper", errno).remedy("`ironcell doctor` says what is missing")
}

/// Why a keeper that is gone has gone, if it said so.
fn last_words(socket: &OwnedFd) -> OsError {
    match receive::<FromKeeper>(socket, RecvFlags::DONTWAIT) {
        Ok(Some((FromKeeper::Unfit { errno }, _))) => unfit(errno),
        _ => failed(Errno::PIPE),
    }
}

/// A failure at the keeper.
fn failed(errno: Errno) -> OsError {
    OsError::new(Doing::Order, "the keeper", errno)
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
    Pid::from_raw(pid).map(Process).ok_or_else(|| failed(Errno::SRCH))
}

/// This program in a memfd that nobody can write to any more, opened for reading: what is open for writing is not executed.
pub(super) fn sealed_copy() -> Result<OwnedFd, OsError> {
    let failed = |error: io::Error| OsError::new(Doing::Make, "a sealed copy of this program", error);
    let named = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memfd = match memfd_create("ironcell-keeper", named | MemfdFlags::EXEC) {
        // Before kernel 6.3 there is no such flag, and every memfd can be executed.
        Err(Errno::INVAL) => memfd_create("ironcell-keeper", named),
        other => other,
    };
    let mut memfd = File::from(memfd.map_err(|errno| failed(errno.into()))?);
    let mut program = File::open("/proc/self/exe").map_err(failed)?;
    io::copy(&mut program, &mut memfd).map_err(failed)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&memfd, seals).map_err(|errno| failed(errno.into()))?;
    let path = format!("/proc/self/fd/{}", rustix::fd::AsRawFd::as_raw_fd(&memfd.as_fd()));
    open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| failed(errno.into()))
}
