//! Namespaces of one's own: where a job could be root, and reach the parts of the kernel that are open to root alone.

use super::{Around, Attempt, Scene, Seen, inside};
use linux_raw_sys::general as raw;
use rustix::process::{Pid, Signal, kill_process};

pub(super) const ALL: &[Attempt] = &[
    inside("unshare_user", "unshare(2) of the user namespace", user, Around::Process),
    inside("unshare_mount", "unshare(2) of the mount namespace", mount, Around::Process),
    inside("unshare_pid", "unshare(2) of the PID namespace", pid, Around::Process),
    inside("unshare_net", "unshare(2) of the network namespace", net, Around::Process),
    inside("unshare_ipc", "unshare(2) of the IPC namespace", ipc, Around::Process),
    inside("unshare_uts", "unshare(2) of the UTS namespace", uts, Around::Process),
    inside("unshare_cgroup", "unshare(2) of the cgroup namespace", cgroup, Around::Process),
    inside("unshare_time", "unshare(2) of the time namespace", time, Around::Process),
    inside("unshare_user_and_mount", "unshare(2) of user and mount namespace at once", both, Around::Process),
    inside("clone_user", "clone(2) with CLONE_NEWUSER", clone_user, Around::Process),
    inside("clone3_user", "clone3(2) with CLONE_NEWUSER", clone3_user, Around::Process),
    inside("setns", "setns(2) into the network namespace that one is in", enter_own, Around::Process),
];

/// The kinds of namespaces that every cell has of its own, by their names in `/proc/PID/ns`; the network's is last, since
/// it can be the host's.
pub(super) const KINDS: [&str; 7] = ["cgroup", "ipc", "mnt", "pid", "user", "uts", "net"];

/// Leaves the host's namespaces for new ones: what is done from here on to mounts, network, host name and queues ends
/// with this process. The mounts are still to be made private. The cgroup namespace is among them since a mount of cgroup2
/// from the first one sets the options of all mounts of it, `nsdelegate` too (cgroup-v2.rst, "Mounting").
pub(super) fn leave_host() -> rustix::io::Result<()> {
    let all = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC | libc::CLONE_NEWCGROUP;
    // SAFETY: numbers only; no memory and no descriptor is unshared, and the process has one thread.
    if unsafe { libc::unshare(all) } == -1 {
        return Err(rustix::io::Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(rustix::io::Errno::IO));
    }
    Ok(())
}

/// A namespace is this attempt's own and ends with it.
fn unshare(flags: libc::c_int) -> Seen {
    // SAFETY: numbers only; the process has one thread.
    Seen::of(unsafe { libc::unshare(flags) }.into())
}

fn user(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWUSER)
}

fn mount(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWNS)
}

fn pid(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWPID)
}

fn net(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWNET)
}

fn ipc(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWIPC)
}

fn uts(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWUTS)
}

fn cgroup(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWCGROUP)
}

fn time(_: &Scene) -> Seen {
    unshare(raw::CLONE_NEWTIME as libc::c_int)
}

fn both(_: &Scene) -> Seen {
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)
}

/// The plain call, whose flags a filter can see.
fn clone_user(_: &Scene) -> Seen {
    let flags = libc::c_long::from(libc::CLONE_NEWUSER | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and with no stack of its own the child is a copy, as after fork(2). All other arguments are
    // zero, so their order, which is not the same on every architecture, does not matter.
    child(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })
}

/// The newer call, whose flags a filter cannot see.
fn clone3_user(_: &Scene) -> Seen {
    // SAFETY: all zeros are a valid `clone_args`: plain numbers.
    let mut arguments: raw::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = libc::CLONE_NEWUSER as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    // SAFETY: `arguments` is of the size given and outlives the call; the child is a copy, as after fork(2).
    child(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<raw::clone_args>()) })
}

/// A child that was made only ends; its parent says so.
fn child(pid: libc::c_long) -> Seen {
    if pid == 0 {
        init_shim::sys::exit_now(0);
    }
    let seen = Seen::of(pid);
    if let Some(pid) = i32::try_from(pid).ok().filter(|pid| *pid > 0).and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    seen
}

fn enter_own(_: &Scene) -> Seen {
    use std::os::fd::AsRawFd;
    match std::fs::File::open("/proc/self/ns/net") {
        // SAFETY: numbers only.
        Ok(own) => Seen::of(unsafe { libc::setns(own.as_raw_fd(), libc::CLONE_NEWNET) }.into()),
        Err(error) => Seen::of_error(&error),
    }
}
