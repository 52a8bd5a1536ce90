//! HANDS: the only place of this crate that talks to the kernel. It decides nothing: what is to be done stands in a plan.

pub mod block;
pub mod cell;
pub mod cgroup;
pub mod doctor;
mod error;
pub mod ids;
pub mod keeper;
mod mountinfo;
pub mod probe;
pub mod stdio;
mod takeover;
mod watch;

pub use error::{Doing, OsError};

/// The size of a page of memory.
pub fn page_size() -> u64 {
    // SAFETY: sysconf(3) has no requirement; it reads a number that the kernel gave to the process when it started.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // It cannot fail; 4096 is the page size of every machine that has only one.
    u64::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096)
}

/// Whether this process is root of its user namespace.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
