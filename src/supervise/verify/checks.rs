//! PURE: what the kernel says of a process, beside what it should say.

use super::expect::Expect;
use init_shim::wire::{CELL_IDS, SHIM_ID};

/// Where the host ids of cells are: 0x70000000 to 0x7ffdffff, which systemd's table of ids leaves to nobody.
const HOST_IDS: std::ops::Range<u32> = 0x7000_0000..0x7ffe_0000;
/// The bit of CAP_KILL, number 5 of capabilities(7).
const KILL: u64 = 1 << 5;
/// SECBIT_NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE with their locks, and KEEP_CAPS_LOCKED, of capabilities(7).
const SECURE_BITS: u32 = 0b1110_1111;
/// RLIMIT_CORE of getrlimit(2).
const CORE: u32 = 4;
/// SIGPIPE, which the probe's own runtime ignores from before its first line.
const PIPE: u64 = 1 << 12;

/// What is wrong, in words, unless it is right.
fn right(is: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if is { Ok(()) } else { Err(wrong()) }
}

/// A field of `/proc/PID/status`.
fn field<'a>(status: &'a [u8], name: &str) -> Result<&'a str, String> {
    let text = str::from_utf8(status).map_err(|_| "the status is no text".to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(str::trim).ok_or_else(|| format!("{name} is not told"))
}

/// A set of capabilities or signals.
fn set(status: &[u8], name: &str) -> Result<u64, String> {
    u64::from_str_radix(field(status, name)?, 16).map_err(|_| format!("{name} is no number"))
}

/// These sets are exactly so.
fn sets(status: &[u8], names: &[&str], wanted: u64) -> Result<(), String> {
    names.iter().try_for_each(|name| {
        let found = set(status, name)?;
        right(found == wanted, || format!("{name} is {found:016x}, not {wanted:016x}"))
    })
}

/// No capability in any of the five sets.
pub fn no_capabilities(status: &[u8], _: &Expect) -> Result<(), String> {
    sets(status, &["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"], 0)
}

/// no_new_privs.
pub fn no_new_privs(status: &[u8], _: &Expect) -> Result<(), String> {
    is_number(status, "NoNewPrivs", "1")
}

/// A filter of system calls.
pub fn filtered(status: &[u8], _: &Expect) -> Result<(), String> {
    is_number(status, "Seccomp", "2")
}

fn is_number(status: &[u8], name: &str, wanted: &str) -> Result<(), String> {
    let found = field(status, name)?;
    right(found == wanted, || format!("{name} is {found}, not {wanted}"))
}

/// Real, effective, saved and file system id.
fn all_ids(status: &[u8], name: &str, wanted: u32) -> Result<(), String> {
    let found = field(status, name)?;
    let right_ones = found.split_whitespace().filter(|id| id.parse() == Ok(wanted)).count();
    right(right_ones == 4, || format!("{name} is {found:?}, not four times {wanted}"))
}

/// The ids that were asked for.
pub fn ids(status: &[u8], expect: &Expect) -> Result<(), String> {
    all_ids(status, "Uid", expect.order.uid)?;
    all_ids(status, "Gid", expect.order.gid)
}

/// No role is root's.
pub fn not_root(status: &[u8], _: &Expect) -> Result<(), String> {
    let found = field(status, "Uid")?;
    right(found.split_whitespace().all(|id| id != "0"), || "it is root".to_owned())
}

/// No other group.
pub fn no_groups(status: &[u8], _: &Expect) -> Result<(), String> {
    let found = field(status, "Groups")?;
    right(found.is_empty(), || format!("it is in the groups {found}"))
}

/// The secure bits and their locks.
pub fn secure_bits(bits: &[u8], _: &Expect) -> Result<(), String> {
    let found: u32 = number(bits)?;
    right(found & SECURE_BITS == SECURE_BITS, || format!("they are {found:#x}, not {SECURE_BITS:#x}"))
}

/// A number alone.
fn number<T: std::str::FromStr>(bytes: &[u8]) -> Result<T, String> {
    let text = str::from_utf8(bytes).unwrap_or_default().trim();
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// Both maps have one line, `0 FIRST 65536`, with the first of a cell's host ids.
pub fn nobody_outside(maps: &[u8], _: &Expect) -> Result<(), String> {
    let text = String::from_utf8_lossy(maps);
    let is_ours = |line: &str| {
        let words: Vec<u32> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(words[..], [0, first, CELL_IDS] if HOST_IDS.contains(&first) && first % CELL_IDS == 0)
    };
    let ours = text.lines().filter(|line| is_ours(line)).count();
    right(ours == 2 && text.lines().count() == 2, || format!("the maps are {:?}", text.trim_end()))
}

/// The root belongs to an id that the cell has: what built it was nobody outside as well.
pub fn made_inside(owner: &[u8], expect: &Expect) -> Result<(), String> {
    // A directory of the host as the root belongs to somebody of the host.
    let fresh = matches!(expect.order.root, init_shim::wire::RootFs::Fresh { .. });
    let found = String::from_utf8_lossy(owner);
    right(!fresh || found == "0 0", || format!("/ belongs to {found}"))
}

/// The user whom the kernel charges: a host id of a cell.
pub fn owned_by_nobody(owner: &[u8], _: &Expect) -> Result<(), String> {
    let found: u32 = number(owner)?;
    right(HOST_IDS.contains(&found), || format!("the user namespace belongs to user {found} of the host"))
}

/// One ruleset of Landlock, where the plan has one.
pub fn file_rules(facts: &[u8], expect: &Expect) -> Result<(), String> {
    let found = String::from_utf8_lossy(facts);
    let right_one = expect.order.landlock.is_none() || found == "1";
    right(right_one, || format!("{found} rulesets are in force, not 1"))
}

/// A program on the cell's own cgroup.
pub fn guarded(facts: &[u8], _: &Expect) -> Result<(), String> {
    let found: u32 = number(facts)?;
    right(found > 0, || "no program guards the devices".to_owned())
}

/// PID 1, from the host: a filter of its own, a user of its own, one capability, its few descriptors.
pub fn first_process(status: &[u8], _: &Expect) -> Result<(), String> {
    /// /dev/null as 0, 1 and 2, the status, the lease, the lock on the ids, and the descriptor by which it hears of its
    /// children's ends.
    const DESCRIPTORS: usize = 7;
    sets(status, &["CapPrm", "CapEff"], KILL)?;
    sets(status, &["CapInh", "CapBnd", "CapAmb"], 0)?;
    is_number(status, "NoNewPrivs", "1")?;
    is_number(status, "Seccomp", "2")?;
    for name in ["Uid", "Gid"] {
        let found = field(status, name)?;
        let ids: Vec<u32> = found.split_whitespace().filter_map(|id| id.parse().ok()).collect();
        let own = ids.len() == 4 && ids.iter().all(|id| HOST_IDS.contains(id) && id % CELL_IDS == SHIM_ID);
        right(own, || format!("{name} of PID 1 is {found:?}"))?;
    }
    right(field(status, "Groups")?.is_empty(), || "PID 1 is in other groups".to_owned())?;
    let open: usize = number(field(status, "Descriptors")?.as_bytes())?;
    right(open <= DESCRIPTORS, || format!("PID 1 has {open} descriptors"))
}

/// The leader's session has the leader's number.
pub fn own_session(facts: &[u8], _: &Expect) -> Result<(), String> {
    let text = String::from_utf8_lossy(facts);
    let own = text.split_once(' ').is_some_and(|(leader, session)| leader == session);
    right(own, || format!("process and session are {text}"))
}

/// Nothing blocked, nothing ignored.
pub fn signals(status: &[u8], _: &Expect) -> Result<(), String> {
    sets(status, &["SigBlk"], 0)?;
    let ignored = set(status, "SigIgn")? & !PIPE;
    right(ignored == 0, || format!("signals {ignored:016x} are ignored"))
}

/// The soft and the hard limit of a resource.
fn limit(facts: &[u8], resource: u32) -> Result<(u64, u64), String> {
    let text = String::from_utf8_lossy(facts);
    let numbers = text.lines().map(|line| line.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<u64>>());
    let mut found = numbers.filter_map(|numbers| match numbers[..] {
        [number, soft, hard] if number == u64::from(resource) => Some((soft, hard)),
        _ => None,
    });
    found.next().ok_or_else(|| format!("the limit of resource {resource} is not told"))
}

/// core(5): a handler of the host's is started at 0 as well, and not at 1.
pub fn no_core(facts: &[u8], _: &Expect) -> Result<(), String> {
    let found = limit(facts, CORE)?;
    right(found == (1, 1), || format!("RLIMIT_CORE is {}:{}, not 1:1", found.0, found.1))
}

/// Each as planned; one that nobody asked for may be lower, where the host's own hard limit is.
pub fn limits(facts: &[u8], expect: &Expect) -> Result<(), String> {
    expect.order.rlimits.iter().try_for_each(|planned| {
        let found = limit(facts, planned.resource)?;
        let is = found == (planned.soft, planned.hard);
        let lower = !planned.exact && found.0 <= planned.soft && found.1 <= planned.hard;
        right(is || lower, || format!("resource {} is limited to {}:{}", planned.resource, found.0, found.1))
    })
}

/// As planned.
pub fn oom_score(score: &[u8], expect: &Expect) -> Result<(), String> {
    let (found, planned): (i16, _) = (number(score)?, expect.order.oom_score_adj);
    right(found == planned, || format!("it is {found}, not {planned}"))
}

/// The first three.
pub fn descriptors(facts: &[u8], _: &Expect) -> Result<(), String> {
    let found = String::from_utf8_lossy(facts);
    right(found == "0\n1\n2\n", || format!("there are {}", found.trim_end().replace('\n', ", ")))
}

/// As given, in any order. Their values are nobody's to print.
pub fn variables(facts: &[u8], expect: &Expect) -> Result<(), String> {
    let mut found: Vec<&[u8]> = facts.split(|byte| *byte == 0).filter(|variable| !variable.is_empty()).collect();
    let mut given: Vec<&[u8]> = expect.order.env.iter().map(Vec::as_slice).collect();
    found.sort_unstable();
    given.sort_unstable();
    right(found == given, || format!("there are {} variables, and {} were given", found.len(), given.len()))
}

/// As planned; one that is not below the root would not begin with `/`.
pub fn directory(path: &[u8], expect: &Expect) -> Result<(), String> {
    right(path == expect.order.cwd, || format!("it is {:?}", String::from_utf8_lossy(path)))
}

/// As planned.
pub fn host_name(name: &[u8], expect: &Expect) -> Result<(), String> {
    right(name == expect.order.hostname.as_bytes(), || format!("it is {:?}", String::from_utf8_lossy(name)))
}

/// Every kind but the network's is not the host's.
pub fn own_namespaces(facts: &[u8], expect: &Expect) -> Result<(), String> {
    unlike_host(facts, expect, |kind| kind != NETWORK)
}

/// The network's is not the host's.
pub fn own_network(facts: &[u8], expect: &Expect) -> Result<(), String> {
    unlike_host(facts, expect, |kind| kind == NETWORK)
}

/// The network's name in `/proc/PID/ns`.
const NETWORK: &str = "net";

/// Of these kinds there is one, and it is not the host's: the same kinds with other numbers.
fn unlike_host(facts: &[u8], expect: &Expect, wanted: impl Fn(&str) -> bool) -> Result<(), String> {
    let kinds = |facts: &[u8]| -> Vec<(String, String)> {
        let text = String::from_utf8_lossy(facts).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.filter(|(kind, _)| wanted(kind)).map(|(kind, id)| (kind.to_owned(), id.to_owned())).collect()
    };
    let (own, host) = (kinds(facts), kinds(&expect.host_namespaces));
    right(!host.is_empty() && own.len() == host.len(), || "not every namespace is told".to_owned())?;
    let same = own.iter().find(|namespace| host.contains(namespace));
    same.map_or(Ok(()), |(kind, _)| Err(format!("the {kind} namespace is the host's")))
}

/// cgroup_namespaces(7): what is the root to a process is shown as `/`, in every hierarchy.
pub fn own_cgroup(facts: &[u8], _: &Expect) -> Result<(), String> {
    let text = String::from_utf8_lossy(facts);
    let other = text.lines().find(|line| !line.ends_with(":/"));
    right(!text.is_empty() && other.is_none(), || format!("it is {:?}", other.unwrap_or_default()))
}
