//! System calls that no job needs and that have broken kernels and sandboxes.

use crate::path;
use integration::answer::{last_errno, say};
use std::mem::{size_of, zeroed};
use std::ptr::null;

/// Number and name of a call that is made with zeros: whoever may call it gets another error than EPERM, or none.
const WITH_ZEROS: [(libc::c_long, &str); 20] = [
    (libc::SYS_bpf, "bpf"),
    (libc::SYS_perf_event_open, "perf_event_open"),
    (libc::SYS_io_uring_setup, "io_uring_setup"),
    (libc::SYS_io_uring_enter, "io_uring_enter"),
    (libc::SYS_io_uring_register, "io_uring_register"),
    (libc::SYS_keyctl, "keyctl"),
    (libc::SYS_add_key, "add_key"),
    (libc::SYS_request_key, "request_key"),
    (libc::SYS_kexec_load, "kexec_load"),
    (libc::SYS_init_module, "init_module"),
    (libc::SYS_finit_module, "finit_module"),
    (libc::SYS_delete_module, "delete_module"),
    (libc::SYS_process_vm_readv, "process_vm_readv"),
    (libc::SYS_process_vm_writev, "process_vm_writev"),
    (libc::SYS_open_by_handle_at, "open_by_handle_at"),
    (libc::SYS_fanotify_init, "fanotify_init"),
    (libc::SYS_swapon, "swapon"),
    (libc::SYS_quotactl, "quotactl"),
    (libc::SYS_acct, "acct"),
    (libc::SYS_mount_setattr, "mount_setattr"),
];

/// The calls of the catalogue, one after the other.
pub fn calls() {
    for (number, name) in WITH_ZEROS {
        // SAFETY: null pointers and zeros: the kernel copies nothing; `acct(NULL)` turns off what is off.
        say(name, unsafe { libc::syscall(number, 0, 0, 0, 0, 0, 0) });
    }
    // SAFETY: numbers, and buffers that outlive the calls.
    unsafe {
        say("userfaultfd", libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC));
        say("syslog", libc::klogctl(3, [0; 16].as_mut_ptr(), 16).into());
        say("ptrace", libc::ptrace(libc::PTRACE_SEIZE, libc::getppid(), 0, 0));
        say("kcmp", libc::syscall(libc::SYS_kcmp, libc::getpid(), libc::getpid(), 0, 0, 1));
        // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK of this process: what profilers ask for.
        let mut attributes = [0_u32; 32];
        (attributes[0], attributes[1]) = (1, 128);
        say("perf-self", libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0));
        let name = path("ironcell");
        say("memfd_secret", libc::syscall(libc::SYS_memfd_secret, 0));
        let place = name.as_ptr();
        say("join-keyring", libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, place));
        say("personality", libc::personality(libc::ADDR_COMPAT_LAYOUT as libc::c_ulong).into());
    }
}

/// Ways to more privilege.
pub fn raise() {
    // SAFETY: plain data of the sizes that the kernel expects; it is only read.
    unsafe {
        for capability in [0_u64, 12, 21] {
            let raised = libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0);
            say(&format!("ambient-{capability}"), raised.into());
        }
        // _LINUX_CAPABILITY_VERSION_3, this process; all in effective, permitted and inheritable.
        let header = [0x2008_0522_u32, 0];
        say("capset", libc::syscall(libc::SYS_capset, header.as_ptr(), [u32::MAX; 6].as_ptr()));
        say("securebits", libc::prctl(libc::PR_SET_SECUREBITS, 0).into());
        say("no-new-privs-off", libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0).into());
        say("setuid-0", libc::setresuid(0, 0, 0).into());
        say("setgid-0", libc::setresgid(0, 0, 0).into());
        say("mm-exe", libc::prctl(libc::PR_SET_MM, libc::PR_SET_MM_EXE_FILE, 0, 0, 0).into());
        say("mm-start", libc::prctl(libc::PR_SET_MM, libc::PR_SET_MM_START_BRK, 4096, 0, 0).into());
        let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        say("core-limit", libc::setrlimit(libc::RLIMIT_CORE, &raw const limit).into());
        say("nice", libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, -10));
        say("realtime", libc::syscall(libc::SYS_ioprio_set, 1, 0, 1 << 13));
        let parameters: libc::sched_param = libc::sched_param { sched_priority: 1 };
        say("fifo", libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters).into());
    }
}

/// What a child of one call says: how it answered, or the signal that it died of.
fn in_child(name: &str, call: impl Fn() -> libc::c_long) {
    // SAFETY: one thread; the child makes one call and ends.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let answer = call();
            say(name, answer);
            libc::_exit(0);
        }
        let mut status = 0;
        libc::waitpid(child, &raw mut status, 0);
        if libc::WIFSIGNALED(status) {
            println!("{name} signal{}", libc::WTERMSIG(status));
        }
    }
}

/// Calls by other architectures' numbers: a filter that knows only its own would let them pass.
pub fn foreign() {
    // SAFETY: getpid takes nothing. 0x40000000 is the bit of the x32 ABI.
    in_child("x32", || unsafe { libc::syscall(0x4000_0000 + 39) });
    #[cfg(target_arch = "x86_64")]
    in_child("int80", || {
        let answer: i32;
        // SAFETY: 20 is getpid for i386; it takes nothing and changes eax alone, beside what the kernel clobbers.
        unsafe {
            std::arch::asm!("int 0x80", inout("eax") 20 => answer, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        if answer < 0 { -1 } else { answer.into() }
    });
    in_child("native", || libc::c_long::from(std::process::id()));
    // clone3's arguments lie in memory, where no filter can look: it is to answer as a kernel without it would.
    in_child("clone3-plain", || {
        // SAFETY: plain data of the size given; a child ends at once.
        unsafe {
            let mut arguments: libc::clone_args = zeroed();
            arguments.exit_signal = libc::SIGCHLD as u64;
            let child = libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>());
            if child == 0 {
                libc::_exit(0);
            }
            child
        }
    });
    // A number that no kernel knows yet.
    // SAFETY: there is no such call.
    if unsafe { libc::syscall(4000, null::<u8>()) } == -1 {
        println!("unknown {}", last_errno());
    }
}
