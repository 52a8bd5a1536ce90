//! Why a plan cannot be made on this host: enforced or refused, nothing is silently skipped.

/// A limit or protection that was asked for and cannot be applied here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {value} cannot be enforced: {problem}; {remedy}")]
pub struct Refusal {
    /// The field by the one name that it has in spec, flag and report, as `--memory`.
    pub field: String,
    /// What was asked for.
    pub value: String,
    /// What is missing and where: the controller and the hierarchy, the file system, the device.
    pub problem: String,
    /// The way out.
    pub remedy: String,
}
