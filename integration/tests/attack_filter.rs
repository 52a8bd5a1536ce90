//! Out of the cell by the kernel itself: what the filter of system calls leaves is an allow list, whatever the numbers are.

use integration::attack::{attack, attack_in_bubblewrap, attack_outside};

/// SIGSYS.
const ENDED: &str = "signal31";

/// Families of sockets that a job may make: UNIX, INET, INET6, NETLINK.
const FAMILIES: [&str; 4] = ["1", "2", "10", "16"];

#[test]
fn calls_that_have_broken_kernels_are_refused() {
    for profile in ["strict", "default"] {
        for user in ["1000", "0"] {
            for (call, answer) in attack(&["--profile", profile, "--user", user], &["calls"]) {
                assert!(["EPERM", "ENOSYS"].contains(&answer.as_str()), "{profile}, user {user}: {call} {answer}");
            }
        }
    }
    let outside = attack_outside(&["calls"]);
    let refused = outside.iter().filter(|(_, answer)| *answer == "EPERM").count();
    assert_eq!(refused, 0, "the control: the host's root is refused none: {outside:?}");
    // What namespaces and capabilities alone leave: the keyrings, io_uring, performance counters and other processes.
    let other = attack_in_bubblewrap(&[], &["calls"]);
    for call in ["add_key", "join-keyring", "io_uring_setup", "perf_event_open", "process_vm_readv", "ptrace", "kcmp"] {
        assert!(!["EPERM", "ENOSYS"].contains(&other[call].as_str()), "bubblewrap leaves {call}: {other:?}");
    }
}

#[test]
fn the_profiles_for_builds_open_the_jobs_own_processes_and_nothing_else() {
    const OWN: [&str; 4] = ["process_vm_readv", "process_vm_writev", "ptrace", "kcmp"];
    for profile in ["build", "compat"] {
        for (call, answer) in attack(&["--profile", profile], &["calls"]) {
            let refused = ["EPERM", "ENOSYS"].contains(&answer.as_str());
            assert!(refused || OWN.contains(&call.as_str()), "{profile}: {call} {answer}");
        }
    }
}

#[test]
fn calls_by_another_architectures_numbers_end_the_process() {
    let answers = attack(&[], &["foreign"]);
    assert!(answers["native"].starts_with("ok"), "the control: by the machine's own they are made: {answers:?}");
    if cfg!(target_arch = "x86_64") {
        assert_eq!((answers["x32"].as_str(), answers["int80"].as_str()), (ENDED, ENDED), "{answers:?}");
        let outside = attack_outside(&["foreign"]);
        assert!(outside["int80"].starts_with("ok"), "the control: this kernel has them: {outside:?}");
        // Debian's kernel knows x32 and is not told to use it; the filter must not count on that.
        assert_eq!(outside["x32"], "ENOSYS");
    }
}

#[test]
fn what_no_filter_can_look_into_is_answered_as_by_a_kernel_without_it() {
    let answers = attack(&[], &["foreign"]);
    assert_eq!((answers["clone3-plain"].as_str(), answers["unknown"].as_str()), ("ENOSYS", "ENOSYS"), "{answers:?}");
    assert!(attack_outside(&["foreign"])["clone3-plain"].starts_with("ok"), "the control: this kernel has clone3");
}

#[test]
fn no_family_of_sockets_but_four_can_be_made() {
    for flags in [&[][..], &["--net", "host"], &["--user", "0"], &["--profile", "compat"]] {
        let answers = attack(flags, &["families"]);
        for (call, answer) in answers.iter().filter(|(_, answer)| answer.starts_with("ok")) {
            let words: Vec<&str> = call.split('-').collect();
            let netlink_route = words[1] != "16" || words[3] == "0";
            let raw = words[0] == "socket" && words[1] != "1" && words[1] != "16" && words[2] == "3";
            assert!(FAMILIES.contains(&words[1]) && netlink_route && !raw, "{flags:?}: {call} {answer}");
            assert!(words[0] == "socket" || words[1] == "1", "{flags:?}: pairs are of UNIX alone: {call}");
        }
        for made in ["socket-1-1-0", "socket-2-1-0", "socket-2-2-0", "socket-10-1-0", "socket-16-3-0"] {
            assert!(answers.contains_key(made), "{flags:?}: {made} works: {answers:?}");
        }
        for family in ["38", "40", "17", "44"] {
            assert_eq!(answers[&format!("family-{family}")], "EAFNOSUPPORT", "{flags:?}");
        }
    }
    // AF_ALG (CVE-2026-31431) and AF_VSOCK, which leads to whoever runs the machine, are there for others.
    let other = attack_in_bubblewrap(&[], &["families"]);
    assert!(other.contains_key("socket-38-5-0") && other.contains_key("socket-40-1-0"), "the control: {other:?}");
}

#[test]
fn in_strict_no_socket_can_be_made_but_pairs() {
    let answers = attack(&["--profile", "strict"], &["families"]);
    let made: Vec<&String> =
        answers.iter().filter(|(_, answer)| answer.starts_with("ok")).map(|(call, _)| call).collect();
    assert_eq!(made, ["pair-1"]);
}
