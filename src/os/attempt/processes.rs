//! Other processes: the cell's first one, and those of the host.

use super::{Around, Attempt, Scene, Seen, inside};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

pub(super) const ALL: &[Attempt] = &[
    inside("signal_first", "kill(2) of the cell's PID 1, with signal 0", signal_first, Around::Process),
    inside("seize_first", "ptrace(2) of the cell's PID 1: PTRACE_SEIZE", seize_first, Around::Process),
    inside("read_first", "process_vm_readv(2) of the cell's PID 1", read_first, Around::Process),
    inside("take_from_first", "pidfd_getfd(2) of a descriptor of the cell's PID 1", take_from_first, Around::Process),
    inside("limit_first", "prlimit(2) of the cell's PID 1", limit_first, Around::Process),
    inside("see_first", "stat(2) of /proc/1", see_first, Around::Process),
    inside(
        "signal_host",
        "kill(2) of a process of the host by its id there, with signal 0",
        signal_host,
        Around::Process,
    ),
    inside("trace_child", "ptrace(2) of a child of one's own: PTRACE_SEIZE", trace_child, Around::Process),
    inside("read_child", "process_vm_readv(2) of a child of one's own", read_child, Around::Process),
];

fn signal_first(scene: &Scene) -> Seen {
    test(scene.first)
}

fn signal_host(scene: &Scene) -> Seen {
    test(scene.host_pid)
}

/// kill(2) with signal 0: only the question.
fn test(pid: i32) -> Seen {
    match Pid::from_raw(pid) {
        Some(pid) => Seen::of_call(test_kill_process(pid), "it may be signalled"),
        None => Seen::Unclear("there is no such id".to_owned()),
    }
}

fn seize_first(scene: &Scene) -> Seen {
    seize(scene.first)
}

/// The tracer is the process of this attempt alone; when it ends, the other goes on.
fn seize(pid: i32) -> Seen {
    // SAFETY: with PTRACE_SEIZE address and data are numbers.
    Seen::of(unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) })
}

fn read_first(scene: &Scene) -> Seen {
    peek(scene.first)
}

/// One byte of this program's own code, which the other has at the same address where it is a fork of us; the first
/// process of a cell is one of the supervisor. EFAULT is an answer of memory, not of privilege.
fn peek(pid: i32) -> Seen {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: peek as *mut libc::c_void, iov_len: 1 };
    // SAFETY: the kernel writes one byte to `byte`, which outlives the call; the other address is the other process's.
    let read = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    Seen::past(read as libc::c_long, &[libc::EFAULT])
}

fn take_from_first(scene: &Scene) -> Seen {
    // SAFETY: numbers only.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, scene.first, 0) };
    if pidfd == -1 {
        return Seen::of_errno();
    }
    // SAFETY: numbers only; both descriptors go with this process.
    let taken = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, 0, 0) };
    // The first process of a cell has no descriptor 0, and who may take is told of that.
    Seen::past(taken, &[libc::EBADF])
}

fn limit_first(scene: &Scene) -> Seen {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes to `limit`, which outlives the call; nothing is set.
    Seen::of(unsafe { libc::prlimit(scene.first, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit) }.into())
}

/// Outside, `/proc/1` is the host's.
fn see_first(_: &Scene) -> Seen {
    Seen::of_call(rustix::fs::stat("/proc/1"), "it is there")
}

fn trace_child(_: &Scene) -> Seen {
    with_child(seize)
}

fn read_child(_: &Scene) -> Seen {
    with_child(peek)
}

/// What can be done to a child that only waits. It ends with the attempt.
fn with_child(deed: impl Fn(i32) -> Seen) -> Seen {
    match init_shim::sys::fork() {
        Err(errno) => Seen::Unclear(format!("no child: {errno}")),
        Ok(init_shim::sys::Side::Child) => init_shim::sys::sleep_until_killed(),
        Ok(init_shim::sys::Side::Parent(pid)) => {
            let seen = deed(pid);
            if let Some(pid) = Pid::from_raw(pid) {
                // Our own child, not waited for.
                let _ = kill_process(pid, Signal::KILL);
            }
            seen
        }
    }
}
