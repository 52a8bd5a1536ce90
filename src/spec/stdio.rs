//! The first three descriptors of a job.

use std::os::fd::OwnedFd;

/// Where one of the target's first three descriptors comes from.
#[derive(Debug, Default)]
pub enum Stdio {
    /// `/dev/null`.
    #[default]
    Null,
    /// A descriptor of the caller's, handed to the target as it is, byte for byte.
    Fd(OwnedFd),
    /// A pipe that the owner writes to: `Job::stdin`. For descriptor 0 alone: else the start fails with EINVAL.
    Pipe,
    /// These bytes, and then the end. For descriptor 0 alone: else the start fails with EINVAL.
    Bytes(Vec<u8>),
    /// The job's log, which the supervisor keeps in memory for any number of readers: `Job::output`. Not for descriptor 0:
    /// that start fails with EINVAL.
    Log,
}

/// The target's first three descriptors.
#[derive(Debug, Default)]
pub struct StdioSet {
    /// Descriptor 0.
    pub stdin: Stdio,
    /// Descriptor 1.
    pub stdout: Stdio,
    /// Descriptor 2.
    pub stderr: Stdio,
}
