//! Who was still alive in a cell when its leader had ended: read before they are killed.
//!
//! Source: proc_pid_stat(5), proc_pid_status(5), proc_uptime(5). A process may end between two looks, and its number may be
//! given to another: what is not in this cell any more is left out.

use crate::life::{Leftover, Leftovers};
use crate::os::cgroup::CellCgroup;
use std::fs;
use std::time::Duration;

/// Clock ticks of /proc in a second: USER_HZ, which is 100 on every machine that has cgroup v2 (sysconf(3)).
const TICKS: u64 = 100;

/// The processes of a cell but its PID 1; `None` when they cannot be listed.
pub(super) fn alive(cgroup: &CellCgroup, first: i32) -> Option<Leftovers> {
    let all = cgroup.read("cgroup.procs").ok()??;
    let others = || all.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid != first);
    let now = now()?;
    let named = |pid: i32| {
        let Seen { pid, comm, started, .. } = Seen::of(pid, cgroup.name())?;
        Some(Leftover { pid, comm, age: age(started, now) })
    };
    let named = others().take(Leftovers::NAMED_MOST).filter_map(named).collect();
    Some(Leftovers { count: others().count() as u64, named })
}

/// A process of a cell, as /proc tells of it.
pub(super) struct Seen {
    /// Its process id inside the cell.
    pub pid: u32,
    /// Its parent's process id on the host.
    pub parent: i32,
    /// Its name.
    pub comm: String,
    /// When it was started, in ticks since boot.
    pub started: u64,
}

impl Seen {
    /// The process of this number on the host; `None` when it has ended meanwhile.
    pub fn of(pid: i32, cell: &str) -> Option<Self> {
        let (stat, status) = (read(pid, "stat")?, read(pid, "status")?);
        // Last: so long it was in this cell, and so the number was its own.
        is_in(pid, cell).then_some(())?;
        let (comm, parent, started) = comm_parent_and_start(&stat)?;
        Some(Self { pid: inner_pid(&status)?, parent, comm, started })
    }
}

/// Whether the process that has this number now is in the cell.
pub(super) fn is_in(pid: i32, cell: &str) -> bool {
    read(pid, "cgroup").is_some_and(|text| is_of(&text, cell))
}

/// A file of a process.
fn read(pid: i32, file: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// This moment in ticks since boot.
pub(super) fn now() -> Option<u64> {
    ticks(fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?)
}

/// Whether a process's /proc/PID/cgroup has the cell's name as the last of its path.
fn is_of(text: &str, cell: &str) -> bool {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"));
    path.and_then(|path| path.rsplit('/').next()) == Some(cell)
}

/// Name, parent and start time of /proc/PID/stat. The name in parentheses may hold anything, so they are looked for from
/// both ends.
fn comm_parent_and_start(stat: &str) -> Option<(String, i32, u64)> {
    /// `ppid` is the 4th field, and the 2nd behind the name.
    const PARENT: usize = 1;
    /// `starttime` is the 22nd field, and the 20th behind the name.
    const START: usize = 19;
    let (front, behind) = stat.rsplit_once(") ")?;
    let (_, comm) = front.split_once(" (")?;
    let field = |index| behind.split(' ').nth(index);
    Some((comm.to_owned(), field(PARENT)?.parse().ok()?, field(START)?.parse().ok()?))
}

/// The process id in the innermost namespace, which is the cell's.
fn inner_pid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// `12345.67` seconds as ticks.
fn ticks(uptime: &str) -> Option<u64> {
    let (seconds, hundredths) = uptime.split_once('.')?;
    Some(seconds.parse::<u64>().ok()?.checked_mul(TICKS)? + hundredths.parse::<u64>().ok()?)
}

/// Between two moments in ticks.
pub(super) fn age(started: u64, now: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(started).saturating_mul(1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernels_own_texts_are_read() {
        let stat = "4242 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21";
        assert_eq!(comm_parent_and_start(stat), Some(("a) b (c".to_owned(), 1, 987_654)));
        assert_eq!(inner_pid("Name:\tx\nNSpid:\t4242\t77\t7\n"), Some(7));
        assert_eq!((ticks("12345.67"), ticks("12345")), (Some(1_234_567), None));
        assert_eq!(age(1_234_500, 1_234_567), Duration::from_millis(670));
        assert!(is_of("1:cpu:/x\n0::/ironcell/abc\n", "abc") && !is_of("0::/ironcell/abcd\n", "abc"));
    }

    proptest! {
        #[test]
        fn hostile_text_gives_an_answer_or_none(text in "([0-9]{0,21}|[() .\n]|NSpid:|0::/|[a-z])*", now: u64) {
            let _ = (comm_parent_and_start(&text), inner_pid(&text), ticks(&text), is_of(&text, "x"));
            let _ = age(now, now / 2);
        }
    }
}
