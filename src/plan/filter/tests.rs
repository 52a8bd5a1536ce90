//! The filter, run by a small interpreter of classic BPF: every call and mode that it must refuse, and that it refuses no
//! other.

use super::*;
use init_shim::wire::{IdMapping, Source, What};
use proptest::prelude::*;

fn program() -> Vec<Instruction> {
    let source = Source { path: b"/data".to_vec(), writable: true, ids: IdMapping::Owner { uid: 0, gid: 0 } };
    let entry = Entry { path: b"/data".to_vec(), what: What::BindDirectory(source) };
    of(&[entry], &RootFs::Fresh { size: 0, inodes: 0 })
}

/// Runs the program on a call, as the kernel would.
fn run(program: &[Instruction], arch: u32, call: u32, args: [u64; 6]) -> u32 {
    let mut data = [0_u8; 64];
    data[..4].copy_from_slice(&call.to_le_bytes());
    data[4..8].copy_from_slice(&arch.to_le_bytes());
    for (index, arg) in args.iter().enumerate() {
        data[16 + 8 * index..24 + 8 * index].copy_from_slice(&arg.to_le_bytes());
    }
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        let jump = |taken: bool| usize::from(if taken { jt } else { jf });
        at += 1;
        match code {
            0x20 => accumulator = u32::from_le_bytes(data[k as usize..k as usize + 4].try_into().expect("a word")),
            0x15 => at += jump(accumulator == k),
            0x35 => at += jump(accumulator >= k),
            0x45 => at += jump(accumulator & k != 0),
            0x06 => return k,
            other => panic!("no instruction {other:#x} is expected"),
        }
    }
}

fn verdict(call: u32, args: [u64; 6]) -> u32 {
    run(&program(), ARCH, call, args)
}

#[test]
fn a_job_that_can_write_to_nothing_of_the_hosts_needs_no_filter() {
    let source = Source { path: b"/usr".to_vec(), writable: false, ids: IdMapping::Plain };
    let entry = Entry { path: b"/usr".to_vec(), what: What::BindDirectory(source) };
    assert!(of(&[entry], &RootFs::Fresh { size: 0, inodes: 0 }).is_empty());
}

#[test]
fn every_way_to_set_a_set_id_bit_is_refused() {
    for bit in [0o4755, 0o2755, 0o6755] {
        assert_eq!(verdict(nr::__NR_fchmod, [3, bit, 0, 0, 0, 0]), EPERM);
        assert_eq!(verdict(nr::__NR_fchmodat, [3, 1, bit, 0, 0, 0]), EPERM);
        assert_eq!(verdict(nr::__NR_fchmodat2, [3, 1, bit, 0, 0, 0]), EPERM);
        assert_eq!(verdict(nr::__NR_mknodat, [3, 1, bit, 0, 0, 0]), EPERM);
        assert_eq!(verdict(nr::__NR_openat, [3, 1, 0o100 | 1, bit, 0, 0]), EPERM);
        assert_eq!(verdict(nr::__NR_openat, [3, 1, 0o20_200_000, bit, 0, 0]), EPERM);
        // The upper half of a register is not part of a mode.
        assert_eq!(verdict(nr::__NR_fchmod, [3, bit | 0xdead_0000_0000, 0, 0, 0, 0]), EPERM);
    }
    assert_eq!(verdict(nr::__NR_openat2, [0; 6]), ENOSYS);
    assert_eq!(verdict(nr::__NR_io_uring_setup, [0; 6]), ENOSYS);
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_older_calls_of_this_architecture_are_refused_too() {
    assert_eq!(verdict(nr::__NR_chmod, [1, 0o4755, 0, 0, 0, 0]), EPERM);
    assert_eq!(verdict(nr::__NR_mknod, [1, 0o2755, 0, 0, 0, 0]), EPERM);
    assert_eq!(verdict(nr::__NR_creat, [1, 0o4755, 0, 0, 0, 0]), EPERM);
    assert_eq!(verdict(nr::__NR_open, [1, 0o101, 0o4755, 0, 0, 0]), EPERM);
    assert_eq!(verdict(X32_BIT | nr::__NR_chmod, [1, 0o755, 0, 0, 0, 0]), KILL_PROCESS);
}

#[test]
fn ordinary_modes_and_reads_with_any_mode_pass() {
    assert_eq!(verdict(nr::__NR_fchmodat, [3, 1, 0o755, 0, 0, 0]), ALLOW);
    assert_eq!(verdict(nr::__NR_openat, [3, 1, 0o101, 0o644, 0, 0]), ALLOW);
    // open(2) ignores the mode when it creates nothing.
    assert_eq!(verdict(nr::__NR_openat, [3, 1, 0, 0o6777, 0, 0]), ALLOW);
}

#[test]
fn another_architecture_ends_the_process() {
    assert_eq!(run(&program(), 0x4000_0003, 15, [0; 6]), KILL_PROCESS);
}

proptest! {
    #[test]
    fn only_the_named_calls_are_ever_refused(call in 0_u32..600, args: [u64; 6]) {
        let named = makers().iter().any(|maker| maker.call == call);
        let hidden = [nr::__NR_openat2, nr::__NR_io_uring_setup].contains(&call);
        let verdict = verdict(call, args);
        prop_assert!(verdict == ALLOW || (named && verdict == EPERM) || (hidden && verdict == ENOSYS));
    }
}
