//! A plain process, without a cell: what the backend `plain` runs. It has a process group, and that is all: a process that
//! leaves the group is not known any more.
//!
//! Its leader is a zombie until the very end, so neither its number nor its group's can be another's while either is used
//! (waitid(2), WNOWAIT; pidfd_open(2), kernel 5.3).

use super::stdio::Theirs;
use super::watch::Watch;
use super::{Doing, OsError};
use crate::spec::JobSpec;
use init_shim::report::How;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, pidfd_send_signal, waitid,
};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// A process that runs, or has ended and was not removed yet.
#[derive(Debug)]
pub struct Plain {
    child: Child,
    group: Pid,
    pidfd: Watch,
    began: Instant,
}

/// Why there is none.
#[derive(Debug)]
pub enum PlainError {
    /// The program, or its directory, is not there or cannot be executed.
    Exec(io::Error),
    /// A call of ours failed; nothing is left of the process.
    Os(OsError),
}

impl Plain {
    /// Starts a job's program with its arguments, environment and directory, in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be executed, or its end could not be watched.
    pub fn start(spec: &JobSpec, theirs: Theirs) -> Result<Self, PlainError> {
        let (program, arguments) = spec
            .argv()
            .split_first()
            .ok_or_else(|| PlainError::Os(OsError::new(Doing::Find, "the program of a job", Errno::INVAL)))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(spec.env().iter()).process_group(0);
        if let Some(directory) = spec.cwd() {
            command.current_dir(directory);
        }
        let Theirs { stdin, stdout, stderr, terminal: _ } = theirs;
        command.stdin(Stdio::from(stdin)).stdout(Stdio::from(stdout)).stderr(Stdio::from(stderr));
        let mut child = command.spawn().map_err(PlainError::Exec)?;
        match watched(&child) {
            Ok((group, pidfd)) => Ok(Self { child, group, pidfd, began: Instant::now() }),
            Err(error) => {
                // Nobody could see its end.
                let _ = child.kill();
                let _ = child.wait();
                Err(PlainError::Os(OsError::new(Doing::Watch, "a process", error)))
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// How its leader ended, once it has, and after how many nanoseconds; `None` when that cannot be known. Cancel-safe.
    pub async fn end(&self) -> Option<(How, u64)> {
        self.pidfd.ready().await.ok()?;
        let ran = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        // It stays a zombie: `remove` reaps it.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(self.pidfd.as_fd()), options).ok().flatten()?;
        let number = |number: i32| u8::try_from(number).ok();
        let exited = status.exit_status().and_then(number).map(How::Exited);
        let killed = status.terminating_signal().and_then(number);
        let how = exited.or(killed.map(|signal| How::Killed { signal, core: status.dumped() }))?;
        Some((how, ran))
    }

    /// Waits until the leader has ended.
    pub async fn gone(&self) {
        // An error is the end of the runtime, and so of every wait.
        let _ = self.pidfd.ready().await;
    }

    /// Sends a signal to the leader; to one that has ended none.
    pub fn signal_leader(&self, signal: u8) {
        // ESRCH: it has ended.
        let _ = pidfd_send_signal(&self.pidfd, known(signal));
    }

    /// Sends a signal to its process group.
    ///
    /// # Errors
    /// As the kernel refuses it.
    pub fn signal_group(&self, signal: u8) -> Result<(), OsError> {
        match kill_process_group(self.group, known(signal)) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(errno) => Err(OsError::new(Doing::Write, "a process group", errno).value(format!("signal {signal}"))),
        }
    }
}

impl Drop for Plain {
    /// Whoever loses interest in it, as a runtime that ends, ends it: its whole group is killed, and the leader reaped. From
    /// here on the number is the kernel's to give again.
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        // It has ended, or was killed just now: this does not take long.
        let _ = self.child.wait();
    }
}

/// What is watched of a child; it cannot have been reaped, since that is ours to do.
fn watched(child: &Child) -> io::Result<(Pid, Watch)> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    Ok((pid, Watch::readable(pidfd_open(pid, PidfdFlags::empty())?)?))
}

/// A signal by its number.
fn known(signal: u8) -> Signal {
    // SAFETY: the number was checked to be 1 to 64. The kernel takes each of them, and glibc's use of two for threads
    // concerns who receives them in this process, which sends only.
    unsafe { Signal::from_raw_unchecked(i32::from(signal)) }
}
