//! Privilege: calls that only root makes. Those that would change the host are made with arguments that the kernel refuses
//! after it has looked for the privilege, so that the control is harmless, too.

use super::{Around, Attempt, Scene, Seen, inside};
use std::ptr::null;

pub(super) const ALL: &[Attempt] = &[
    inside("another_user", "setresuid(2) to another id", another_user, Around::Process),
    inside("another_group", "setgroups(2) with group 0", another_group, Around::Process),
    inside("unlock_secure_bits", "prctl(2) PR_SET_SECUREBITS: none", unlock, Around::Process),
    inside("raise_capabilities", "prctl(2) PR_CAP_AMBIENT: raise CAP_NET_ADMIN", raise, Around::Process),
    inside("set_host_name", "sethostname(2)", set_host_name, Around::Namespaces),
    inside("real_time", "sched_setscheduler(2): SCHED_FIFO", real_time, Around::Process),
    inside("priority", "setpriority(2): nice -5", priority, Around::Process),
    inside("load_module", "init_module(2) of nothing", load_module, Around::Process),
    inside("unload_module", "delete_module(2) of a module that does not exist", unload_module, Around::Process),
    inside("kexec", "kexec_load(2) of more segments than there can be", kexec, Around::Process),
    inside("reboot", "reboot(2) with wrong magic numbers", reboot, Around::Process),
    inside("swap", "swapon(2) of a file that does not exist", swap, Around::Process),
    inside("accounting", "acct(2) to a file that does not exist", accounting, Around::Process),
    inside("clock", "settimeofday(2) of nothing", clock, Around::Process),
    inside("kernel_log", "syslog(2): read the kernel's log", kernel_log, Around::Process),
];

/// A number that is nobody's on the host and that every cell maps.
const ANOTHER: libc::uid_t = 4321;

fn another_user(_: &Scene) -> Seen {
    // SAFETY: numbers only; the process is this attempt's own.
    Seen::of(unsafe { libc::setresuid(ANOTHER, ANOTHER, ANOTHER) }.into())
}

fn another_group(_: &Scene) -> Seen {
    // SAFETY: the list has one number and outlives the call.
    Seen::of(unsafe { libc::setgroups(1, [0].as_ptr()) }.into())
}

fn unlock(_: &Scene) -> Seen {
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, 0) }.into())
}

/// CAP_NET_ADMIN of linux/capability.h. Raised in the inheritable set first, as capabilities(7) wants it.
fn raise(_: &Scene) -> Seen {
    const NET_ADMIN: u64 = 1 << 12;
    let sets = rustix::thread::capabilities(None).and_then(|sets| {
        let wanted = rustix::thread::CapabilitySet::from_bits_retain(NET_ADMIN);
        let inheritable = sets.inheritable | wanted;
        rustix::thread::set_capabilities(None, rustix::thread::CapabilitySets { inheritable, ..sets })?;
        rustix::thread::configure_capability_in_ambient_set(wanted, true)
    });
    Seen::of_call(sets, "it is in the ambient set")
}

fn set_host_name(_: &Scene) -> Seen {
    Seen::of_call(rustix::system::sethostname(b"another"), "it is set")
}

fn real_time(_: &Scene) -> Seen {
    let lowest = libc::sched_param { sched_priority: 1 };
    // SAFETY: `lowest` outlives the call; 0 is this process.
    Seen::of(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const lowest) }.into())
}

fn priority(_: &Scene) -> Seen {
    // SAFETY: numbers only; 0 is this process.
    Seen::of(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -5) }.into())
}

fn load_module(_: &Scene) -> Seen {
    // SAFETY: an image of no bytes is refused before anything is read.
    let loaded = unsafe { libc::syscall(libc::SYS_init_module, null::<u8>(), 0, c"".as_ptr()) };
    Seen::past(loaded, &[libc::ENOEXEC, libc::EFAULT, libc::EINVAL])
}

fn unload_module(_: &Scene) -> Seen {
    // SAFETY: a C string that outlives the call.
    let unloaded = unsafe { libc::syscall(libc::SYS_delete_module, c"ironcell_no_such".as_ptr(), libc::O_NONBLOCK) };
    Seen::past(unloaded, &[libc::ENOENT])
}

/// kexec_load(2): 16 segments at most; the number is looked at after the privilege and before the segments.
fn kexec(_: &Scene) -> Seen {
    const TOO_MANY: libc::c_ulong = 17;
    // SAFETY: no segment is read.
    let loaded = unsafe { libc::syscall(libc::SYS_kexec_load, 0, TOO_MANY, null::<u8>(), 0) };
    Seen::past(loaded, &[libc::EINVAL])
}

/// reboot(2): the privilege is looked for before the magic numbers, and without those nothing is done.
fn reboot(_: &Scene) -> Seen {
    // SAFETY: numbers only; both magic numbers are wrong.
    Seen::past(unsafe { libc::syscall(libc::SYS_reboot, 0, 0, 0, null::<u8>()) }, &[libc::EINVAL])
}

fn swap(_: &Scene) -> Seen {
    // SAFETY: a C string that outlives the call.
    Seen::past(unsafe { libc::swapon(c"/ironcell/no/such".as_ptr(), 0) }.into(), &[libc::ENOENT])
}

fn accounting(_: &Scene) -> Seen {
    // SAFETY: a C string that outlives the call; a null pointer would end the host's own accounting.
    Seen::past(unsafe { libc::acct(c"/ironcell/no/such".as_ptr()) }.into(), &[libc::ENOENT])
}

/// Neither time nor zone is given: with the privilege it succeeds and sets nothing.
fn clock(_: &Scene) -> Seen {
    // SAFETY: null pointers are allowed, and nothing is read.
    Seen::of(unsafe { libc::syscall(libc::SYS_settimeofday, null::<u8>(), null::<u8>()) })
}

fn kernel_log(_: &Scene) -> Seen {
    /// SYSLOG_ACTION_READ_ALL of syslog(2).
    const READ_ALL: libc::c_int = 3;
    let mut some = [0_u8; 64];
    // SAFETY: the kernel writes at most as many bytes as the buffer has.
    Seen::of(unsafe { libc::klogctl(READ_ALL, some.as_mut_ptr().cast(), some.len() as libc::c_int) }.into())
}
