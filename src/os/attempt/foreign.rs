//! System calls by another door of the same kernel: a filter that looks at numbers alone is passed by there.

use super::{Around, Attempt, Scene, Seen, inside};

pub(super) const ALL: &[Attempt] = &[
    inside("x32_call", "getpid by its x32 number", x32, Around::Process),
    inside("int80_call", "getpid by int 0x80, as a 32-bit program", int80, Around::Process),
];

/// syscall(2): x86-64 marks the calls of its x32 variant by this bit.
#[cfg(target_arch = "x86_64")]
fn x32(_: &Scene) -> Seen {
    const X32_BIT: libc::c_long = 0x4000_0000;
    // SAFETY: takes nothing and touches nothing, by whatever number it is known.
    Seen::of(unsafe { libc::syscall(libc::SYS_getpid | X32_BIT) })
}

/// The 32-bit table's number of getpid, by the 32-bit way in.
#[cfg(target_arch = "x86_64")]
fn int80(_: &Scene) -> Seen {
    /// __NR_getpid of asm/unistd_32.h.
    const GETPID: u64 = 20;
    let answer: u64;
    // SAFETY: the call takes nothing and touches nothing; of the registers only rax and r8 to r11 are changed. A kernel
    // without that door ends this process with SIGSEGV, which is this attempt's own.
    unsafe {
        std::arch::asm!(
            "int 0x80",
            inout("rax") GETPID => answer,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    // Small negative numbers are errors, and the answer has 32 bits.
    match answer as i32 {
        error @ -4095..0 => Seen::Refused(-error),
        pid => Seen::Allowed(format!("it returned {pid}")),
    }
}

/// Other architectures have one door.
#[cfg(not(target_arch = "x86_64"))]
fn x32(_: &Scene) -> Seen {
    Seen::Absent("this architecture has no such numbers".to_owned())
}

/// As above.
#[cfg(not(target_arch = "x86_64"))]
fn int80(_: &Scene) -> Seen {
    Seen::Absent("this architecture has no such instruction".to_owned())
}
