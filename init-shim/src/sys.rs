//! The only unsafe code of this crate: the few system calls that no crate wraps safely.
//!
//! All of it runs in a process with one thread: the keeper, or what was forked from it. So a fork copies no held lock,
//! and a change of ids, masks or descriptors reaches the whole process.

use crate::report::{How, Used};
use crate::wire::Instruction;
use linux_raw_sys::general as raw;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use rustix::io::{Errno, Result};
use std::ffi::CStr;
use std::os::fd::RawFd;

pub mod exec;
pub mod landlock;

/// The result of a raw call as a value or an errno.
fn checked(result: libc::c_long) -> Result<libc::c_long> {
    if result == -1 {
        return Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO));
    }
    Ok(result)
}

/// Which side of a clone or fork this is.
pub enum Side<T> {
    /// The new process.
    Child,
    /// The caller, with what it knows of the child.
    Parent(T),
}

/// What the parent of a clone knows of the child.
pub struct Born {
    /// Its process id in the caller's namespace.
    pub pid: i32,
    /// Its identity.
    pub pidfd: OwnedFd,
}

/// clone3(2) as a fork: new namespaces, and straight into a cgroup where one is given (kernel 5.7).
///
/// # Errors
/// As clone3(2): EAGAIN at pids.max, EBUSY for a cgroup with controllers enabled below it, EPERM without privilege.
pub fn clone_into(namespaces: u64, cgroup: Option<BorrowedFd<'_>>) -> Result<Side<Born>> {
    let mut pidfd: RawFd = -1;
    let into = if cgroup.is_some() { raw::CLONE_INTO_CGROUP } else { 0 };
    let args = raw::clone_args {
        // CLONE_CLEAR_SIGHAND: no handler of the embedding program may run in the child.
        flags: namespaces | u64::from(raw::CLONE_PIDFD) | raw::CLONE_CLEAR_SIGHAND | into,
        pidfd: &raw mut pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: no CLONE_VM, so the child has its own copy of all memory, as after fork(2); `args` is of the size given
    // and `pidfd` outlives the call. The process has one thread, so the copy holds no lock of another's.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<raw::clone_args>()) };
    match checked(result)? {
        0 => Ok(Side::Child),
        // SAFETY: with CLONE_PIDFD the kernel has stored a new descriptor there that nobody else owns.
        pid => Ok(Side::Parent(Born { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })),
    }
}

/// fork(2).
///
/// # Errors
/// EAGAIN at pids.max, ENOMEM.
pub fn fork() -> Result<Side<i32>> {
    // SAFETY: the process has one thread, so all of the library may be used in the child.
    match checked(unsafe { libc::fork() }.into())? {
        0 => Ok(Side::Child),
        pid => Ok(Side::Parent(pid as i32)),
    }
}

/// What [`mount_setattr`] sets.
#[derive(Debug, Default, Clone, Copy)]
pub struct MountAttributes<'fd> {
    /// MOUNT_ATTR_* to set.
    pub set: u32,
    /// The user namespace of an id-mapped mount.
    pub userns: Option<BorrowedFd<'fd>>,
}

/// mount_setattr(2) on the mount behind a descriptor (kernel 5.12); the mount becomes private in the same call.
///
/// # Errors
/// EINVAL where the file system cannot be id-mapped, EPERM for a locked flag.
pub fn mount_setattr(mount: impl AsFd, attributes: MountAttributes<'_>) -> Result<()> {
    let idmap = if attributes.userns.is_some() { raw::MOUNT_ATTR_IDMAP } else { 0 };
    let attr = raw::mount_attr {
        attr_set: u64::from(attributes.set | idmap),
        attr_clr: 0,
        propagation: libc::MS_PRIVATE,
        userns_fd: attributes.userns.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: the path is a valid C string, `attr` is of the size given, both outlive the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<raw::mount_attr>(),
        )
    };
    checked(result).map(drop)
}

/// close_range(2) of everything from 3 up but the descriptors given (kernel 5.9).
///
/// Only for a process that never returns to code that owns one of the closed descriptors.
///
/// # Errors
/// As close_range(2), which knows none for valid arguments.
pub fn close_all_but(keep: &[BorrowedFd<'_>]) -> Result<()> {
    let mut kept: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).filter(|fd| *fd > 2).collect();
    kept.sort_unstable();
    let mut from = 3;
    for fd in kept {
        if fd > from {
            close_range(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close_range(from, u32::MAX)
}

/// One gap between descriptors that are kept.
fn close_range(first: u32, last: u32) -> Result<()> {
    // SAFETY: closes descriptors that the callers of `close_all_but` have promised never to use again.
    checked(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) }).map(drop)
}

/// keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL): a new, anonymous session keyring. A kernel without keyrings has none to share.
///
/// # Errors
/// As keyctl(2): EDQUOT, ENOMEM.
pub fn join_new_keyring() -> Result<()> {
    // SAFETY: the call takes a null name and touches no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0) };
    match checked(result) {
        Err(Errno::NOSYS) => Ok(()),
        other => other.map(drop),
    }
}

/// SIOCSIFFLAGS: marks an interface as up.
///
/// # Errors
/// EPERM without CAP_NET_ADMIN over the network namespace, ENODEV.
pub fn interface_up(socket: impl AsFd, name: &CStr) -> Result<()> {
    // SAFETY: all zero is a valid `ifreq`: an array of characters and a union of plain data.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.to_bytes_with_nul()) {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is of the type that SIOCSIFFLAGS reads, and outlives the call.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    checked(result.into()).map(drop)
}

/// seccomp(SECCOMP_SET_MODE_FILTER). The kernel checks the program; no_new_privs must be set.
///
/// # Errors
/// EINVAL for a program that the kernel refuses, EACCES without no_new_privs.
pub fn install_filter(program: &[Instruction]) -> Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    // `Instruction` has the layout of `sock_filter`: the same four fields in the same order, both repr(C).
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut().cast() };
    // SAFETY: the kernel only reads `length` instructions from a slice that outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) };
    checked(result).map(drop)
}

/// Every signal back to its default action. A caller's SIG_IGN survives exec: the job must not inherit it. By the raw call,
/// since the C library keeps 32 and 33 for itself and would leave them as a caller had them.
pub fn reset_signals() {
    /// Bytes of the kernel's set of signals.
    const SET: usize = 8;
    // The kernel's `struct sigaction` begins with the action, 0 is SIG_DFL; with its flags, restorer and mask it is no longer.
    let default = [0_u64; 4];
    for signal in 1..=64 {
        // SAFETY: sets SIG_DFL, which runs no code of ours; the structure outlives the call. SIGKILL and SIGSTOP are refused,
        // and have no other action anyway.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null::<u8>(), SET) };
    }
}

/// SIGCHLD ignored: children are reaped by the kernel, a pidfd still tells their end.
pub fn ignore_children() {
    // SAFETY: SIG_IGN runs no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
}

/// kill(2) with any signal, real-time ones included. Only for PID 1 of a cell, whose ids are its own children's.
pub fn signal(pid: i32, signal: u8) {
    // SAFETY: takes two numbers. An error means that the process has ended or the signal does not exist: nothing is left
    // to do in either case.
    unsafe { libc::kill(pid, i32::from(signal)) };
}

/// wait4(2) for this child (-1: any) if it has ended, without waiting: its id, its end, and what it and the descendants that were
/// reaped below it used. `None` when all that are left still run.
///
/// # Errors
/// ECHILD when there is none.
pub fn reap(whom: i32) -> Result<Option<(i32, How, Used)>> {
    // SAFETY: all zero is a valid `rusage`: numbers only.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let mut status = 0;
    // SAFETY: both outlive the call, which writes a value of its type into each.
    let pid = unsafe { libc::wait4(whom, &raw mut status, libc::WNOHANG, &raw mut usage) };
    let number = |value: libc::c_long| u64::try_from(value).unwrap_or(0);
    let used = Used {
        max_rss_kib: number(usage.ru_maxrss),
        switches_voluntary: number(usage.ru_nvcsw),
        switches_forced: number(usage.ru_nivcsw),
    };
    match checked(pid.into())? {
        0 => Ok(None),
        pid => Ok(Some((pid as i32, how(status), used))),
    }
}

/// wait(2)'s status as ours.
fn how(status: libc::c_int) -> How {
    if libc::WIFSIGNALED(status) {
        How::Killed { signal: libc::WTERMSIG(status) as u8, core: libc::WCOREDUMP(status) }
    } else {
        How::Exited(libc::WEXITSTATUS(status) as u8)
    }
}

/// SIGCHLD as it is by default: children wait to be reaped.
pub fn notice_children() {
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// unshare(2) of the cgroup namespace.
///
/// # Errors
/// EPERM without CAP_SYS_ADMIN over the user namespace.
pub fn unshare_cgroup() -> Result<()> {
    // SAFETY: takes a number; with this flag nothing of memory or descriptors is unshared.
    checked(unsafe { libc::unshare(libc::CLONE_NEWCGROUP) }.into()).map(drop)
}

/// The caller's scheduling is not the job's: SCHED_FIFO is not held back by `cpu.max`, a negative nice value takes from
/// others, and a personality switches off the random placement of memory. sched(7), setpriority(2), ioprio_set(2),
/// personality(2). A nice value that gives way to others stays.
///
/// # Errors
/// As sched_setscheduler(2), which lowers without privilege.
pub fn reset_scheduling() -> Result<()> {
    /// IOPRIO_WHO_PROCESS of linux/ioprio.h.
    const ONE_PROCESS: libc::c_int = 1;
    let none = libc::sched_param { sched_priority: 0 };
    // SAFETY: `none` outlives the call; 0 is this process.
    checked(unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const none) }.into())?;
    // SAFETY: these three take numbers only. -1 of getpriority is also a nice value; taken as one, it is set to 0.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) < 0 {
            checked(libc::setpriority(libc::PRIO_PROCESS, 0, 0).into())?;
        }
        // No class of its own: disk priority follows the nice value.
        checked(libc::syscall(libc::SYS_ioprio_set, ONE_PROCESS, 0, 0))?;
        checked(libc::personality(0).into())?;
    }
    Ok(())
}

/// _exit(2): ends the process at once, with no handler and no buffer of the program it was forked from.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(code) }
}

/// pause(2) until a signal ends the process.
pub fn sleep_until_killed() -> ! {
    loop {
        // SAFETY: takes nothing, touches nothing.
        unsafe { libc::pause() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_that_puts_a_child_into_its_cgroup_is_not_zero() {
        assert_ne!(raw::CLONE_INTO_CGROUP, 0);
        assert_eq!(raw::CLONE_INTO_CGROUP, 0x2_0000_0000);
    }

    #[test]
    fn an_instruction_has_the_layout_of_the_kernels() {
        assert_eq!(size_of::<Instruction>(), size_of::<libc::sock_filter>());
        assert_eq!(align_of::<Instruction>(), align_of::<libc::sock_filter>());
    }
}
