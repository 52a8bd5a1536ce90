//! Parts of the kernel that have no owner to ask: each is large, and was the way in before.

use super::{Around, Attempt, Scene, Seen, inside};
use std::ptr::{null, null_mut};

pub(super) const ALL: &[Attempt] = &[
    inside("io_uring", "io_uring_setup(2)", io_uring, Around::Process),
    inside("bpf", "bpf(2): BPF_MAP_CREATE", bpf, Around::Process),
    inside("perf", "perf_event_open(2) of one's own clock", perf, Around::Process),
    inside("userfaultfd", "userfaultfd(2) for user mode only", userfaultfd, Around::Process),
    inside("fanotify", "fanotify_init(2)", fanotify, Around::Process),
    inside("personality", "personality(2): no random addresses", personality, Around::Process),
    inside("lock_memory", "mlock(2) of 64 MiB", lock_memory, Around::Process),
    inside("compare_processes", "kcmp(2) of oneself with oneself", compare, Around::Process),
    inside("move_pages", "move_pages(2) of none of one's own pages", move_pages, Around::Process),
];

fn io_uring(_: &Scene) -> Seen {
    /// sizeof(struct io_uring_params).
    const PARAMETERS: usize = 120;
    let mut parameters = [0_u64; PARAMETERS / 8];
    // SAFETY: the kernel reads and writes the structure, which has this size and outlives the call.
    Seen::of(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
}

fn bpf(_: &Scene) -> Seen {
    /// BPF_MAP_CREATE and BPF_MAP_TYPE_ARRAY of linux/bpf.h.
    const MAP_CREATE: libc::c_long = 0;
    const ARRAY: u32 = 2;
    // The type, bytes of a key, bytes of a value, entries, flags.
    let attributes = [ARRAY, 4, 4, 1, 0];
    // SAFETY: the kernel reads the attributes, which have the size given and outlive the call.
    Seen::of(unsafe { libc::syscall(libc::SYS_bpf, MAP_CREATE, attributes.as_ptr(), size_of_val(&attributes)) })
}

fn perf(_: &Scene) -> Seen {
    /// PERF_TYPE_SOFTWARE, PERF_ATTR_SIZE_VER0, and exclude_kernel with exclude_hv, of linux/perf_event.h.
    const SOFTWARE: u64 = 1;
    const SIZE: u64 = 64;
    const USER_ONLY: u64 = 1 << 5 | 1 << 6;
    // Type and size share the first word; the sixth has the flags.
    let attributes = [SOFTWARE | SIZE << 32, 0, 0, 0, 0, USER_ONLY, 0, 0];
    // SAFETY: the kernel reads 64 bytes, which is what the array has; 0 is this process, the last two are none.
    Seen::of(unsafe { libc::syscall(libc::SYS_perf_event_open, attributes.as_ptr(), 0, -1, -1, 0) })
}

fn userfaultfd(_: &Scene) -> Seen {
    /// UFFD_USER_MODE_ONLY of linux/userfaultfd.h: what needs no privilege (kernel 5.11).
    const USER_MODE_ONLY: libc::c_int = 1;
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::syscall(libc::SYS_userfaultfd, USER_MODE_ONLY | libc::O_CLOEXEC) })
}

/// FAN_REPORT_FID: the class that needs no privilege (kernel 5.13).
fn fanotify(_: &Scene) -> Seen {
    const REPORT_FID: libc::c_uint = 0x200;
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::syscall(libc::SYS_fanotify_init, REPORT_FID, libc::O_RDONLY) })
}

/// Of this process alone.
fn personality(_: &Scene) -> Seen {
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) }.into())
}

/// More than any cell may lock unless it was asked for; nothing is read or written, so no page is made before the answer.
fn lock_memory(_: &Scene) -> Seen {
    const BYTES: usize = 64 << 20;
    // SAFETY: a mapping of our own at a place of the kernel's choice; it goes with the process.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let place = libc::mmap(null_mut(), BYTES, libc::PROT_READ, flags, -1, 0);
        if place == libc::MAP_FAILED {
            return Seen::of_errno();
        }
        Seen::of(libc::mlock(place, BYTES).into())
    }
}

fn compare(_: &Scene) -> Seen {
    /// KCMP_VM of linux/kcmp.h.
    const MEMORY: libc::c_int = 1;
    let own = rustix::process::getpid().as_raw_pid();
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::syscall(libc::SYS_kcmp, own, own, MEMORY, 0, 0) })
}

fn move_pages(_: &Scene) -> Seen {
    // SAFETY: no page is named, so nothing is read; 0 is this process.
    Seen::of(unsafe {
        libc::syscall(libc::SYS_move_pages, 0, 0, null::<u8>(), null::<libc::c_int>(), null_mut::<libc::c_int>(), 0)
    })
}
