//! Every ending beside the words for it.

use super::*;
use crate::life::{Biggest, IoUsage, Leftover, Refused, StartFailure};
use proptest::prelude::*;

const GRACE: Duration = Duration::from_secs(10);
const KILLED: Exit = Exit::Signal { signal: 9, core: false };

fn outcome(exit: Exit, cause: Cause) -> Outcome {
    Outcome::of(exit, cause)
}

#[test]
fn a_job_that_ends_in_its_own_words_is_not_explained() {
    for code in [0, 1, 255] {
        assert!(footer(&outcome(Exit::Code { code }, Cause::Itself), GRACE).is_empty());
    }
}

#[test]
fn a_death_for_want_of_memory_names_limit_peak_and_flag() {
    let mut dead = outcome(KILLED, Cause::Memory { of: MemoryOf::Own });
    assert_eq!(footer(&dead, GRACE), ["killed: memory.max reached; raise --memory"]);
    dead.evidence = Evidence { memory_max: Some(64 << 20), oom_kills: Some(1), ..Evidence::default() };
    dead.usage.memory_peak = Some(64 << 20);
    let text = "killed: memory.max 64 MiB reached (peak 64.0 MiB, 1 OOM kill); raise --memory";
    assert_eq!(footer(&dead, GRACE), [text]);
    let comm = "python3".to_owned();
    let mut named = dead.clone();
    named.evidence.biggest = Some(Biggest { comm, host_pid: 4242, rss: Some(60 << 20) });
    let text = "killed: memory.max 64 MiB reached (peak 64.0 MiB, 1 OOM kill: python3); raise --memory";
    assert_eq!(footer(&named, GRACE), [text]);
    dead.cause = Cause::Memory { of: MemoryOf::Host };
    let text = "killed: memory ran out on the host (peak 64.0 MiB, 1 OOM kill); free memory there, or set --memory lower \
                to fail sooner";
    assert_eq!(footer(&dead, GRACE), [text]);
    dead.cause = Cause::Memory { of: MemoryOf::Outside };
    let text = "killed: memory ran out above the job, in a parent cgroup or on the host (peak 64.0 MiB, 1 OOM kill); \
                free memory there, or set --memory lower to fail sooner";
    assert_eq!(footer(&dead, GRACE), [text]);
}

#[test]
fn a_stop_says_who_and_what_it_took() {
    let limit = Duration::from_millis(1500);
    let by = Stopper::Signal(2);
    for (exit, cause, text) in [
        (
            KILLED,
            Cause::WallTime { limit, how: StopKind::Hard },
            "timed out: --time 1s500ms is over; SIGTERM did not end it within 10s, so the cell was killed; raise --time",
        ),
        (
            Exit::Signal { signal: 15, core: false },
            Cause::WallTime { limit, how: StopKind::Soft },
            "timed out: --time 1s500ms is over; it ended on SIGTERM; raise --time",
        ),
        (
            Exit::Code { code: 0 },
            Cause::CpuTime { limit, how: StopKind::Soft },
            "timed out: --cpu-time 1s500ms is over; it ended within its grace; raise --cpu-time",
        ),
        (
            Exit::Code { code: 0 },
            Cause::Idle { limit, how: StopKind::Soft },
            "timed out: nothing of it ran for --idle 1s500ms; it ended within its grace; raise --idle",
        ),
        (
            Exit::Signal { signal: 15, core: false },
            Cause::OutputLimit { limit: 65536, how: StopKind::Soft },
            "stopped: it wrote more than --output-limit 64K; it ended on SIGTERM; raise --output-limit",
        ),
        (
            Exit::Signal { signal: 31, core: false },
            Cause::Seccomp,
            "killed: SIGSYS, which a filter of system calls sends; see --profile and --seccomp",
        ),
        (KILLED, Cause::OwnerGone, "killed: nobody held the job any more"),
        (KILLED, Cause::Stopped { by: by.clone(), how: StopKind::Hard }, "stopped: by SIGINT; the cell was killed"),
        (
            Exit::Code { code: 3 },
            Cause::Stopped { by: Stopper::Caller, how: StopKind::Soft },
            "stopped: by its owner; it ended on SIGTERM",
        ),
        (
            Exit::Signal { signal: 11, core: true },
            Cause::Itself,
            "killed: SIGSEGV (core dumped), sent by neither ironcell nor the kernel's memory killer",
        ),
        (
            Exit::Unknown,
            Cause::Lost,
            "lost: the cell's PID 1 was killed from outside; how the command ended is not known",
        ),
    ] {
        assert_eq!(footer(&outcome(exit, cause), GRACE), [text]);
    }
}

#[test]
fn a_start_that_failed_is_one_sentence() {
    let message = "cannot execute nope: there is no such file in the cell's PATH".to_owned();
    let failure =
        StartFailure { step: 40, name: "exec", errno: 2, message: message.clone(), refused: Refused::NotFound };
    assert_eq!(footer(&outcome(Exit::NeverRan, Cause::StartFailed(failure)), GRACE), [message]);
}

#[test]
fn a_limit_that_stood_in_the_way_of_a_failure_is_named() {
    let mut job = outcome(Exit::Code { code: 1 }, Cause::Itself);
    job.evidence =
        Evidence { pids_max: Some(32), pids_max_events: Some(12), oom_kills: Some(1), ..Evidence::default() };
    assert_eq!(
        footer(&job, GRACE),
        ["12 forks refused at pids.max 32; raise --pids", "1 OOM kill in the job, which went on; raise --memory"]
    );
    job.exit = Exit::Code { code: 0 };
    assert!(footer(&job, GRACE).is_empty());
}

#[test]
fn a_job_that_was_starved_of_processes_is_told_with_its_limit() {
    let mut job = outcome(Exit::Code { code: 2 }, Cause::Pids);
    job.evidence = Evidence { pids_max: Some(32), pids_max_events: Some(12), ..Evidence::default() };
    let text = "failed: it returned 2 with 12 forks refused at pids.max 32; raise --pids";
    assert_eq!(footer(&job, GRACE), [text]);
    job.exit = Exit::Signal { signal: 6, core: false };
    assert!(footer(&job, GRACE)[0].starts_with("failed: it ended by SIGABRT with 12 forks"));
}

#[test]
fn who_outlived_a_leader_that_was_stopped_is_named() {
    let one = |pid: u32| Leftover { pid, comm: "sleep".to_owned(), age: Duration::ZERO };
    let mut job = outcome(Exit::Code { code: 0 }, Cause::WallTime { limit: GRACE, how: StopKind::Soft });
    job.leftovers = Some(Leftovers { count: 5, named: (7..11).map(one).collect() });
    let text =
        "still alive at its end, and killed: sleep (pid 7), sleep (pid 8), sleep (pid 9) and 2 more; see --report";
    assert_eq!(footer(&job, GRACE)[1..], [text]);
    job.cause = Cause::Itself;
    assert!(footer(&job, GRACE).is_empty(), "a job may leave what it likes");
}

#[test]
fn what_is_left_behind_is_told_even_after_a_success() {
    let mut job = outcome(Exit::Code { code: 0 }, Cause::Itself);
    job.residue = (1..=9).map(|n| format!("/sys/fs/cgroup/x{n}")).collect();
    let lines = footer(&job, GRACE);
    assert_eq!(lines.len(), MOST_LINES);
    assert_eq!(lines[0], "left behind: /sys/fs/cgroup/x1");
    assert_eq!(lines[4], "left behind: 5 more things; see --report");
}

#[test]
fn a_limit_is_exact_where_a_peak_is_rounded() {
    assert_eq!(limit_text(64 << 20), "64 MiB");
    assert_eq!(limit_text(3 << 29), "1.5 GiB");
}

#[test]
fn what_is_not_known_is_not_told() {
    let mut usage = Usage { wall: Duration::from_millis(1234), ..Usage::default() };
    assert_eq!(used(&usage), "used: 1.234 s of time");
    usage.cpu_user = Some(Duration::from_millis(10));
    usage.memory_peak = Some(5 << 20);
    usage.pids_peak = Some(3);
    usage.io = Some(IoUsage { read_bytes: 4096, ..IoUsage::default() });
    assert_eq!(
        used(&usage),
        "used: 1.234 s of time, 0.010 s of CPU in user mode, 5.0 MiB of memory at the peak, 3 pids at the peak, \
         4.0 KiB read and 0 B written"
    );
}

proptest! {
    #[test]
    fn a_footer_is_never_longer_than_promised(
        pids: Option<u64>,
        kills: Option<u64>,
        signal: u8,
        residue in proptest::collection::vec("[a-z]*", 0..20),
    ) {
        let mut job = outcome(Exit::Signal { signal, core: false }, Cause::Itself);
        job.evidence = Evidence { pids_max_events: pids, oom_kills: kills, ..Evidence::default() };
        job.residue = residue;
        prop_assert!(footer(&job, GRACE).len() <= MOST_LINES);
    }
}
