//! Which devices a cell may open: a program on its cgroup that says no to all but the few of its own `/dev` (BPF_PROG_TYPE_
//! CGROUP_DEVICE, kernel 4.15). A second wall: a cell has no other node, cannot make one, and mounts without devices.
//!
//! The program is checked by the kernel once, when the supervisor opens; each cell only has it attached, and looked for.

use super::CellCgroup;
use crate::os::{Doing, OsError};
use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Errno;
use std::io;

// bpf(2): commands, and numbers of linux/bpf.h.
const PROG_LOAD: libc::c_long = 5;
const PROG_ATTACH: libc::c_long = 8;
const PROG_QUERY: libc::c_long = 16;
const TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
/// BPF_F_ALLOW_MULTI: programs of the cgroups above stay in force as well, and all must say yes.
const ALLOW_MULTI: u32 = 2;

// `struct bpf_cgroup_dev_ctx`: kind and access in one word, major, minor.
const ACCESS_TYPE: i16 = 0;
const MAJOR: i16 = 4;
const MINOR: i16 = 8;
/// BPF_DEVCG_DEV_CHAR.
const CHARACTER: i32 = 2;
/// BPF_DEVCG_ACC_MKNOD.
const MKNOD: i32 = 1;

/// null, zero, full, random, urandom.
const MEMORY_MINORS: [i32; 5] = [3, 5, 7, 8, 9];
/// tty and ptmx.
const TERMINAL_MINORS: [i32; 2] = [0, 2];
/// Unix98 terminals have eight major numbers (devices.txt).
const PTS_MAJORS: (i32, i32) = (136, 143);

/// One instruction: `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instruction {
    code: u8,
    /// Destination in the low half, source in the high one.
    registers: u8,
    offset: i16,
    value: i32,
}

/// The program, checked by the kernel.
#[derive(Debug)]
pub struct DeviceGuard {
    program: OwnedFd,
}

/// The part of `union bpf_attr` for BPF_PROG_LOAD, up to the first member that is not needed.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// The same for BPF_PROG_ATTACH.
#[repr(C)]
struct Attach {
    cgroup: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// The same for BPF_PROG_QUERY.
#[repr(C)]
#[derive(Default)]
struct Query {
    cgroup: u32,
    kind: u32,
    query_flags: u32,
    attach_flags: u32,
    programs: u64,
    count: u32,
    padding: u32,
}

impl DeviceGuard {
    /// Has the kernel check the program.
    ///
    /// # Errors
    /// EPERM without CAP_BPF or CAP_SYS_ADMIN, EINVAL on a kernel without CONFIG_CGROUP_BPF.
    pub fn load() -> Result<Self, OsError> {
        let program = program();
        let mut attributes = Load {
            kind: TYPE_CGROUP_DEVICE,
            count: program.len() as u32,
            instructions: program.as_ptr() as u64,
            // It calls nothing of the kernel's, so any licence will do.
            licence: c"MIT".as_ptr() as u64,
            log_level: 0,
            log_size: 0,
            log: 0,
            kernel_version: 0,
            flags: 0,
            name: *b"ironcell_device\0",
        };
        let fd = bpf(PROG_LOAD, &mut attributes).map_err(|error| {
            OsError::new(Doing::Make, "the guard of devices (BPF)", error)
                .remedy("the kernel needs CONFIG_CGROUP_BPF, and ironcell CAP_BPF and CAP_NET_ADMIN or CAP_SYS_ADMIN")
        })?;
        // SAFETY: the kernel has made this descriptor, close-on-exec, and nobody else owns it.
        Ok(Self { program: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// Puts it in force for a cell, before any process is in it, and sees that it is.
    ///
    /// # Errors
    /// When the kernel does not attach it, or does not name it afterwards.
    pub fn guard(&self, cell: &CellCgroup) -> Result<(), OsError> {
        #[cfg(feature = "seam")]
        if std::env::var("IRONCELL_LEFT_OUT").is_ok_and(|words| words.split(',').any(|word| word == "devices")) {
            return Ok(());
        }
        let cgroup = &cell.dir;
        let target = cgroup.fd.as_raw_fd() as u32;
        let mut attach = Attach {
            cgroup: target,
            program: self.program.as_raw_fd() as u32,
            kind: ATTACH_CGROUP_DEVICE,
            flags: ALLOW_MULTI,
        };
        let failed = |error| OsError::new(Doing::Write, &*cgroup.path, error).value("the guard of devices (BPF)");
        bpf(PROG_ATTACH, &mut attach).map_err(failed)?;
        match Self::count(&cgroup.fd).map_err(failed)? {
            0 => Err(failed(Errno::NOENT.into())),
            _ => Ok(()),
        }
    }

    /// How many programs guard the devices of a cgroup, those of the cgroups above it not counted.
    ///
    /// # Errors
    /// As bpf(2).
    pub fn count(cgroup: impl AsFd) -> io::Result<u32> {
        let target = cgroup.as_fd().as_raw_fd() as u32;
        let mut query = Query { cgroup: target, kind: ATTACH_CGROUP_DEVICE, ..Query::default() };
        bpf(PROG_QUERY, &mut query)?;
        Ok(query.count)
    }
}

/// bpf(2).
fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<i32> {
    // SAFETY: each caller gives the attributes of its command, in the layout and size of linux/bpf.h; they, and all that
    // they point to, outlive the call, and the kernel writes into nothing but them.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<T>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
}

// Operations of linux/bpf.h, each with its operands.
const LOAD_WORD: u8 = 0x61;
const SET: u8 = 0xb7;
const SET_REGISTER: u8 = 0xbf;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_EQUAL: u8 = 0x15;
const JUMP_NOT_EQUAL: u8 = 0x55;
const JUMP_ANY: u8 = 0x45;
const JUMP_ABOVE: u8 = 0x25;
const JUMP_BELOW: u8 = 0xa5;
const JUMP: u8 = 0x05;
const EXIT: u8 = 0x95;

// Registers: the answer, the context, and what was read of it.
const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const NUMBER: u8 = 4;
const LOWER: u8 = 5;

/// Where a jump goes; counted when all is written.
const REFUSE: i16 = i16::MIN;
/// The same for a yes.
const ALLOW: i16 = i16::MAX;

/// The program: only character devices, never a new node, and only these numbers.
fn program() -> Vec<Instruction> {
    let mut all = vec![
        op(LOAD_WORD, KIND, CONTEXT, ACCESS_TYPE, 0),
        op(SET_REGISTER, ACCESS, KIND, 0, 0),
        op(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        op(AND, KIND, 0, 0, 0xffff),
        op(LOAD_WORD, NUMBER, CONTEXT, MAJOR, 0),
        op(LOAD_WORD, LOWER, CONTEXT, MINOR, 0),
        op(JUMP_NOT_EQUAL, KIND, 0, REFUSE, CHARACTER),
        op(JUMP_ANY, ACCESS, 0, REFUSE, MKNOD),
    ];
    for (major, minors) in [(1, &MEMORY_MINORS[..]), (5, &TERMINAL_MINORS[..])] {
        all.push(op(JUMP_NOT_EQUAL, NUMBER, 0, minors.len() as i16 + 1, major));
        all.extend(minors.iter().map(|minor| op(JUMP_EQUAL, LOWER, 0, ALLOW, *minor)));
        all.push(op(JUMP, 0, 0, REFUSE, 0));
    }
    all.extend([
        op(JUMP_BELOW, NUMBER, 0, REFUSE, PTS_MAJORS.0),
        op(JUMP_ABOVE, NUMBER, 0, REFUSE, PTS_MAJORS.1),
        op(SET, ANSWER, 0, 0, 1),
        op(EXIT, 0, 0, 0, 0),
        op(SET, ANSWER, 0, 0, 0),
        op(EXIT, 0, 0, 0, 0),
    ]);
    let (yes, no) = (all.len() - 4, all.len() - 2);
    for (at, instruction) in all.iter_mut().enumerate() {
        match instruction.offset {
            ALLOW => instruction.offset = (yes - at - 1) as i16,
            REFUSE => instruction.offset = (no - at - 1) as i16,
            _ => {}
        }
    }
    all
}

/// One instruction.
fn op(code: u8, destination: u8, source: u8, offset: i16, value: i32) -> Instruction {
    Instruction { code, registers: destination | source << 4, offset, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program on a device, as the kernel would.
    fn allows(kind: u32, access: u32, major: u32, minor: u32) -> bool {
        let program = program();
        let mut registers = [0_u32; 6];
        let mut at = 0;
        loop {
            let Instruction { code, registers: both, offset, value } = program[at];
            let (to, from, value) = (usize::from(both & 15), usize::from(both >> 4), value as u32);
            at += 1;
            let taken = match code {
                LOAD_WORD => {
                    registers[to] = [access << 16 | kind, major, minor][offset as usize / 4];
                    false
                }
                SET => {
                    registers[to] = value;
                    false
                }
                SET_REGISTER => {
                    registers[to] = registers[from];
                    false
                }
                AND => {
                    registers[to] &= value;
                    false
                }
                SHIFT_RIGHT => {
                    registers[to] >>= value;
                    false
                }
                JUMP => true,
                JUMP_EQUAL => registers[to] == value,
                JUMP_NOT_EQUAL => registers[to] != value,
                JUMP_ANY => registers[to] & value != 0,
                JUMP_ABOVE => registers[to] > value,
                JUMP_BELOW => registers[to] < value,
                EXIT => return registers[0] != 0,
                other => panic!("no operation {other:#x} is expected"),
            };
            if taken {
                at = (at as i64 + i64::from(offset)) as usize;
            }
        }
    }

    /// BPF_DEVCG_ACC_READ and WRITE, and the kind of a block device.
    const READ: u32 = 2;
    const WRITE: u32 = 4;
    const BLOCK: u32 = 1;

    #[test]
    fn the_cells_own_devices_can_be_read_and_written() {
        for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, 0), (143, 200)] {
            assert!(allows(CHARACTER as u32, READ | WRITE, major, minor), "{major}:{minor}");
            assert!(!allows(CHARACTER as u32, MKNOD as u32, major, minor), "a node of {major}:{minor}");
            assert!(!allows(BLOCK, READ, major, minor), "block {major}:{minor}");
        }
    }

    #[test]
    fn every_other_device_is_refused() {
        let mem_port_kmsg_kvm_fuse_tun = [(1, 1), (1, 4), (1, 11), (10, 232), (10, 229), (10, 200)];
        let console_tty1_sda = [(5, 1), (4, 1), (8, 0), (135, 0), (144, 0), (0, 0)];
        for (major, minor) in mem_port_kmsg_kvm_fuse_tun.into_iter().chain(console_tty1_sda) {
            assert!(!allows(CHARACTER as u32, READ, major, minor), "{major}:{minor}");
        }
    }
}
