//! WORDS asked: what a caller wants to run, within which limits and behind which walls.
//!
//! Everything here is pure. A value that exists has been checked: the constructors refuse what has no meaning and say
//! which field, which value and what would have been right, so that no later layer has to doubt its input.

mod env;
mod error;
pub mod file;
mod id;
mod isolation;
mod job;
mod limits;
mod mounts;
mod output;
mod owner;
mod restart;
mod seccomp;
mod signal;
mod stdio;
pub mod units;
mod window;
pub mod words;

pub use env::{Env, EnvName};
pub use error::SpecError;
pub use id::JobId;
pub use isolation::{Hostname, Isolation, Net, User};
pub use job::{CELLS, JobSpec, JobSpecBuilder};
pub use limits::{CgroupFile, CpuMax, IoMax, IoTarget, Limits, MemoryLimit, PidsLimit, Resource, Rlimit, RlimitValue};
pub use mounts::{Access, MountSpec, Root, absolute};
pub use output::{Keep, LogFile, Overflow, Store};
pub use owner::{OnDrop, Owner};
pub use restart::{Restart, RestartPolicy};
pub use seccomp::{Profile, SeccompAction, SeccompArg, SeccompEntry, SeccompOperator, SeccompRules, SeccompWhere};
pub use signal::{Signal, Target};
pub use stdio::{Stdio, StdioSet};
pub use window::Window;
