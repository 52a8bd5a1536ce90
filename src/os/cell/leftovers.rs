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
    let now = ticks(fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?)?;
    let named = others().take(Leftovers::NAMED_MOST).filter_map(|pid| named(pid, cgroup.name(), now)).collect();
    Some(Leftovers { count: others().count() as u64, named })
}

/// One of them; `None` when it has ended meanwhile.
fn named(pid: i32, cell: &str, now: u64) -> Option<Leftover> {
    let read = |file: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (stat, status) = (read("stat")?, read("status")?);
    // Last: so long it was in this cell, and so the number was its own.
    is_of(&read("cgroup")?, cell).then_some(())?;
    let (comm, started) = comm_and_start(&stat)?;
    Some(Leftover { pid: inner_pid(&status)?, comm, age: age(started, now) })
}

/// Whether a process's /proc/PID/cgroup has the cell's name as the last of its path.
fn is_of(text: &str, cell: &str) -> bool {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"));
    path.and_then(|path| path.rsplit('/').next()) == Some(cell)
}

/// Name and start time of /proc/PID/stat. The name in parentheses may hold anything, so they are looked for from both ends.
fn comm_and_start(stat: &str) -> Option<(String, u64)> {
    /// `starttime` is the 22nd field, and the 20th behind the name.
    const START: usize = 19;
    let (front, behind) = stat.rsplit_once(") ")?;
    let (_, comm) = front.split_once(" (")?;
    Some((comm.to_owned(), behind.split(' ').nth(START)?.parse().ok()?))
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
fn age(started: u64, now: u64) -> Duration {
    Duration::from_millis(now.saturating_sub(started).saturating_mul(1000 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_kernels_own_texts_are_read() {
        let stat = "4242 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21";
        assert_eq!(comm_and_start(stat), Some(("a) b (c".to_owned(), 987_654)));
        assert_eq!(inner_pid("Name:\tx\nNSpid:\t4242\t77\t7\n"), Some(7));
        assert_eq!((ticks("12345.67"), ticks("12345")), (Some(1_234_567), None));
        assert_eq!(age(1_234_500, 1_234_567), Duration::from_millis(670));
        assert!(is_of("1:cpu:/x\n0::/ironcell/abc\n", "abc") && !is_of("0::/ironcell/abcd\n", "abc"));
    }

    proptest! {
        #[test]
        fn hostile_text_gives_an_answer_or_none(text in "([0-9]{0,21}|[() .\n]|NSpid:|0::/|[a-z])*", now: u64) {
            let _ = (comm_and_start(&text), inner_pid(&text), ticks(&text), is_of(&text, "x"));
            let _ = age(now, now / 2);
        }
    }
}
