//! Nothing that the caller has is the job's by inheritance: descriptors, signals, environment, terminal, mask, priority to
//! be killed.

use integration::inside::{Running, STAYS, has_capability, look, status};
use integration::support::{finish, ironcell, run};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;

#[test]
fn the_only_descriptors_are_the_first_three() {
    let kept = File::open("/etc/passwd").expect("a file");
    let mut command = ironcell(&["run", "--", "ls", "/proc/self/fd"]);
    // SAFETY: only calls that are safe between fork and exec: descriptors 30 and 1000 become the caller's, inheritable.
    unsafe {
        command.pre_exec(move || {
            for number in [30, 1000] {
                if libc::dup2(kept.as_raw_fd(), number) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
            }
            Ok(())
        });
    }
    let ran = finish(command);
    // The fourth is the directory that ls reads.
    assert_eq!(ran.out, "0\n1\n2\n3\n", "{ran:?}");
}

#[test]
fn a_process_of_the_cell_holds_no_descriptor_of_the_host() {
    let cell = Running::cell(&[], STAYS);
    let open = |pid: i32| -> Vec<String> {
        let all = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten();
        let target = |entry: std::fs::DirEntry| std::fs::read_link(entry.path()).ok();
        all.filter_map(target).map(|path| path.display().to_string()).collect()
    };
    let leader = open(cell.leader());
    assert!(leader.len() == 3 && leader.iter().all(|target| target.starts_with("pipe:")), "{leader:?}");
    // PID 1: three on /dev/null, the socket for the status, the lease, the lock on its ids, and what it waits on.
    let first = open(cell.first());
    let known = ["/dev/null", "socket:", "pipe:", "/run/ironcell/cell-ids", "anon_inode:[signalfd]"];
    let foreign: Vec<_> = first.iter().filter(|target| !known.iter().any(|known| target.starts_with(known))).collect();
    assert!(foreign.is_empty() && first.len() == 7, "{first:?}");
    assert_eq!(cell.end().code, 0);
}

#[test]
fn signals_are_at_their_defaults_whatever_the_caller_ignores_or_blocks() {
    let mut command = ironcell(&["run", "--", "cat", "/proc/self/status"]);
    // SAFETY: only calls that are safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGPIPE, libc::SIGINT, libc::SIGCHLD, libc::SIGUSR1, 40] {
                libc::signal(signal, libc::SIG_IGN);
            }
            let mut set = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, libc::SIGUSR2);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            Ok(())
        });
    }
    let ran = finish(command);
    for field in ["SigIgn", "SigBlk", "SigPnd", "ShdPnd", "SigCgt"] {
        assert!(ran.out.contains(&format!("{field}:\t0000000000000000\n")), "{field}: {ran:?}");
    }
}

#[test]
fn a_writer_whose_reader_is_gone_dies_of_sigpipe() {
    // The program's own shell says 128 + 13 for its child.
    let script = "{ cat /dev/zero; echo $? >&2; } | head -c 1 > /dev/null";
    assert_eq!(run(&["--", "sh", "-c", script]).err, "141\n");
}

#[test]
fn the_environment_is_path_home_and_term_and_what_was_asked_for() {
    let environment = |flags: &[&str]| {
        let mut command = ironcell(&[&["run"], flags, &["--", "env"]].concat());
        command.env("SECRET", "s").env("LD_PRELOAD", "/nowhere.so").env("TERM", "vt100").env("A", "caller's");
        let mut lines: Vec<String> = finish(command).out.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let plain = environment(&[]);
    let names: Vec<&str> = plain.iter().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["HOME", "PATH", "TERM"], "{plain:?}");
    let mut asked = environment(&["-E", "A", "-E", "B=x=y "]);
    asked.retain(|line| !plain.contains(line));
    assert_eq!(asked, ["A=caller's", "B=x=y "]);
}

#[test]
fn the_mask_is_022_and_the_kernel_kills_the_job_before_services() {
    let mut command =
        ironcell(&["run", "--", "sh", "-c", "umask; cat /proc/self/oom_score_adj; echo 0 > /proc/self/oom_score_adj"]);
    // SAFETY: umask is safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::umask(0o077);
            Ok(())
        });
    }
    let ran = finish(command);
    assert_eq!(ran.out, "0022\n500\n", "{ran:?}");
    // The shell has its own word for EACCES of a write. A root without CAP_SYS_RESOURCE (24) cannot make it stay.
    assert!(!has_capability(24) || ran.code != 0 && ran.err.contains("error"), "the job lowered it: {ran:?}");
}

#[test]
fn there_is_no_controlling_terminal_not_even_the_callers() {
    // script(1) runs the command on a terminal of its own, which is its controlling one.
    let look = integration::inside::look_path();
    let inner =
        format!("{} run --ro {look}:/look -- /look tty; {look} tty", integration::support::ironcell_path().display());
    let mut command = std::process::Command::new("script");
    command.args(["-q", "-e", "-c", &inner, "/dev/null"]).stdin(std::process::Stdio::null());
    let ran = finish(command);
    let lines: Vec<&str> = ran.out.lines().map(str::trim).filter(|line| line.starts_with("tty ")).collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert_eq!(lines[0], "tty ENXIO", "{ran:?}");
    assert!(lines[1].starts_with("tty ok"), "the control: script gives one: {ran:?}");
}

#[test]
fn without_a_terminal_there_is_none_either() {
    assert_eq!(look(&[], &["tty"])["tty"], "ENXIO");
}

#[test]
fn the_job_leads_a_session_of_its_own() {
    let cell = Running::cell(&[], STAYS);
    // SAFETY: takes a number.
    let session = unsafe { libc::getsid(cell.leader()) };
    assert_eq!(session, cell.leader());
    assert_eq!(status(cell.leader(), "NSsid").split_whitespace().last(), Some("2"));
    assert_eq!(cell.end().code, 0);
}
