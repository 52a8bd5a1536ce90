//! Using up what is limited: forks to `pids.max`, memory to `memory.max`. Each in a cell of its own, since the second does
//! not survive it; and outside, as far as the limit and a bit, as the control.

use super::alone::{alone, wait};
use super::{Scene, Seen};
use init_shim::sys::{Side, fork, sleep_until_killed};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;

/// Forks at most: past any `pids.max` that verify sets, and few enough for a host that does not stop them.
const FORKS_MOST: u32 = 4096;
/// Memory is touched page by page; 4 KiB is the smallest page that there is.
const PAGE: usize = 4096;

/// What a probe is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All attempts, one by one.
    Attempts,
    /// Fork until it is refused.
    Forks,
    /// Use so many bytes of memory.
    Memory,
}

/// The modes by their words.
pub const MODES: [(&str, Mode); 3] = [("attempts", Mode::Attempts), ("forks", Mode::Forks), ("memory", Mode::Memory)];

impl Mode {
    /// The mode of this word.
    pub(super) fn of(word: &OsStr) -> Option<Self> {
        MODES.iter().find(|(known, _)| *known == word).map(|(_, mode)| *mode)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        MODES.iter().find(|(_, mode)| *mode == self).map_or("", |(word, _)| word)
    }
}

/// Forks until it is refused; says how many children there were. They end with the cell.
pub(super) fn fork_all() -> u32 {
    let mut count = 0;
    while count < FORKS_MOST {
        match fork() {
            Ok(Side::Child) => sleep_until_killed(),
            Ok(Side::Parent(_)) => count += 1,
            Err(_) => break,
        }
    }
    count
}

/// Touches so many bytes of memory, and holds them until they are all there.
pub(super) fn fill(bytes: u64) {
    let mut held = vec![0_u8; usize::try_from(bytes).unwrap_or(0)];
    held.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    // Else the compiler may find that nobody reads it.
    std::hint::black_box(&held);
}

/// The control of [`Mode::Forks`]: so many children at once are no trouble outside. Only for a process with one thread.
pub fn forks_outside(count: u32) -> Seen {
    let mut born = Vec::new();
    let mut seen = Seen::Allowed(format!("{count} forks"));
    for _ in 0..count.min(FORKS_MOST) {
        match fork() {
            Ok(Side::Child) => sleep_until_killed(),
            Ok(Side::Parent(pid)) => born.extend(Pid::from_raw(pid)),
            Err(errno) => {
                seen = Seen::Refused(errno.raw_os_error());
                break;
            }
        }
    }
    for child in born {
        // Our own children, not waited for before.
        let _ = kill_process(child, Signal::KILL);
        wait(child);
    }
    seen
}

/// The control of [`Mode::Memory`]: so many bytes are to be had outside.
pub fn memory_outside(scene: &Scene, bytes: u64) -> Seen {
    alone(scene, |_| {
        fill(bytes);
        Seen::Allowed(format!("{bytes} bytes"))
    })
}
