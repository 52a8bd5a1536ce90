//! PURE: the calls of the profiles whose arguments matter, and those that are refused with a word of their own.

use super::calls;
use super::policy::{Answer, EAFNOSUPPORT, ENOSYS, EPERM, Holds, Policy, Rule, Test, any, int, masked, without};
use crate::spec::Profile;
use std::collections::BTreeMap;

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. (CLONE_NEWTIME is a signal's bit in clone(2).)
const CLONE_NAMESPACES: u32 = 0x7e02_0000;

// socket(2): address families, types below their flags, protocols.
const AF_UNIX: u32 = 1;
const AF_INET: u32 = 2;
const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
const SOCK_TYPE_MASK: u32 = 0xf;
const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;
/// IPPROTO_IP (any), ICMP, TCP, UDP, ICMPV6. The others would have the kernel load a module.
const STREAM_PROTOCOLS: [u32; 2] = [0, 6];
const DATAGRAM_PROTOCOLS: [u32; 4] = [0, 17, 1, 58];
const NETLINK_ROUTE: u32 = 0;
/// EPROTONOSUPPORT.
const NO_PROTOCOL: Answer = Answer::Errno(93);

/// ioctl(2) requests that push input into a terminal or change what it is (TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS), and
/// that change a file beyond its mode (FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_SET_ENCRYPTION_POLICY,
/// FS_IOC_ADD_ENCRYPTION_KEY, FS_IOC_ENABLE_VERITY). The kernel takes the request as an unsigned int: the low half.
const IOCTLS_REFUSED: [u32; 9] =
    [0x5412, 0x541c, 0x5423, 0x541d, 0x4008_6602, 0x401c_5820, 0x800c_6613, 0xc050_6617, 0x4080_6685];
/// What `strict` leaves of ioctl(2): TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ, FIONREAD,
/// FIONBIO, FIOCLEX, FIONCLEX, TCGETS2.
const IOCTLS_STRICT: [u32; 12] =
    [0x5401, 0x5402, 0x5403, 0x5404, 0x540f, 0x5410, 0x5413, 0x541b, 0x5421, 0x5451, 0x5450, 0x802c_542a];

/// fcntl(2) commands of `strict`: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG,
/// F_SETOWN_EX, F_GETOWN_EX, F_DUPFD_QUERY, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ, F_ADD_SEALS, F_GET_SEALS. All
/// others (locks, leases, delegations, notices, hints) are seen through a file that two jobs can read.
const FCNTLS_STRICT: [u32; 17] = [0, 1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 1027, 1030, 1031, 1032, 1033, 1034];
/// F_SET_RW_HINT and F_SET_FILE_RW_HINT: before kernel 6.9 anybody may set them on any file, and they stay with it.
const FCNTLS_REFUSED: [u32; 2] = [1036, 1038];

/// personality(2): PER_LINUX, UNAME26, and the question what it is.
const PERSONALITIES: [u32; 3] = [0, 0x2_0000, u32::MAX];
/// ADDR_NO_RANDOMIZE, alone and with UNAME26: debuggers and sanitizers ask for it.
const PERSONALITIES_BUILD: [u32; 2] = [0x4_0000, 0x6_0000];

/// prctl(2) options of `strict`: PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_NAME,
/// PR_GET_NAME, PR_CAPBSET_READ, PR_GET_SECUREBITS, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS,
/// PR_SET_THP_DISABLE, PR_GET_THP_DISABLE, PR_SET_VMA.
const PRCTLS_STRICT: [u32; 15] = [1, 2, 3, 4, 15, 16, 23, 27, 29, 30, 38, 39, 41, 42, 0x5356_4d41];

/// S_IFMT and the kinds of file that mknod(2) may make: as they come, regular files, pipes, sockets.
const KIND_MASK: u32 = 0o170_000;
const KINDS: [u32; 4] = [0, 0o100_000, 0o010_000, 0o140_000];

/// Newer calls that are refused as if the kernel did not have them, so that a program takes the older way: their
/// arguments lie in memory, where no filter can look, or they are nothing that a job should have.
const UNHEARD_OF: [&str; 5] = ["clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_secret"];

/// S_ISUID and S_ISGID.
const SET_ID_BITS: u32 = 0o6000;
/// O_CREAT, and the bit of O_TMPFILE that is not O_DIRECTORY: only with these does open(2) look at its mode.
const CREATES: u32 = 0o100 | 0o20_000_000;
/// Calls that can set a mode: the argument that has it, and the one of the flags that decide whether it counts.
const MODE_MAKERS: [(&str, u8, Option<u8>); 9] = [
    ("chmod", 1, None),
    ("fchmod", 1, None),
    ("fchmodat", 2, None),
    ("fchmodat2", 2, None),
    ("mknod", 1, None),
    ("mknodat", 2, None),
    ("creat", 1, None),
    ("open", 2, Some(1)),
    ("openat", 3, Some(2)),
];
/// Calls that can set a mode which lies in memory; all programs fall back to the ones above (openat2(2)).
const MODE_MAKERS_UNSEEN: [&str; 2] = ["openat2", "io_uring_setup"];

/// What a profile lets a job call.
pub fn of(profile: Profile) -> Policy {
    let mut rules = BTreeMap::new();
    let mut set = |name: &str, rule: Rule| {
        // An architecture has not all names: `open` is x86-64's.
        if let Some(number) = calls::number(name) {
            rules.insert(number, rule);
        }
    };
    for name in calls::plain(profile) {
        set(name, Rule::always(Answer::Allow));
    }
    for name in UNHEARD_OF {
        set(name, Rule::always(ENOSYS));
    }
    for (name, rule) in by_arguments(profile) {
        set(name, rule);
    }
    Policy { rules, otherwise: EPERM, newest: calls::settled(), beyond: ENOSYS }
}

/// What PID 1 of a cell may call. Refused, not killed: should it ever need another call, the job goes on.
pub fn init() -> Policy {
    let numbers = calls::INIT.split_whitespace().filter_map(calls::number);
    let rules = numbers.map(|number| (number, Rule::always(Answer::Allow))).collect();
    Policy { rules, otherwise: EPERM, newest: calls::settled(), beyond: EPERM }
}

/// Those whose arguments decide.
fn by_arguments(profile: Profile) -> Vec<(&'static str, Rule)> {
    let mut all = vec![
        // clone(2): the kernel takes the low half of the flags.
        ("clone", only(vec![vec![without(0, CLONE_NAMESPACES)]], EPERM)),
        ("socket", socket(profile)),
        ("socketpair", only(vec![vec![int(0, AF_UNIX)]], EAFNOSUPPORT)),
        ("ioctl", ioctl(profile)),
        ("fcntl", fcntl(profile)),
        ("prctl", prctl(profile)),
        // ARCH_SET_GS, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_CPUID, and CET's status: of the thread's own.
        ("arch_prctl", Rule::always(Answer::Allow)),
        // prlimit(2): only the own processes, by their ids; a hard limit is never raised without a capability.
        ("prlimit64", Rule::always(Answer::Allow)),
    ];
    if profile >= Profile::Default {
        let made = |arg| KINDS.iter().map(|kind| vec![masked(arg, KIND_MASK, *kind)]).collect();
        all.push(("mknod", only(made(1), EPERM)));
        all.push(("mknodat", only(made(2), EPERM)));
        all.push(("personality", personality(profile)));
    }
    all
}

/// Allowed in these ways, refused in all others.
fn only(ways: Vec<Vec<Test>>, otherwise: Answer) -> Rule {
    Rule { ways: ways.into_iter().map(|tests| (tests, Answer::Allow)).collect(), otherwise }
}

/// Refused in these ways, allowed in all others.
fn all_but(arg: u8, values: &[u32]) -> Rule {
    Rule { ways: values.iter().map(|value| (vec![int(arg, *value)], EPERM)).collect(), otherwise: Answer::Allow }
}

/// Allowed for these values, refused for all others.
fn one_of(arg: u8, values: &[u32]) -> Rule {
    only(values.iter().map(|value| vec![int(arg, *value)]).collect(), EPERM)
}

/// An allow list: families that nobody thought of have been the way in more than once (AF_ALG, AF_VSOCK, AF_RXRPC).
fn socket(profile: Profile) -> Rule {
    if profile == Profile::Strict {
        return Rule::always(EAFNOSUPPORT);
    }
    let mut ways = vec![(vec![int(0, AF_UNIX)], Answer::Allow)];
    for family in [AF_INET, AF_INET6] {
        for (kind, protocols) in [(SOCK_STREAM, &STREAM_PROTOCOLS[..]), (SOCK_DGRAM, &DATAGRAM_PROTOCOLS[..])] {
            let way = |protocol: &u32| vec![int(0, family), masked(1, SOCK_TYPE_MASK, kind), int(2, *protocol)];
            ways.extend(protocols.iter().map(|protocol| (way(protocol), Answer::Allow)));
        }
        ways.push((vec![int(0, family)], NO_PROTOCOL));
    }
    ways.push((vec![int(0, AF_NETLINK), int(2, NETLINK_ROUTE)], Answer::Allow));
    ways.push((vec![int(0, AF_NETLINK)], NO_PROTOCOL));
    Rule { ways, otherwise: EAFNOSUPPORT }
}

fn ioctl(profile: Profile) -> Rule {
    if profile == Profile::Strict { one_of(1, &IOCTLS_STRICT) } else { all_but(1, &IOCTLS_REFUSED) }
}

fn fcntl(profile: Profile) -> Rule {
    if profile == Profile::Strict { one_of(1, &FCNTLS_STRICT) } else { all_but(1, &FCNTLS_REFUSED) }
}

fn prctl(profile: Profile) -> Rule {
    if profile == Profile::Strict { one_of(0, &PRCTLS_STRICT) } else { Rule::always(Answer::Allow) }
}

fn personality(profile: Profile) -> Rule {
    let more = if profile >= Profile::Build { &PERSONALITIES_BUILD[..] } else { &[] };
    one_of(0, &[&PERSONALITIES, more].concat())
}

/// RLIMIT_CORE of getrlimit(2).
const RLIMIT_CORE: u32 = 4;
/// Answered as done, and not done: programs that guard their secrets take a refusal of this very limit for a failure.
const AS_IF_DONE: Answer = Answer::Errno(0);

/// core(5): a piped `core_pattern` runs its handler as the host's root, and only a soft limit of exactly 1 at the moment of
/// the crash keeps it from that; 0 does not. So nobody who has that limit may change it.
pub fn keep_core_limit(policy: &mut Policy) {
    let otherwise = policy.otherwise;
    let ways = [
        ("prlimit64", vec![int(1, RLIMIT_CORE), Test { arg: 2, holds: Holds::NotEqual(0) }]),
        ("setrlimit", vec![int(0, RLIMIT_CORE)]),
    ];
    for (name, way) in ways {
        let Some(number) = calls::number(name) else { continue };
        let rule = policy.rules.entry(number).or_insert_with(|| Rule::always(otherwise));
        rule.ways.insert(0, (way, AS_IF_DONE));
    }
}

/// What a job that may write to the host's files must not call: what it writes belongs to the directory's owner, who may
/// be root, and a set-user-id file made there would run with the owner's rights for whoever starts it outside of the cell.
/// So no call may set those two bits.
pub fn guard(policy: &mut Policy) {
    let otherwise = policy.otherwise;
    for (name, mode, flags) in MODE_MAKERS {
        let Some(number) = calls::number(name) else { continue };
        let counts = flags.map(|flags| any(flags, CREATES));
        let way = counts.into_iter().chain([any(mode, SET_ID_BITS)]).collect();
        let rule = policy.rules.entry(number).or_insert_with(|| Rule::always(otherwise));
        rule.ways.insert(0, (way, EPERM));
    }
    for number in MODE_MAKERS_UNSEEN.into_iter().filter_map(calls::number) {
        policy.rules.insert(number, Rule::always(ENOSYS));
    }
}
