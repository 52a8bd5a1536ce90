//! HANDS: the only place of this crate that talks to the kernel. It decides nothing: what is to be done stands in a plan.

mod anew;
pub mod attempt;
pub mod block;
pub mod cell;
pub mod cgroup;
pub mod doctor;
mod error;
pub mod ids;
pub mod keeper;
mod kmsg;
mod mountinfo;
pub mod plain;
pub mod probe;
mod raw_terminal;
pub mod signals;
pub mod spool;
pub mod state;
pub mod stdio;
pub mod store;
#[cfg(feature = "sudo")]
pub mod sudo;
mod takeover;
mod watch;

pub use anew::open_anew;
pub use error::{Doing, OsError};
pub use raw_terminal::{RawTerminal, window_of};

/// The size of a page of memory.
pub fn page_size() -> u64 {
    // SAFETY: sysconf(3) has no requirement; it reads a number that the kernel gave to the process when it started.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // It cannot fail; 4096 is the page size of every machine that has only one.
    u64::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096)
}

/// Random bytes of the kernel's, as getrandom(2): no descriptor is needed.
///
/// # Errors
/// As getrandom(2).
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], OsError> {
    let mut bytes = [0; COUNT];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|errno| OsError::new(Doing::Read, "the kernel's random bytes", errno))?;
    // Up to 256 bytes come whole.
    if got == COUNT {
        Ok(bytes)
    } else {
        Err(OsError::new(Doing::Read, "the kernel's random bytes", rustix::io::Errno::IO))
    }
}

/// Milliseconds since 1970, for ids that sort by time; a clock before that is 0.
pub fn unix_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Raises this process's soft limit of descriptors to its hard one (getrlimit(2)): for a program of our own that holds many
/// jobs, each with some twenty. The limit then; `None` is no limit.
pub fn raise_descriptors() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    // One that cannot be raised stays, and is told by the number.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
    getrlimit(Resource::Nofile).current
}

/// Whether this process is root of its user namespace.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
