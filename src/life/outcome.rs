//! How a job ended and why: two axes, since an out-of-memory kill, a deadline and a user's stop all look like SIGKILL.

use super::known::Word;
use super::{Evidence, Leftovers, Usage};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The end of a job, told once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the leader ended.
    pub exit: Exit,
    /// Why.
    #[serde(flatten)]
    pub cause: Cause,
    /// What the whole job used.
    pub usage: Usage,
    /// What shows the cause.
    pub evidence: Evidence,
    /// What was still alive when the leader had ended, and was killed. `None` when that is not known: the leader went
    /// together with all the rest.
    pub leftovers: Option<Leftovers>,
    /// What could not be cleared away, in words; empty when nothing is left.
    pub residue: Vec<String>,
}

impl Outcome {
    /// An end of which nothing else is known.
    pub fn of(exit: Exit, cause: Cause) -> Self {
        let (usage, evidence) = (Usage::default(), Evidence::default());
        Self { exit, cause, usage, evidence, leftovers: None, residue: Vec::new() }
    }

    /// The code that a shell would tell: the leader's own, or 128 and the signal's number; `None` when how it ended is not
    /// known, or it never ran.
    pub fn shell_code(&self) -> Option<u8> {
        match self.exit {
            Exit::Code { code } => Some(code),
            // A signal's number is 64 at most.
            Exit::Signal { signal, .. } => Some(128 + signal.min(127)),
            Exit::NeverRan | Exit::Unknown => None,
        }
    }

    /// Whether the job did its work: it ran, and its leader returned 0 by itself.
    pub fn success(&self) -> bool {
        self.exit == Exit::Code { code: 0 } && self.cause == Cause::Itself
    }
}

/// How the leader, the target that was asked for, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Exit {
    /// It returned this code.
    Code {
        /// 0 to 255.
        code: u8,
    },
    /// A signal ended it.
    Signal {
        /// The kernel's number, 1 to 64.
        signal: u8,
        /// Whether it dumped core.
        core: bool,
    },
    /// It never ran: the cause says why.
    NeverRan,
    /// It ran, and how it ended is not known: its PID 1 was killed before it could tell.
    Unknown,
}

/// Why the job ended. More may come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", content = "cause_detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Of its own accord, or by a signal that ironcell did not send.
    Itself,
    /// Somebody asked for it.
    Stopped {
        /// Who asked.
        by: Stopper,
        /// What it took.
        how: StopKind,
    },
    /// Its wall-clock time was over.
    WallTime {
        /// The limit that was reached, in seconds in JSON.
        #[serde(serialize_with = "super::usage::seconds", deserialize_with = "super::usage::of_seconds")]
        limit: Duration,
        /// What it took.
        how: StopKind,
    },
    /// The processor time of its whole tree was over.
    CpuTime {
        /// The limit that was reached, in seconds in JSON.
        #[serde(serialize_with = "super::usage::seconds", deserialize_with = "super::usage::of_seconds")]
        limit: Duration,
        /// What it took.
        how: StopKind,
    },
    /// No process of it ran for this long: none used any processor time, without which there is no output either.
    Idle {
        /// The limit that was reached, in seconds in JSON.
        #[serde(serialize_with = "super::usage::seconds", deserialize_with = "super::usage::of_seconds")]
        limit: Duration,
        /// What it took.
        how: StopKind,
    },
    /// It wrote more to standard output and standard error than it may.
    OutputLimit {
        /// The limit that was passed, bytes of both together.
        limit: u64,
        /// What it took.
        how: StopKind,
    },
    /// The kernel killed it for want of memory.
    Memory {
        /// Whose memory was short.
        of: MemoryOf,
    },
    /// It failed, by a code of its own or by a signal that a program gets for its own fault, and it had been refused forks
    /// at `pids.max`. How it ended is in `exit`.
    Pids,
    /// SIGSYS ended it: the signal of a filter of system calls, ironcell's or its own.
    Seccomp,
    /// It was not started.
    StartFailed(StartFailure),
    /// Nobody held it any more, so nobody could have stopped it; or its supervisor was gone.
    OwnerGone,
    /// PID 1 was killed from outside, by neither ironcell nor the kernel's memory killer.
    Lost,
}

/// Who asked for a stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopper {
    /// A signal to the owner: Ctrl-C, or SIGTERM to `ironcell run`.
    Signal(u8),
    /// A call of the library.
    Caller,
}

/// What a stop took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// The leader ended within its grace after SIGTERM.
    Soft,
    /// The whole cell was killed.
    Hard,
}

/// Whose memory was short when the kernel killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryOf {
    /// The job's own `memory.max`.
    Own,
    /// That of a cgroup above the job.
    Ancestor,
    /// The host's.
    Host,
    /// Not the job's own. Whether it was that of a cgroup above or the host's cannot be seen from here.
    Outside,
}

/// A step of the set-up that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFailure {
    /// The step's fixed number in the shim's catalogue.
    pub step: u16,
    /// The step's name in the catalogue.
    #[serde(deserialize_with = "super::known::step")]
    pub name: Word,
    /// The kernel's error number.
    pub errno: i32,
    /// One sentence for people: what was being done, to what, and why it failed.
    pub message: String,
    /// Whether the target was not found, could not be executed, or nothing of the kind.
    pub refused: Refused,
}

/// What a failed start means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The target does not exist: exit code 127.
    NotFound,
    /// The target exists and cannot be executed: exit code 126.
    NotExecutable,
    /// The cell could not be built: exit code 125.
    Cell,
}
