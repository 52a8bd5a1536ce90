//! A running job at one moment: what it uses, and who is in it.

use super::Usage;
use std::time::Duration;

/// What a running job uses. `None` is "the kernel could not say", never 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    /// What it has used until now. What only its end tells is `None`: `max_rss` and the switches of context.
    pub usage: Usage,
    /// `memory.current`, bytes: page cache and tmpfs included.
    pub memory: Option<u64>,
    /// `memory.swap.current`, bytes.
    pub swap: Option<u64>,
    /// `pids.current`: processes and threads, the cell's PID 1 included.
    pub pids: Option<u64>,
    /// `memory.events` `oom_kill`: processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Whether every process of it is frozen.
    pub paused: bool,
}

/// A process of a running job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its process id inside the cell. 1 is ironcell's own.
    pub pid: u32,
    /// Its process id on the host, for people and tools there. It is no identity: it may end at any moment.
    pub host_pid: u32,
    /// Its parent's process id inside the cell; `None` of PID 1, and of one whose parent has just ended.
    pub parent: Option<u32>,
    /// Its name, as proc(5) has it in `comm`: 15 bytes at most.
    pub comm: String,
    /// How long it has been there, to the hundredth of a second.
    pub age: Duration,
}
