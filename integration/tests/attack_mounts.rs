//! Out of the cell by mounts, other roots and other namespaces: none can be made, entered or changed.

use integration::attack::{attack, attack_in_bubblewrap, attack_outside};
use integration::support::run;

#[test]
fn no_kind_of_file_system_can_be_mounted_by_the_old_call_or_the_new_ones() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &["mounts", "/tmp"]);
        for (call, answer) in &answers {
            assert!(["EPERM", "ENOSYS"].contains(&answer.as_str()), "user {user}: {call} {answer}");
        }
        assert!(answers.len() >= 29, "{answers:?}");
    }
    let other = attack_in_bubblewrap(&[], &["mounts", "/tmp"]);
    for call in ["mount-proc", "mount-sysfs", "mount-tmpfs", "mount-cgroup2", "mount-overlay", "fsopen-tmpfs", "bind"] {
        assert!(other[call].starts_with("ok"), "the control: root in bubblewrap can: {call} in {other:?}");
    }
}

#[test]
fn no_namespace_that_proc_shows_can_be_entered() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user], &["setns"]);
        for (namespace, answer) in &answers {
            // EINVAL: to enter the user namespace that one is in is no change, which the kernel refuses before it asks.
            let refused = answer == "EPERM" || answer == "EINVAL" && namespace.ends_with("-user");
            assert!(refused, "user {user}: {namespace} {answer}");
        }
        assert!(answers.len() >= 8, "{answers:?}");
    }
    let other = attack_in_bubblewrap(&[], &["setns"]);
    assert!(other["1-mnt"].starts_with("ok"), "the control: in bubblewrap they can: {other:?}");
}

#[test]
fn no_flag_of_clone_makes_a_namespace_however_it_is_dressed() {
    for user in ["1000", "0"] {
        for (call, answer) in attack(&["--user", user], &["clone"]) {
            assert!(["EPERM", "ENOSPC", "ENOSYS"].contains(&answer.as_str()), "user {user}: {call} {answer}");
        }
    }
    let outside = attack_outside(&["clone"]);
    assert!(outside["user-above"].starts_with("ok") && outside["mount-plain"].starts_with("ok"), "{outside:?}");
}

#[test]
fn another_root_and_a_descriptor_above_it_lead_nowhere() {
    for user in ["1000", "0"] {
        let answers = attack(&["--user", user, "--cwd", "/"], &["breakout"]);
        assert_eq!((answers["chroot"].as_str(), answers["chroot-up"].as_str()), ("EPERM", "EPERM"), "{answers:?}");
        for place in ["/home", "/root", "/run", "/var", "/srv/work"] {
            assert_eq!(answers[place], "ENOENT", "user {user}: {answers:?}");
        }
    }
    let other = attack_in_bubblewrap(&[], &["breakout"]);
    assert_eq!(other["chroot"], "ok 0", "the control: in bubblewrap root has chroot: {other:?}");
}

#[test]
fn there_is_no_cgroup_file_system_to_make_cgroups_in() {
    let script =
        "cut -d' ' -f9 /proc/self/mountinfo; ls /sys /sys/fs/cgroup; find / -xdev -name 'cgroup.*' 2>/dev/null";
    let ran = run(&["--user", "0", "--", "sh", "-c", script]);
    assert!(!ran.out.contains("cgroup") && ran.out.contains("tmpfs"), "{ran:?}");
    assert_eq!(ran.err.matches("No such file").count(), 2, "{ran:?}");
    assert!(integration::support::cgroup_mount().join("cgroup.procs").exists(), "the control: the host has one");
}
