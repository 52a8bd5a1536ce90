//! The tables beside each other: every promise has its attempts, every attempt its promise, and every check tells right
//! from wrong.

use super::*;
use crate::os::attempt::{Control, Deed};
use crate::plan::{Plan, host};
use promises::Rule;
use std::collections::BTreeSet;

fn expect() -> Expect {
    let spec = JobSpec::command("true").build().expect("a job");
    let order = Plan::of(&spec, &host::example()).expect("a plan").order;
    let host_namespaces = b"mnt mnt:[1]\nuser user:[2]\nnet net:[3]\n".to_vec();
    Expect { order, holds_oom_score: true, host_namespaces }
}

#[test]
fn every_promise_has_a_name_of_its_own_a_sentence_and_a_proof() {
    let mut names = BTreeSet::from([promises::PIDS_MAX, promises::MEMORY_MAX]);
    for promise in promises::all() {
        assert!(names.insert(promise.name), "{} stands twice", promise.name);
        assert!(promise.sentence.ends_with('.') && !promise.proofs.is_empty(), "{}", promise.name);
    }
    assert!(names.len() > 50, "{}", names.len());
}

#[test]
fn every_attempt_is_of_some_promise_and_every_proof_is_an_attempt() {
    let proofs = || promises::all().flat_map(|promise| promise.proofs);
    let mut names = BTreeSet::new();
    for attempt in attempt::all() {
        assert!(names.insert(attempt.name), "{} stands twice", attempt.name);
        assert!(proofs().any(|proof| proof.attempt == attempt.name), "{} is for nothing", attempt.name);
        let from_host = matches!(attempt.deed, Deed::FromHost(_));
        assert_eq!(matches!(attempt.control, Control::Ourselves), from_host, "{}", attempt.name);
    }
    for proof in proofs() {
        assert!(names.contains(proof.attempt), "{} is never tried", proof.attempt);
        assert!(!words(proof.attempt).is_empty());
    }
}

/// The table of a cell of the example plan, as the kernel would write it.
fn table() -> Vec<String> {
    expect()
        .mounts()
        .iter()
        .enumerate()
        .map(|(index, mount)| {
            let path = String::from_utf8_lossy(&mount.path).replace(' ', "\\040");
            let access = if mount.writable { "rw" } else { "ro" };
            let (flags, kind, settings) = match mount.kind {
                expect::MountKind::Host => ("nosuid,nodev", "ext4", "rw"),
                expect::MountKind::Tmpfs => ("nosuid,nodev", "tmpfs", "rw,mode=755"),
                expect::MountKind::Device => ("nosuid,noexec", "devtmpfs", "rw"),
                expect::MountKind::Proc => ("nosuid,nodev,noexec", "proc", "rw,hidepid=invisible,subset=pid"),
                expect::MountKind::Pts => ("nosuid,noexec", "devpts", "rw,gid=5"),
                expect::MountKind::Sys => ("nosuid,nodev,noexec", "sysfs", "rw"),
                expect::MountKind::Cover => ("nosuid,nodev,noexec", "tmpfs", "rw,mode=555"),
            };
            format!("{index} 1 0:{index} / {path} {access},{flags} - {kind} none {settings}")
        })
        .collect()
}

/// A check of the mount table.
type TableCheck = fn(&[u8], &Expect) -> Result<(), String>;

#[test]
fn a_cells_own_mount_table_is_right_in_every_way() {
    let text = table().join("\n");
    let checks: [TableCheck; 7] = [
        mounts::planned,
        mounts::without_set_id,
        mounts::without_devices,
        mounts::without_exec,
        mounts::private,
        mounts::read_only,
        mounts::own_proc,
    ];
    for (index, check) in checks.into_iter().enumerate() {
        assert_eq!(check(text.as_bytes(), &expect()), Ok(()), "check {index} of {text}");
        for nonsense in [&b""[..], b"nonsense", b"1 2 3 4 5 6 7"] {
            assert!(check(nonsense, &expect()).is_err(), "check {index}");
        }
    }
}

#[test]
fn each_flag_that_is_missing_from_the_mount_table_is_noticed() {
    let without = |place: &str, flag: &str, instead: &str| {
        let changed = |line: String| {
            let words: Vec<&str> = line.split(' ').collect();
            if words[4] == place { line.replace(flag, instead) } else { line }
        };
        table().into_iter().map(changed).collect::<Vec<_>>().join("\n")
    };
    let cases: [(TableCheck, &str, &str, &str); 10] = [
        (mounts::planned, "/usr", " ro,", " rw,"),
        (mounts::planned, "/", " ro,", " rw,"),
        (mounts::planned, "/usr", " /usr ", " /opt "),
        (mounts::without_set_id, "/usr", "nosuid", "relatime"),
        (mounts::without_devices, "/tmp", "nodev", "relatime"),
        (mounts::without_exec, "/proc", "noexec", "relatime"),
        (mounts::private, "/usr", " - ", " shared:7 - "),
        (mounts::private, "/", " - ", " master:7 - "),
        (mounts::read_only, "/usr", " ro,", " rw,"),
        (mounts::own_proc, "/proc", ",subset=pid", ""),
    ];
    for (index, (check, place, flag, instead)) in cases.into_iter().enumerate() {
        assert!(check(without(place, flag, instead).as_bytes(), &expect()).is_err(), "case {index}: {flag} of {place}");
    }
}

#[test]
fn the_hosts_root_beside_the_cells_own_is_noticed() {
    let mut lines = table();
    lines.push("99 1 8:1 / / ro,nosuid,nodev - ext4 /dev/vda1 rw".to_owned());
    assert_eq!(mounts::planned(lines.join("\n").as_bytes(), &expect()), Err("there is more than one root".to_owned()));
}

/// What a cell's process should say of itself.
const STATUS: &str = "Uid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t \n\
    SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n\
    CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";

#[test]
fn each_line_of_the_status_is_told_right_from_wrong() {
    let cases: [(TableCheck, &str, &str); 12] = [
        (checks::no_capabilities, "CapBnd:\t0000000000000000", "CapBnd:\t0000000000000001"),
        (checks::no_capabilities, "CapInh:\t0000000000000000", "CapInh:\t000001ffffffffff"),
        (checks::no_capabilities, "CapAmb:\t0000000000000000\n", ""),
        (checks::no_new_privs, "NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        (checks::filtered, "Seccomp:\t2", "Seccomp:\t0"),
        (checks::ids, "Uid:\t1000", "Uid:\t0"),
        (checks::ids, "Gid:\t1000\t1000\t1000\t1000", "Gid:\t1000\t1000\t1000\t5"),
        (checks::not_root, "Uid:\t1000\t1000", "Uid:\t1000\t0"),
        (checks::no_groups, "Groups:\t ", "Groups:\t0 "),
        (checks::signals, "SigBlk:\t0000000000000000", "SigBlk:\t0000000000000002"),
        (checks::signals, "SigIgn:\t0000000000001000", "SigIgn:\t0000000000001001"),
        (checks::signals, "SigBlk:", "SigBulk:"),
    ];
    for (index, (check, right, wrong)) in cases.into_iter().enumerate() {
        assert_eq!(check(STATUS.as_bytes(), &expect()), Ok(()), "case {index}");
        let changed = STATUS.replace(right, wrong);
        assert_ne!(changed, STATUS, "case {index} changes nothing");
        assert!(check(changed.as_bytes(), &expect()).is_err(), "case {index}: {wrong}");
    }
}

#[test]
fn each_look_is_told_right_from_wrong() {
    let map = "         0 1879048192      65536\n";
    let both = format!("{map}{map}");
    let half = format!("{map}         0          0      65536\n");
    let cases: [(TableCheck, &str, &[&str]); 13] = [
        (checks::secure_bits, "239", &["47", "0", "x", ""]),
        (checks::nobody_outside, &both, &[map, &half, "0 0 4294967295\n0 0 4294967295\n", "0 1879048193 65536\n", ""]),
        (checks::made_inside, "0 0", &["65534 65534", "0 65534", ""]),
        (checks::owned_by_nobody, "1879048192", &["0", "1000", ""]),
        (checks::own_session, "2 2", &["2 0", "2 1", "2", ""]),
        (checks::no_core, "4 1 1\n", &["4 0 0\n", "4 1 2\n", "5 1 1\n", ""]),
        (checks::oom_score, "500\n", &["0\n", "-1000\n", ""]),
        (checks::descriptors, "0\n1\n2\n", &["0\n1\n2\n3\n", "0\n1\n", ""]),
        (checks::directory, "/srv/project", &["/", "(unreachable)/srv/project", ""]),
        (checks::host_name, "cell", &["host", ""]),
        (
            checks::own_namespaces,
            "mnt mnt:[7]\nuser user:[8]\nnet net:[3]",
            &["mnt mnt:[1]\nuser user:[8]\n", "", "mnt mnt:[7]"],
        ),
        (checks::own_network, "net net:[9]\n", &["net net:[3]\n", ""]),
        (checks::own_cgroup, "1:cpu:/\n0::/\n", &["0::/ironcell/x\n", ""]),
    ];
    for (index, (check, right, wrong)) in cases.into_iter().enumerate() {
        assert_eq!(check(right.as_bytes(), &expect()), Ok(()), "case {index}");
        for wrong in wrong {
            assert!(check(wrong.as_bytes(), &expect()).is_err(), "case {index}: {wrong:?}");
        }
    }
}

#[test]
fn variables_are_those_that_were_given() {
    let given: Vec<u8> = expect().order.env.iter().flat_map(|variable| [variable.as_slice(), b"\0"].concat()).collect();
    assert!(!given.is_empty());
    assert_eq!(checks::variables(&given, &expect()), Ok(()));
    for wrong in [&b""[..], &[given.as_slice(), b"LD_PRELOAD=x\0"].concat()] {
        let error = checks::variables(wrong, &expect()).expect_err("wrong");
        assert!(!error.contains("LD_PRELOAD"), "values and names are nobody's to print: {error}");
    }
}

#[test]
fn limits_are_those_of_the_plan_or_lower_where_nobody_asked() {
    let shown = |less: u64| -> String {
        let line = |limit: &init_shim::wire::Rlimit| {
            format!("{} {} {}\n", limit.resource, limit.soft.saturating_sub(less), limit.hard.saturating_sub(less))
        };
        expect().order.rlimits.iter().map(line).collect()
    };
    assert_eq!(checks::limits(shown(0).as_bytes(), &expect()), Ok(()));
    assert_eq!(checks::limits(shown(1).as_bytes(), &expect()), Ok(()));
    let mut exact = expect();
    exact.order.rlimits.iter_mut().for_each(|limit| limit.exact = true);
    assert!(checks::limits(shown(1).as_bytes(), &exact).is_err());
    assert!(checks::limits(b"", &expect()).is_err());
}

#[test]
fn the_first_process_has_one_right_and_a_user_of_its_own() {
    let id = 0x7000_0000 + 65535;
    let ids = format!("{id}\t{id}\t{id}\t{id}");
    let status = format!(
        "Uid:\t{ids}\nGid:\t{ids}\nGroups:\t\nCapInh:\t0\nCapPrm:\t20\nCapEff:\t20\nCapBnd:\t0\nCapAmb:\t0\n\
         NoNewPrivs:\t1\nSeccomp:\t2\nDescriptors:\t7\n"
    );
    assert_eq!(checks::first_process(status.as_bytes(), &expect()), Ok(()));
    for (right, wrong) in [
        ("CapEff:\t20", "CapEff:\t21"),
        ("CapBnd:\t0", "CapBnd:\t20"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0"),
        ("Seccomp:\t2", "Seccomp:\t0"),
        ("Descriptors:\t7", "Descriptors:\t8"),
        (ids.as_str(), "0\t0\t0\t0"),
        ("Groups:\t", "Groups:\t4"),
    ] {
        let changed = status.replace(right, wrong);
        assert!(checks::first_process(changed.as_bytes(), &expect()).is_err(), "{wrong}");
    }
}

#[test]
fn a_look_and_an_attempt_are_never_taken_for_each_other() {
    for promise in promises::all() {
        for proof in promise.proofs {
            let looks = words(proof.attempt).starts_with("a look ");
            assert_eq!(matches!(proof.rule, Rule::Is(_)), looks, "{}: {}", promise.name, proof.attempt);
        }
    }
}
