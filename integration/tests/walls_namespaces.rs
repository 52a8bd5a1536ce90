//! A cell has every namespace of its own, seen from inside and from outside.

use integration::inside::{Running, STAYS, status};
use integration::support::{lane, run};
use std::fs;

const KINDS: [&str; 7] = ["pid", "mnt", "net", "ipc", "uts", "user", "cgroup"];

/// The namespace of one kind of a process.
fn namespace(pid: &str, kind: &str) -> String {
    let link =
        fs::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap_or_else(|error| panic!("{kind} of {pid}: {error}"));
    link.to_str().expect("a namespace's name is text").to_owned()
}

#[test]
fn no_process_of_a_cell_shares_a_namespace_with_the_host() {
    let cell = Running::cell(&[], STAYS);
    for kind in KINDS {
        let host = namespace("self", kind);
        let (first, leader) = (namespace(&cell.first().to_string(), kind), namespace(&cell.leader().to_string(), kind));
        assert_ne!(first, host, "PID 1 shares {kind} with the host");
        assert_eq!(leader, first, "the leader's {kind} is not its PID 1's");
    }
    // The control: the keeper is a process of the host.
    for kind in KINDS {
        assert_eq!(namespace(&cell.keeper().to_string(), kind), namespace("self", kind));
    }
    assert_eq!(cell.end().code, 0);
}

#[test]
fn two_cells_share_no_namespace_with_each_other() {
    let (one, other) = (Running::cell(&[], STAYS), Running::cell(&[], STAYS));
    for kind in KINDS {
        let pair = [&one, &other].map(|cell| namespace(&cell.leader().to_string(), kind));
        assert_ne!(pair[0], pair[1], "{kind}");
    }
    // The later one first: what is left is compared with what was there when it began.
    assert_eq!(other.end().code, 0);
    assert_eq!(one.end().code, 0);
}

#[test]
fn with_the_hosts_network_only_the_network_is_the_hosts() {
    let cell = Running::cell(&["--net", "host"], STAYS);
    for kind in KINDS {
        let same = namespace(&cell.leader().to_string(), kind) == namespace("self", kind);
        assert_eq!(same, kind == "net", "{kind}");
    }
    assert_eq!(cell.end().code, 0);
}

#[test]
fn the_target_is_one_of_the_first_processes_and_sees_only_its_own() {
    let ran = run(&["--", "sh", "-c", "echo $$; for p in /proc/[0-9]*; do cat $p/comm; done"]);
    let mut lines = ran.out.lines();
    let pid: u32 = lines.next().and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("no pid in {ran:?}"));
    assert!(pid <= 3, "{ran:?}");
    let seen: Vec<&str> = lines.collect();
    assert!(!seen.is_empty() && seen.iter().all(|name| ["sh", "cat"].contains(name)), "foreign processes: {ran:?}");
}

#[test]
fn a_cells_processes_have_pids_of_its_own_namespace() {
    let cell = Running::cell(&[], STAYS);
    // NSpid: the process's id in each namespace from the host's to its own.
    let inner = |pid| status(pid, "NSpid").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(inner(cell.first())[1..], ["1"]);
    assert_eq!(inner(cell.leader())[1..], ["2"]);
    assert_eq!(cell.end().code, 0);
}

#[test]
fn the_host_name_is_neutral_or_the_one_asked_for_and_never_the_hosts() {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("the host's name");
    let name = |flags: &[&str]| run(&[flags, &["--", "uname", "-n"]].concat()).out;
    assert_eq!(name(&[]), "cell\n");
    assert_eq!(name(&["--hostname", "a-b.c9"]), "a-b.c9\n");
    assert_ne!(host.trim(), "cell", "the control: this host is named otherwise");
    assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").expect("the host's name"), host, "the host was renamed");
}

#[test]
fn the_cgroup_is_seen_as_the_root() {
    let ran = run(&["--", "cat", "/proc/self/cgroup"]);
    // Beside v1 hierarchies, on a hybrid host, the last line is the one of v2.
    assert_eq!(ran.out.lines().last(), Some("0::/"), "{ran:?}");
    if !lane().is_empty() {
        assert_eq!(ran.out, "0::/\n", "there is nothing but v2 here");
    }
    let cell = Running::cell(&[], STAYS);
    let outside = fs::read_to_string(format!("/proc/{}/cgroup", cell.leader())).expect("the leader's cgroup");
    assert!(outside.contains("/ironcell/"), "the control: on the host it is a cgroup of ours: {outside}");
    assert_eq!(cell.end().code, 0);
}
