//! The filters, run by a small interpreter of classic BPF: each does what its policy says for every call and argument, and
//! the shipped policies refuse what they are there to refuse.

use super::policy::{Answer, EAFNOSUPPORT, ENOSYS, EPERM, Holds, Rule, Test};
use super::program::{ARCH, X32_BIT};
use super::*;
use crate::spec::{Isolation, Limits, Rlimit, RlimitValue, SeccompRules};
use init_shim::wire::{IdMapping, Source, What};
use linux_raw_sys::general as nr;
use proptest::prelude::*;

mod custom_rules;
mod guard;

/// Runs a program on a call, as the kernel would.
fn run(program: &[Instruction], arch: u32, call: u32, args: [u64; 6]) -> u32 {
    let mut data = [0_u8; 64];
    data[..4].copy_from_slice(&call.to_le_bytes());
    data[4..8].copy_from_slice(&arch.to_le_bytes());
    for (index, arg) in args.iter().enumerate() {
        data[16 + 8 * index..24 + 8 * index].copy_from_slice(&arg.to_le_bytes());
    }
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        let jump = |taken: bool| usize::from(if taken { jt } else { jf });
        at += 1;
        match code {
            0x20 => accumulator = u32::from_le_bytes(data[k as usize..k as usize + 4].try_into().expect("a word")),
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += jump(accumulator == k),
            0x25 => at += jump(accumulator > k),
            0x35 => at += jump(accumulator >= k),
            0x45 => at += jump(accumulator & k != 0),
            0x06 => return k,
            other => panic!("no instruction {other:#x} is expected"),
        }
    }
}

/// Without what guards the host's files and the limit of core files.
const OPEN: Guards = Guards { set_id: false, core: false };
/// With what guards the host's files.
const SET_ID: Guards = Guards { set_id: true, core: false };

/// What a shipped profile's program says of a call.
fn says(profile: Profile, call: u32, args: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    run(&shipped(profile, OPEN).program, ARCH, call, all)
}

fn allowed(profile: Profile, name: &str) -> bool {
    let number = calls::number(name).expect("a call of this architecture");
    rules::of(profile)
        .rules
        .get(&number)
        .is_some_and(|rule| rule.otherwise.allows() || rule.ways.iter().any(|(_, answer)| answer.allows()))
}

#[test]
fn every_name_of_every_profile_is_a_call_that_the_kernel_has() {
    for name in calls::plain(Profile::Compat) {
        // x86-64 has every name that any architecture of ours has.
        assert!(cfg!(not(target_arch = "x86_64")) || calls::number(name).is_some(), "{name}");
    }
}

#[test]
fn strict_lets_120_calls_pass_at_most_and_the_default_250() {
    let count = |profile| shipped(profile, OPEN).allowed;
    assert!(count(Profile::Strict) <= 120, "{}", count(Profile::Strict));
    assert!(count(Profile::Default) <= 250, "{}", count(Profile::Default));
    assert!(count(Profile::Compat) <= 300, "{}", count(Profile::Compat));
}

#[test]
fn each_profile_lets_pass_all_that_the_narrower_ones_do() {
    for pair in Profile::ALL.windows(2) {
        let (narrow, wide) = (rules::of(pair[0]), rules::of(pair[1]));
        for (number, rule) in narrow.rules.iter().filter(|(_, rule)| rule.otherwise.allows()) {
            let wider = wide.rules.get(number).map(|rule| rule.otherwise);
            assert!(wider.is_some_and(Answer::allows) || !rule.ways.is_empty(), "{number} in {:?}", pair[1]);
        }
    }
}

#[test]
fn no_profile_has_a_way_to_the_hosts_administration() {
    let never = "mount umount2 pivot_root chroot fsopen fsconfig fsmount fspick open_tree move_mount mount_setattr \
        unshare setns bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key \
        request_key open_by_handle_at fanotify_init init_module finit_module delete_module kexec_load kexec_file_load \
        reboot swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname clock_settime adjtimex \
        clock_adjtime settimeofday iopl ioperm modify_ldt vhangup memfd_secret clone3 move_pages migrate_pages \
        statmount listmount lookup_dcookie uselib nfsservctl";
    for name in never.split_whitespace() {
        for profile in Profile::ALL {
            assert!(!allowed(profile, name), "{name} in {}", profile.word());
        }
    }
}

#[test]
fn tracing_and_asynchronous_io_need_the_build_profile() {
    for name in ["ptrace", "process_vm_readv", "pidfd_getfd", "kcmp", "io_submit", "mbind"] {
        assert!(!allowed(Profile::Default, name) && allowed(Profile::Build, name), "{name}");
    }
}

#[test]
fn strict_has_no_lock_that_another_job_could_see() {
    assert!(!allowed(Profile::Strict, "flock") && allowed(Profile::Default, "flock"));
    for command in [5, 6, 7, 36, 37, 38, 1024, 1025, 1026, 1039, 1040] {
        assert_eq!(says(Profile::Strict, nr::__NR_fcntl, &[0, command]), EPERM.code());
        assert_eq!(says(Profile::Default, nr::__NR_fcntl, &[0, command]), Answer::Allow.code());
    }
    for hint in [1036, 1038] {
        for profile in Profile::ALL {
            assert_eq!(says(profile, nr::__NR_fcntl, &[0, hint]), EPERM.code(), "it stays in the host's file");
        }
    }
}

#[test]
fn only_the_listed_families_and_protocols_of_sockets_pass() {
    let socket =
        |family: u64, kind: u64, protocol: u64| says(Profile::Default, nr::__NR_socket, &[family, kind, protocol]);
    const FLAGS: u64 = 0o2_004_000;
    for kind in [1, 2, 5] {
        assert_eq!(socket(1, kind | FLAGS, 0), Answer::Allow.code());
    }
    for family in [2, 10] {
        assert_eq!(socket(family, 1 | FLAGS, 6), Answer::Allow.code());
        assert_eq!(socket(family, 2, 17), Answer::Allow.code());
        assert_eq!(socket(family, 3, 1), Answer::Errno(93).code(), "SOCK_RAW");
        assert_eq!(socket(family, 1, 132), Answer::Errno(93).code(), "SCTP");
        assert_eq!(socket(family, 1, 262), Answer::Errno(93).code(), "MPTCP");
        assert_eq!(socket(family, 2, 136), Answer::Errno(93).code(), "UDP-Lite");
    }
    assert_eq!(socket(16, 3, 0), Answer::Allow.code(), "NETLINK_ROUTE");
    for protocol in 1..64 {
        assert_eq!(socket(16, 3, protocol), Answer::Errno(93).code());
    }
    for family in (0..64).filter(|family| ![1, 2, 10, 16].contains(family)) {
        assert_eq!(socket(family, 1, 0), EAFNOSUPPORT.code(), "family {family}");
    }
    for family in 0..64 {
        assert_eq!(says(Profile::Strict, nr::__NR_socket, &[family, 1, 0]), EAFNOSUPPORT.code());
    }
}

#[test]
fn input_is_pushed_into_no_terminal_whatever_the_upper_half_of_the_request() {
    for request in [0x5412, 0x541c, 0x5423] {
        for high in [0, 1 << 32, 0xdead_beef_0000_0000_u64] {
            for profile in Profile::ALL {
                assert_eq!(says(profile, nr::__NR_ioctl, &[0, request | high]), EPERM.code());
            }
        }
    }
    assert_eq!(says(Profile::Strict, nr::__NR_ioctl, &[0, 0x5401]), Answer::Allow.code());
    assert_eq!(says(Profile::Strict, nr::__NR_ioctl, &[0, 0x8933]), EPERM.code());
}

#[test]
fn a_clone_makes_no_namespace_and_clone3_is_unheard_of() {
    for profile in Profile::ALL {
        for flag in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
            assert_eq!(says(profile, nr::__NR_clone, &[flag | 17]), EPERM.code());
        }
        assert_eq!(says(profile, nr::__NR_clone, &[0x3d_0f00]), Answer::Allow.code(), "a thread of the C library");
        assert_eq!(says(profile, nr::__NR_clone3, &[]), ENOSYS.code());
    }
}

#[test]
fn a_node_is_no_device() {
    let mknodat = |mode| says(Profile::Default, nr::__NR_mknodat, &[0, 0, mode]);
    assert_eq!(mknodat(0o010_644), Answer::Allow.code());
    assert_eq!(mknodat(0o644), Answer::Allow.code());
    assert_eq!(mknodat(0o020_666), EPERM.code());
    assert_eq!(mknodat(0o060_666), EPERM.code());
}

#[test]
fn memory_stays_placed_at_random_but_for_builds() {
    let personality = |profile, persona| says(profile, nr::__NR_personality, &[persona]);
    assert_eq!(personality(Profile::Default, 0xffff_ffff), Answer::Allow.code());
    assert_eq!(personality(Profile::Default, 0x4_0000), EPERM.code());
    assert_eq!(personality(Profile::Build, 0x4_0000), Answer::Allow.code());
    // READ_IMPLIES_EXEC.
    assert_eq!(personality(Profile::Build, 0x40_0000), EPERM.code());
}

#[test]
fn another_architecture_ends_the_process() {
    for profile in Profile::ALL {
        let program = &shipped(profile, OPEN).program;
        // i386's getpid, and a number of x32.
        assert_eq!(run(program, 0x4000_0003, 20, [0; 6]), Answer::KillProcess.code());
        assert_eq!(run(program, ARCH, X32_BIT | nr::__NR_read, [0; 6]), Answer::KillProcess.code());
        assert_eq!(run(program, ARCH, program::SKIPPED - 1, [0; 6]), Answer::KillProcess.code());
    }
}

#[test]
fn a_call_that_a_tracer_has_taken_back_is_no_call() {
    for profile in Profile::ALL {
        assert_eq!(says(profile, program::SKIPPED, &[]), Answer::Allow.code());
    }
}

#[test]
fn a_call_that_nobody_knows_yet_is_unheard_of() {
    assert_eq!(says(Profile::Default, calls::all().max().expect("a call") + 1, &[]), ENOSYS.code());
    assert_eq!(says(Profile::Default, nr::__NR_statmount, &[]), ENOSYS.code());
    assert_eq!(says(Profile::Default, nr::__NR_acct, &[]), EPERM.code());
}

#[test]
fn the_limit_of_core_files_stays_whatever_the_profile() {
    let closed = Guards { set_id: false, core: true };
    for profile in Profile::ALL {
        let program = &shipped(profile, closed).program;
        let prlimit = |resource, new| run(program, ARCH, nr::__NR_prlimit64, [0, resource, new, 0, 0, 0]);
        assert_eq!(prlimit(4, 0x7fff_0000), Answer::Errno(0).code(), "as if it were done");
        assert_eq!(prlimit(4 | 1 << 40, 1 << 40), Answer::Errno(0).code(), "by the low half, and any pointer");
        assert_eq!(prlimit(4, 0), Answer::Allow.code(), "it may be read");
        assert_eq!(prlimit(7, 0x7fff_0000), Answer::Allow.code(), "RLIMIT_NOFILE");
        assert_eq!(run(program, ARCH, nr::__NR_setrlimit, [4, 1, 0, 0, 0, 0]), Answer::Errno(0).code());
    }
}

#[test]
fn the_guards_are_there_when_and_only_when_there_is_something_to_guard() {
    let bind = |writable| {
        let source = Source { path: b"/data".to_vec(), writable, ids: IdMapping::Owner { uid: 0, gid: 0 } };
        Entry { path: b"/data".to_vec(), what: What::BindDirectory(source) }
    };
    let root = RootFs::Fresh { size: 0, inodes: 0 };
    let tree = RootFs::Tree(Source { path: b"/data".to_vec(), writable: true, ids: IdMapping::Cell });
    let spec = JobSpec::command("true").build().expect("a spec");
    let core = Rlimit { resource: Resource::Core, soft: RlimitValue::Is(0), hard: RlimitValue::Is(0) };
    let limits = Limits { rlimits: vec![core], ..Limits::default() };
    let asked = JobSpec::command("true").limits(limits).build().expect("a spec");
    let is = |spec: &JobSpec, entries: &[Entry], root: &RootFs, guards| {
        of(spec, entries, root, (6, 1)).expect("a filter") == *shipped(Profile::Default, guards)
    };
    assert!(is(&spec, &[bind(true)], &root, Guards { set_id: true, core: true }));
    assert!(is(&spec, &[bind(false)], &root, Guards { set_id: false, core: true }));
    assert!(is(&spec, &[], &tree, Guards { set_id: true, core: true }));
    assert!(is(&asked, &[], &root, OPEN), "who asks for core files has them");
}

/// Any policy with a few rules.
fn any_policy() -> impl Strategy<Value = Policy> {
    let answer = prop_oneof![
        Just(Answer::Allow),
        Just(Answer::Log),
        (0_u16..4096).prop_map(Answer::Errno),
        Just(Answer::KillProcess)
    ];
    let word = prop_oneof![any::<u64>(), 0_u64..4, Just(u64::MAX), Just(1 << 32)];
    let holds = (word.clone(), word, any::<u32>(), 0..7).prop_map(|(a, b, bits, kind)| match kind {
        0 => Holds::Masked { mask: a, value: b & a },
        1 => Holds::Any(bits),
        2 => Holds::NotEqual(a),
        3 => Holds::Less(a),
        4 => Holds::LessOrEqual(a),
        5 => Holds::Greater(a),
        _ => Holds::GreaterOrEqual(a),
    });
    let test = (0_u8..6, holds).prop_map(|(arg, holds)| Test { arg, holds });
    let way = (proptest::collection::vec(test, 0..4), answer.clone());
    let rule =
        (proptest::collection::vec(way, 0..4), answer.clone()).prop_map(|(ways, otherwise)| Rule { ways, otherwise });
    let rules = proptest::collection::btree_map(0_u32..500, rule, 0..200);
    (rules, answer.clone(), answer).prop_map(|(rules, otherwise, beyond)| Policy {
        rules,
        otherwise,
        newest: 470,
        beyond,
    })
}

proptest! {
    #[test]
    fn the_program_says_what_the_policy_says(
        policy in any_policy(),
        calls: [u32; 16],
        args in proptest::array::uniform6(prop_oneof![any::<u64>(), 0_u64..5, Just(u64::MAX), Just(1 << 32)]),
    ) {
        let program = program::of(&policy);
        for call in calls.into_iter().map(|call| call % 600).chain(policy.rules.keys().copied()) {
            prop_assert_eq!(run(&program, ARCH, call, args), policy.answer(call, &args).code(), "call {}", call);
        }
    }

    #[test]
    fn the_shipped_programs_say_what_their_policies_say(call in 0_u32..600, args: [u64; 6]) {
        for profile in Profile::ALL {
            let policy = rules::of(profile);
            prop_assert_eq!(run(&shipped(profile, OPEN).program, ARCH, call, args), policy.answer(call, &args).code());
        }
    }
}
