//! Every step of building a cell is made to fail, and each time: the report names the step, one sentence says what failed
//! and why, the exit code is right, and nothing is left.

use init_shim::step::Step;
use integration::fault::{Fault, run_with, run_with_all};
use integration::inside::{scratch, text};
use integration::support::{Ran, finish, ironcell_path, lane, report};
use std::process::Command;

/// A step, the call that is made to fail, with what, from which count on it may be the step's own, and words of the
/// sentence beside the step's own.
type Row = (Step, &'static str, &'static str, u32, &'static [&'static str]);

/// Counts are of the keeper's calls since it waits for orders, of PID 1's and of the target's, each from its birth: where
/// two of them make the n-th call of a name, the one that comes first in the catalogue is hit.
const INJECTED: &[Row] = &[
    (Step::ReadOrder, "pread64", "EIO", 1, &[]),
    (Step::OpenSource, "open_tree", "ENOMEM", 1, &["/usr: "]),
    (Step::ProtectSource, "mount_setattr", "EPERM", 1, &["/usr: "]),
    (Step::TakeJobIdentity, "setresuid", "EPERM", 1, &[]),
    (Step::CloneCell, "clone3", "ENOSPC", 1, &["too many namespaces: see /proc/sys/user"]),
    (Step::CloneCell, "clone3", "EPERM", 1, &["must be privileged"]),
    (Step::CloneCell, "clone3", "EAGAIN", 1, &[]),
    (Step::WriteIdMaps, "write", "EPERM", 1, &[]),
    (Step::RaiseOomScore, "write", "EACCES", 3, &[]),
    (Step::ReleaseCell, "write", "EPIPE", 4, &[]),
    (Step::CloseForeign, "close_range", "EPERM", 1, &[]),
    // The keeper's first read is its wait for a sign of life: it fails, so it builds the cell once more, and the second
    // PID 1's first read fails, too.
    (Step::AwaitRelease, "read", "EIO", 1, &[]),
    (Step::BecomeCellRoot, "setgroups", "EPERM", 1, &[]),
    (Step::SetHostname, "sethostname", "EPERM", 1, &["cell: "]),
    (Step::LoopbackUp, "socket", "EAFNOSUPPORT", 1, &[]),
    (Step::LoopbackUp, "ioctl", "EPERM", 1, &[]),
    (Step::MakePrivate, "mount", "EPERM", 1, &[]),
    (Step::MakeRoot, "fsopen", "ENODEV", 1, &[]),
    (Step::MakeRoot, "move_mount", "EINVAL", 1, &[]),
    (Step::MakeEntry, "mkdirat", "ENOSPC", 1, &[" /"]),
    (Step::MakeEntry, "symlinkat", "ENOSPC", 1, &[" /"]),
    (Step::AttachMount, "move_mount", "EINVAL", 2, &[" /usr: "]),
    (Step::AttachMount, "fsmount", "EPERM", 2, &["must be privileged"]),
    (Step::EnterRoot, "pivot_root", "EPERM", 1, &["must be privileged"]),
    (Step::LeaveOldRoot, "umount2", "EPERM", 1, &[]),
    (Step::JoinKeyring, "keyctl", "EDQUOT", 1, &[]),
    (Step::DropBounding, "capset", "EPERM", 1, &[]),
    (Step::NoNewPrivs, "prctl", "EINVAL", 40, &[]),
    (Step::ForkTarget, "clone", "EAGAIN", 1, &[]),
    (Step::MakeRuleset, "landlock_create_ruleset", "ENOMEM", 1, &[]),
    (Step::MakeRuleset, "landlock_add_rule", "ENOMEM", 5, &["/dev/"]),
    (Step::DropShim, "setgroups", "EPERM", 2, &[]),
    (Step::NewSession, "setsid", "EPERM", 1, &[]),
    (Step::PlaceStdio, "dup2", "EMFILE", 1, &[]),
    (Step::SetRlimit, "prlimit64", "EPERM", 1, &["="]),
    (Step::RestrictFiles, "landlock_restrict_self", "EPERM", 1, &[]),
    (Step::ResetSignals, "rt_sigprocmask", "EINVAL", 1, &[]),
    (Step::Exec, "execve", "ENOMEM", 1, &["true cannot be executed: Cannot allocate memory"]),
    (Step::Exec, "execve", "ETXTBSY", 1, &["true cannot be executed: Text file busy"]),
];

/// With a writable directory there is one more.
const WITH_RW: &[Row] = &[(Step::MapOwner, "clone3", "ENOSPC", 1, &[])];

/// With a terminal there is one more.
const WITH_TERMINAL: &[Row] = &[(Step::OpenTerminal, "fchown", "EPERM", 1, &[])];

/// With a niceness there is one more.
const WITH_NICE: &[Row] = &[(Step::SetNice, "setpriority", "EACCES", 1, &["--nice 5: ", "at least as nice"])];

/// Made to fail by what is there, or by two faults at once, in tests of their own below.
const REAL: &[Step] = &[
    Step::InstallFilter,
    Step::FilterShim,
    Step::AwaitCell,
    Step::SeeOwnCgroup,
    Step::ForbidNested,
    Step::EnterDirectory,
    Step::Exec,
    Step::ExecInterpreter,
];

/// Not reached by counting calls, since a step before them makes the same call as often: sealing the root calls
/// mount_setattr once, as the keeper does first; the target's setgroups, setresgid and setresuid are each its first as they
/// are PID 1's, so are its two capset; its close_range calls are no more than PID 1's. And no run of the program waits for its
/// job: `library_warm` has those.
const UNREACHED: &[Step] =
    &[Step::SealRoot, Step::BecomeUser, Step::ClearCapabilities, Step::CloseRest, Step::AwaitJob, Step::ResizeTmpfs];

/// How far counts are tried beyond the row's own.
const TRIES: u32 = 12;

#[test]
fn the_tables_together_have_every_step() {
    for step in Step::ALL {
        let injected = INJECTED.iter().chain(WITH_RW).chain(WITH_TERMINAL).chain(WITH_NICE).any(|row| row.0 == *step);
        let real = REAL.contains(step);
        assert!((injected || real) != UNREACHED.contains(step), "{step:?}");
    }
}

/// Fails a row's call until the row's step is the one that is reported.
fn fail(row: &Row, flags: &[&str]) {
    let (step, call, error, first, words) = *row;
    let mut seen = Vec::new();
    for count in (first..first + TRIES).flat_map(|count| [count; 2]) {
        let (how, when) = (format!("error={error}"), count.to_string());
        let (ran, report) = run_with(Fault { call, how: &how, when: &when }, flags, &["true"]);
        let reported = report["cause_detail"]["step"].as_u64();
        if reported == Some(step as u64) {
            return told(step, &ran, &report, words);
        }
        // Whatever else fails is told in words as well.
        assert!(ran.code == 0 || ran.err.starts_with("ironcell: "), "{row:?} at {count}: {ran:?}");
        seen.push((count, reported, ran.code));
    }
    panic!("{step:?} was never reported: {seen:?}");
}

/// What is said of a step that failed.
fn told(step: Step, ran: &Ran, report: &serde_json::Value, words: &[&str]) {
    let code = match step {
        Step::Exec | Step::ExecInterpreter => 126,
        _ => 125,
    };
    assert_eq!((ran.code, report["exit_code"].as_i64()), (code, Some(code.into())), "{step:?}: {ran:?}");
    assert_eq!(report["cause"], "start_failed", "{report}");
    assert_eq!(report["cause_detail"]["name"], step.name(), "{report}");
    assert_eq!(ran.err.lines().count(), 1, "{step:?}: {ran:?}");
    if code == 125 {
        assert!(ran.err.starts_with(&format!("ironcell: failed to {}", step.words())), "{step:?}: {ran:?}");
        let errno = report["cause_detail"]["errno"].as_i64().expect("a number");
        assert!(ran.err.contains(&format!("(errno {errno})")), "{step:?}: {ran:?}");
    }
    words.iter().for_each(|word| assert!(ran.err.contains(word), "{step:?}: no {word:?} in {ran:?}"));
    assert_eq!(ran.out, "", "{step:?}");
}

#[test]
fn the_steps_of_the_keeper_fail_in_words() {
    INJECTED.iter().filter(|row| (row.0 as u16) < 200).for_each(|row| fail(row, &[]));
}

#[test]
fn the_steps_of_the_first_process_fail_in_words() {
    INJECTED.iter().filter(|row| (200..300).contains(&(row.0 as u16))).for_each(|row| fail(row, &[]));
}

#[test]
fn the_steps_of_the_target_fail_in_words() {
    INJECTED.iter().filter(|row| (row.0 as u16) >= 300).for_each(|row| fail(row, &[]));
}

#[test]
fn the_steps_of_a_writable_directory_fail_in_words() {
    let directory = scratch();
    let bind = format!("{}:/out", text(directory.path()));
    WITH_RW.iter().for_each(|row| fail(row, &["--rw", &bind]));
}

#[test]
fn the_step_of_a_niceness_fails_in_words() {
    WITH_NICE.iter().for_each(|row| fail(row, &["--nice", "5"]));
}

#[test]
fn the_step_of_a_terminal_fails_in_words() {
    WITH_TERMINAL.iter().for_each(|row| fail(row, &["--terminal"]));
}

#[test]
fn a_first_process_that_gives_no_sign_of_life_is_told() {
    // Killed at its first call, and the one of the second try as well.
    let (ran, report) = run_with(Fault { call: "close_range", how: "signal=KILL", when: "1" }, &[], &["true"]);
    assert_eq!(report["cause_detail"]["step"], Step::AwaitCell as u64, "{report}");
    told(Step::AwaitCell, &ran, &report, &["memory limit"]);
}

/// The keeper's wait for the sign of life fails once, as on a kernel that kills at birth what is cloned into a cgroup.
const KILLED_AT_BIRTH: Fault<'_> = Fault { call: "ppoll", how: "error=EIO", when: "1" };

#[test]
fn a_cell_that_cannot_be_cloned_into_its_cgroup_is_moved_into_it() {
    let (ran, report) = run_with(KILLED_AT_BIRTH, &[], &["cat", "/proc/self/cgroup"]);
    assert_eq!((ran.code, ran.out.lines().last()), (0, Some("0::/")), "{ran:?}");
    if !lane().is_empty() {
        assert!(report["usage"]["pids_peak"].as_u64().is_none_or(|peak| peak >= 2), "it was not counted: {report}");
        assert!(report["usage"]["cpu_system"].as_f64().is_some_and(|time| time > 0.0), "it was not counted: {report}");
    }
}

#[test]
fn and_when_it_cannot_make_that_cgroup_its_root_it_is_told() {
    let fault = Fault { call: "unshare", how: "error=EPERM", when: "1" };
    let (ran, report) = run_with_all(&[KILLED_AT_BIRTH, fault], &[], &["true"]);
    assert_eq!(report["cause_detail"]["step"], Step::SeeOwnCgroup as u64, "{report}");
    told(Step::SeeOwnCgroup, &ran, &report, &[]);
}

#[test]
fn a_filter_that_cannot_be_installed_is_told_whosever_it_is() {
    // Both processes install one at the same time: the one that is not meant is held back.
    const HELD: &str = "delay_enter=1000000";
    let seccomp = Fault { call: "seccomp", how: "error=EINVAL", when: "1" };
    let target = [seccomp, Fault { call: "setgroups", how: HELD, when: "2" }];
    let first_process = [seccomp, Fault { call: "setsid", how: HELD, when: "1" }];
    for (step, faults) in [(Step::InstallFilter, target), (Step::FilterShim, first_process)] {
        let (ran, report) = run_with_all(&faults, &[], &["true"]);
        told(step, &ran, &report, &[]);
    }
}

#[test]
fn a_kernel_setting_that_cannot_be_written_is_told() {
    let script = "mount --bind /proc/sys/user /proc/sys/user && mount -o remount,ro,bind /proc/sys/user && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(ironcell_path()).args(["run", "--", "true"]);
    let ran = finish(command);
    let expected = format!("ironcell: failed to {}: Read-only file system (errno 30)", Step::ForbidNested.words());
    assert!(ran.code == 125 && ran.err.starts_with(&expected), "{ran:?}");
}

#[test]
fn a_directory_that_is_not_there_and_an_interpreter_that_is_missing_are_told() {
    let (ran, told_of) = report(&["--cwd", "/nowhere", "--", "true"]);
    assert_eq!(told_of["cause_detail"]["step"], Step::EnterDirectory as u64, "{told_of}");
    told(Step::EnterDirectory, &ran, &told_of, &["/nowhere", "--cwd"]);
    let directory = scratch();
    for place in ["dev", "proc", "tmp"] {
        std::fs::create_dir(directory.path().join(place)).expect("made");
    }
    std::fs::copy("/bin/true", directory.path().join("true")).expect("copied");
    let (ran, told_of) = report(&["--rootfs", text(directory.path()), "--", "/true"]);
    assert_eq!(told_of["cause_detail"]["step"], Step::ExecInterpreter as u64, "{told_of}");
    told(Step::ExecInterpreter, &ran, &told_of, &["/true is there", "its loader", "--ro"]);
}

#[test]
fn without_a_fault_the_same_run_succeeds_under_the_tracer() {
    let (ran, report) = run_with(Fault { call: "sethostname", how: "error=EPERM", when: "99" }, &[], &["true"]);
    assert_eq!((ran.code, report["cause"].as_str()), (0, Some("itself")), "{ran:?}");
}
