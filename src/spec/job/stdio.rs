//! A job's first three descriptors, as the caller gives them.

use std::os::fd::OwnedFd;

/// Where one of the target's first three descriptors comes from.
#[derive(Debug, Default)]
pub enum Stdio {
    /// `/dev/null`.
    #[default]
    Null,
    /// A descriptor of the caller's, handed to the target as it is, byte for byte.
    Fd(OwnedFd),
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
