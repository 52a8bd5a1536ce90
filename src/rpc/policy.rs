//! What the daemon lets callers have, beyond what their role says. The daemon is root: its policy is the wall between an
//! operator and the host.

/// The policy of a daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether viewers read what jobs write.
    pub viewer_output: bool,
}
