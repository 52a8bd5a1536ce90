//! The kernel's log, for the one thing that nothing else tells: which process of a cell it chose to kill for want of memory.
//!
//! Source: Documentation/ABI/testing/dev-kmsg; mm/oom_kill.c `dump_oom_summary` (kernel 5.0) and `__oom_kill_process`. The
//! kernel chooses the process with the most memory of all that are equally dear to it, and a cell's are.

use crate::life::Biggest;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read};

/// Bytes of a record at most: the kernel's own bound for a line and its header, rounded up.
const RECORD_MOST: usize = 8192;
/// Records that are read at most: more than the log of any kernel that was not built for a larger one.
const RECORDS_MOST: usize = 65_536;

/// The first process that the kernel killed in the cell of this name; `None` when the log does not say: it cannot be read
/// without CAP_SYSLOG, and the kernel tells of ten kills in five seconds at most.
pub fn victim(cell: &str) -> Option<Biggest> {
    let log = open("/dev/kmsg", OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut record = [0; RECORD_MOST];
    let mut found = None;
    for _ in 0..RECORDS_MOST {
        match read(&log, &mut record) {
            // At its end.
            Err(Errno::AGAIN) | Ok(0) => break,
            // What was next was overwritten meanwhile, or is too long: the one after that is.
            Err(Errno::PIPE | Errno::INVAL | Errno::INTR) => {}
            Err(_) => return None,
            Ok(length) => {
                let text = String::from_utf8_lossy(&record[..length]);
                if look(&text, cell, &mut found) {
                    break;
                }
            }
        }
    }
    found
}

/// Looks at one record; true when all is known.
fn look(record: &str, cell: &str, found: &mut Option<Biggest>) -> bool {
    let (head, text) = record.split_once(';').unwrap_or(("", record));
    // dev-kmsg: the lower three bits are the level, those above the facility; the kernel's own is 0, and nobody who writes
    // into the log can have it.
    let priority = head.split(',').next().and_then(|number| number.parse::<u32>().ok());
    if priority.is_some_and(|priority| priority >> 3 != 0) {
        return false;
    }
    let text = text.lines().next().unwrap_or_default();
    match found {
        None => {
            *found = chosen(text, cell);
            false
        }
        Some(victim) => match killed(text) {
            Some((pid, rss)) if pid == victim.host_pid => {
                victim.rss = rss;
                true
            }
            _ => false,
        },
    }
}

/// `oom-kill:constraint=…,task_memcg=/ironcell/NAME,task=COMM,pid=1,uid=2`. The name of the process is the job's to choose:
/// what stands before it is looked for from the front, what stands behind it from the back.
fn chosen(text: &str, cell: &str) -> Option<Biggest> {
    let (_, behind) = text.strip_prefix("oom-kill:")?.split_once(",task_memcg=")?;
    let (memcg, behind) = behind.split_once(",task=")?;
    if memcg.rsplit('/').next() != Some(cell) {
        return None;
    }
    let (behind, _) = behind.rsplit_once(",uid=")?;
    let (comm, pid) = behind.rsplit_once(",pid=")?;
    Some(Biggest { comm: comm.to_owned(), host_pid: pid.parse().ok()?, rss: None })
}

/// `Memory cgroup out of memory: Killed process 1 (COMM) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB, …`: the
/// process and its resident bytes.
fn killed(text: &str) -> Option<(u32, Option<u64>)> {
    let (_, behind) = text.split_once("Killed process ")?;
    let (pid, behind) = behind.split_once(' ')?;
    let kib = |key: &str| {
        let (_, value) = behind.rsplit_once(key)?;
        value.split_once("kB")?.0.parse::<u64>().ok()
    };
    let rss =
        || kib(" anon-rss:")?.checked_add(kib(" file-rss:")?)?.checked_add(kib(" shmem-rss:")?)?.checked_mul(1024);
    Some((pid.parse().ok()?, rss()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHOSEN: &str = "6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,\
                          oom_memcg=/ironcell/abc,task_memcg=/ironcell/abc,task=python3,pid=77,uid=1879048192\n";
    const KILLED: &str = "3,2,3,-;Memory cgroup out of memory: Killed process 77 (python3) total-vm:212345kB, \
                          anon-rss:60000kB, file-rss:4000kB, shmem-rss:1000kB, UID:1879048192 pgtables:180kB oom_score_adj:500\n";

    fn found(records: &[&str]) -> Option<Biggest> {
        let mut found = None;
        let _ = records.iter().any(|record| look(record, "abc", &mut found));
        found
    }

    #[test]
    fn the_process_that_was_chosen_is_found_with_its_memory() {
        let victim = Biggest { comm: "python3".to_owned(), host_pid: 77, rss: Some(65_000 << 10) };
        let other = KILLED.replace("process 77", "process 78");
        assert_eq!(found(&["6,0,1,-;hello", CHOSEN, &other, KILLED]), Some(victim.clone()));
        assert_eq!(found(&[CHOSEN]), Some(Biggest { rss: None, ..victim }));
    }

    #[test]
    fn that_of_another_cell_is_not() {
        assert_eq!(found(&[&CHOSEN.replace("/abc", "/abcd"), KILLED]), None);
        assert_eq!(found(&[KILLED]), None);
    }

    #[test]
    fn a_process_cannot_choose_a_name_that_misleads() {
        let named = found(&[&CHOSEN.replace("python3", "a,pid=1,uid=2")]).expect("found");
        assert_eq!((named.comm.as_str(), named.host_pid), ("a,pid=1,uid=2", 77));
        let named = found(&[CHOSEN, &KILLED.replace("(python3)", "(x anon-rss:9kB)")]).expect("found");
        assert_eq!(named.rss, Some(65_000 << 10));
    }

    proptest! {
        #[test]
        fn hostile_records_give_an_answer_or_none(
            text in "(oom-kill:|,task_memcg=|,task=|/abc|,pid=|,uid=|Killed process | anon-rss:|kB|[0-9]{0,25}|[ ;,\n(]|.)*",
        ) {
            let _ = (found(&[&text]), killed(&text), chosen(&text, "abc"));
        }
    }
}
