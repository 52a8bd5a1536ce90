//! Who is in a cell that runs, with their parents.
//!
//! Source: proc_pid_stat(5). As with leftovers, a process may end between two looks, and is left out then.

use super::leftovers::Seen;
use crate::life::Process;
use std::collections::HashMap;

/// Processes that are told at most: more than `pids.max` lets a job have unless it was asked for.
const TOLD_MOST: usize = 4096;

/// The processes of a cell by their numbers, not yet looked at.
#[derive(Debug, Default)]
pub struct Roll {
    pub(super) pids: Vec<i32>,
    pub(super) cell: String,
}

impl Roll {
    /// Looks at each: three files of /proc, so for a thread that may block. By their numbers inside the cell.
    pub fn call(self) -> Vec<Process> {
        let now = super::leftovers::now();
        let looked = |pid: &i32| Some((*pid, Seen::of(*pid, &self.cell)?));
        let seen: Vec<(i32, Seen)> = self.pids.iter().take(TOLD_MOST).filter_map(looked).collect();
        let inside: HashMap<i32, u32> = seen.iter().map(|(pid, seen)| (*pid, seen.pid)).collect();
        let told = seen.into_iter().map(|(host_pid, seen)| Process {
            pid: seen.pid,
            host_pid: host_pid.unsigned_abs(),
            parent: inside.get(&seen.parent).copied(),
            age: now.map(|now| super::leftovers::age(seen.started, now)).unwrap_or_default(),
            comm: seen.comm,
        });
        let mut told: Vec<Process> = told.collect();
        told.sort_by_key(|process| process.pid);
        told
    }
}
