//! PURE: the system call filter of a job that may write to the host's files.
//!
//! What such a job writes belongs to the directory's owner, who may be root. A set-user-id file made there would run with
//! the owner's rights for whoever starts it outside of the cell. So no call may set those two bits. seccomp(2).

use init_shim::wire::{Entry, Instruction, RootFs};
use linux_raw_sys::general as nr;

/// S_ISUID and S_ISGID.
const SET_ID_BITS: u32 = 0o6000;
/// O_CREAT, and the bit of O_TMPFILE that is not O_DIRECTORY: only with these does open(2) look at its mode.
const CREATES: u32 = 0o100 | 0o20_000_000;
/// The bit by which x86-64 marks the calls of its x32 variant, which would have other numbers.
#[cfg(target_arch = "x86_64")]
const X32_BIT: u32 = 0x4000_0000;

/// AUDIT_ARCH_X86_64 of linux/audit.h.
#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e;
/// AUDIT_ARCH_AARCH64 of linux/audit.h.
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7;

// Offsets in `struct seccomp_data` (seccomp(2)); arguments are compared on their low half, little endian.
const NR: u32 = 0;
const ARCH_AT: u32 = 4;
const fn arg(index: u32) -> u32 {
    16 + 8 * index
}

// Results (seccomp(2)).
const ALLOW: u32 = 0x7fff_0000;
const KILL_PROCESS: u32 = 0x8000_0000;
const EPERM: u32 = 0x0005_0000 | 1;
const ENOSYS: u32 = 0x0005_0000 | 38;

/// A call that takes mode bits: its number, the argument that has them, and the flags that decide whether it looks.
struct Maker {
    call: u32,
    mode: u32,
    flags: Option<u32>,
}

/// Every call of this architecture that can set a mode.
fn makers() -> Vec<Maker> {
    let mut all = vec![
        Maker { call: nr::__NR_fchmod, mode: 1, flags: None },
        Maker { call: nr::__NR_fchmodat, mode: 2, flags: None },
        Maker { call: nr::__NR_fchmodat2, mode: 2, flags: None },
        Maker { call: nr::__NR_mknodat, mode: 2, flags: None },
        Maker { call: nr::__NR_openat, mode: 3, flags: Some(2) },
    ];
    #[cfg(target_arch = "x86_64")]
    all.extend([
        Maker { call: nr::__NR_chmod, mode: 1, flags: None },
        Maker { call: nr::__NR_mknod, mode: 1, flags: None },
        Maker { call: nr::__NR_creat, mode: 1, flags: None },
        Maker { call: nr::__NR_open, mode: 2, flags: Some(1) },
    ]);
    all
}

/// The filter for a job with these mounts; empty when it can write to nothing of the host's.
pub fn of(entries: &[Entry], root: &RootFs) -> Vec<Instruction> {
    let tree = matches!(root, RootFs::Tree(source) if source.writable);
    if !tree && !entries.iter().any(|entry| entry.what.source().is_some_and(|source| source.writable)) {
        return Vec::new();
    }
    let mut program = vec![load(ARCH_AT), jump_equal(ARCH, 1, 0), ret(KILL_PROCESS), load(NR)];
    #[cfg(target_arch = "x86_64")]
    program.extend([jump_at_least(X32_BIT, 0, 1), ret(KILL_PROCESS)]);
    // Their modes lie in memory, where a filter cannot look; all programs fall back to the calls above (openat2(2)).
    for call in [nr::__NR_openat2, nr::__NR_io_uring_setup] {
        program.extend([jump_equal(call, 0, 1), ret(ENOSYS)]);
    }
    for maker in makers() {
        program.extend(refuse_set_id(&maker));
    }
    program.push(ret(ALLOW));
    program
}

/// Refuses this call when its mode has a set-id bit; goes on to the next instruction for every other call.
fn refuse_set_id(maker: &Maker) -> Vec<Instruction> {
    let mut body = Vec::new();
    if let Some(flags) = maker.flags {
        body.extend([load(arg(flags)), jump_any(CREATES, 1, 0), ret(ALLOW)]);
    }
    body.extend([load(arg(maker.mode)), jump_any(SET_ID_BITS, 0, 1), ret(EPERM), ret(ALLOW)]);
    // A body has at most seven instructions, so its length fits a jump.
    let mut all = vec![jump_equal(maker.call, 0, body.len() as u8)];
    all.append(&mut body);
    all
}

/// BPF_LD | BPF_W | BPF_ABS.
fn load(offset: u32) -> Instruction {
    Instruction { code: 0x20, jt: 0, jf: 0, k: offset }
}

/// BPF_JMP | BPF_JEQ | BPF_K.
fn jump_equal(k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: 0x15, jt, jf, k }
}

/// BPF_JMP | BPF_JGE | BPF_K.
#[cfg(target_arch = "x86_64")]
fn jump_at_least(k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: 0x35, jt, jf, k }
}

/// BPF_JMP | BPF_JSET | BPF_K.
fn jump_any(k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: 0x45, jt, jf, k }
}

/// BPF_RET | BPF_K.
fn ret(k: u32) -> Instruction {
    Instruction { code: 0x06, jt: 0, jf: 0, k }
}
