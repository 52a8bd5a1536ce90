//! PURE: what a cell promises, each beside the attempts that would break it. [`all`] is the table; SECURITY says the same
//! in prose.

mod files;
mod kernel;
mod who;

use super::expect::Expect;
use crate::spec::{Profile, Resource};

/// One promise.
#[derive(Debug)]
pub struct Promise {
    /// Its name for machines: stable.
    pub name: &'static str,
    /// What is promised.
    pub sentence: &'static str,
    /// What must come of which attempts.
    pub proofs: &'static [Proof],
    /// Which options give it up.
    pub given_up: GivenUp,
}

/// What must come of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct Proof {
    /// The attempt's name.
    pub attempt: &'static str,
    /// What is right.
    pub rule: Rule,
}

/// What is right.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// It has no success: the kernel refuses it, or a filter ends who tried.
    Refused,
    /// The same, and this errno is a refusal as well, which elsewhere is a host in need.
    RefusedAlso(i32),
    /// What was seen is as it should be; else, what is wrong with it.
    Is(fn(&[u8], &Expect) -> Result<(), String>),
}

/// Which options give a promise up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// None.
    Never,
    /// `--net host`.
    ByHostNetwork,
    /// `--user 0`.
    ByRootUser,
    /// `--rw` and `--rootfs-rw`.
    ByWriting,
    /// Whatever shows this path.
    ByShowing(&'static str),
    /// `--rlimit` of this resource.
    ByLimit(Resource),
    /// This profile and the wider ones, and rules of the caller's own.
    ByProfile(Profile),
    /// Rules of the caller's own.
    ByRules,
    /// The profile that shows the machine.
    ByCompat,
    /// No option, but a host on which what was raised can be lowered again.
    ByHostWithoutResource,
}

const fn refused(attempt: &'static str) -> Proof {
    Proof { attempt, rule: Rule::Refused }
}

const fn is(attempt: &'static str, check: fn(&[u8], &Expect) -> Result<(), String>) -> Proof {
    Proof { attempt, rule: Rule::Is(check) }
}

const fn promise(name: &'static str, sentence: &'static str, proofs: &'static [Proof], given_up: GivenUp) -> Promise {
    Promise { name, sentence, proofs, given_up }
}

/// The two that are proven in cells of their own: see `exhaust`.
pub const PIDS_MAX: &str = "pids_max";
/// As above.
pub const MEMORY_MAX: &str = "memory_max";

/// Every promise that is proven by attempts, in the order in which it is told.
pub fn all() -> impl Iterator<Item = &'static Promise> {
    [files::ALL, who::ALL, kernel::ALL].into_iter().flatten()
}
