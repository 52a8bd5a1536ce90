//! The streams of a job that has several runs: each gets its own.

use crate::os::{Doing, OsError};
use crate::spec::{Stdio, StdioSet};
use rustix::fd::OwnedFd;

/// What each run gets as its first three descriptors.
#[derive(Debug)]
pub struct Template {
    /// What it reads, if anything.
    stdin: Option<Vec<u8>>,
    outputs: [Out; 2],
}

/// Where an output goes.
#[derive(Debug)]
enum Out {
    Null,
    Log,
    Fd(OwnedFd),
}

impl Template {
    /// Of these streams.
    ///
    /// # Errors
    /// Gives them back when standard input goes with the first run: a pipe, and a descriptor, which is read once.
    pub fn of(set: StdioSet) -> Result<Self, StdioSet> {
        let stdin = match set.stdin {
            Stdio::Null => None,
            Stdio::Bytes(bytes) => Some(bytes),
            stdin => return Err(StdioSet { stdin, ..set }),
        };
        let out = |stdio| match stdio {
            Stdio::Log => Out::Log,
            Stdio::Fd(fd) => Out::Fd(fd),
            // The other two are refused where they are wired: there they stay what they are not.
            Stdio::Null | Stdio::Pipe | Stdio::Bytes(_) => Out::Null,
        };
        Ok(Self { stdin, outputs: [out(set.stdout), out(set.stderr)] })
    }

    /// One without any input, each of whose outputs goes to the log or nowhere.
    pub fn of_logs(logs: [bool; 2]) -> Self {
        Self { stdin: None, outputs: logs.map(|log| if log { Out::Log } else { Out::Null }) }
    }

    /// The same, where it is one of those.
    pub fn logs(&self) -> Option<[bool; 2]> {
        let [Out::Null | Out::Log, Out::Null | Out::Log] = self.outputs else { return None };
        self.stdin.is_none().then(|| [0, 1].map(|output| matches!(self.outputs[output], Out::Log)))
    }

    /// The streams of the next run.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn next(&self) -> Result<StdioSet, OsError> {
        let out = |out: &Out| match out {
            Out::Null => Ok(Stdio::Null),
            Out::Log => Ok(Stdio::Log),
            Out::Fd(fd) => fd
                .try_clone()
                .map(Stdio::Fd)
                .map_err(|error| OsError::new(Doing::Make, "a descriptor for the next run", error)),
        };
        let stdin = self.stdin.clone().map_or(Stdio::Null, Stdio::Bytes);
        Ok(StdioSet { stdin, stdout: out(&self.outputs[0])?, stderr: out(&self.outputs[1])? })
    }
}
