//! A job is nobody on the host: ids of its own, no privilege, and no way to gain any.

use integration::inside::{Running, STAYS, look, look_outside, scratch, status};
use integration::support::run;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The first of the host ids that are cells'.
const FIRST: u32 = 0x7000_0000;

/// The four ids of a process: real, effective, saved, file system.
fn ids(pid: i32, field: &str) -> Vec<u32> {
    status(pid, field).split_whitespace().map(|id| id.parse().expect("a number")).collect()
}

#[test]
fn the_job_is_user_1000_or_the_one_asked_for_without_other_groups() {
    let id = |flags: &[&str]| run(&[flags, &["--", "sh", "-c", "id -u; id -g; id -G; id -un"]].concat()).out;
    assert_eq!(id(&[]), "1000\n1000\n1000\njob\n");
    assert_eq!(id(&["--user", "0"]), "0\n0\n0\nroot\n");
    assert_eq!(id(&["--user", "7:8"]), "7\n8\n8\njob\n");
    assert_eq!(id(&["--user", "65533:65533"]), "65533\n65533\n65533\njob\n");
    let refused = run(&["--user", "65534", "--", "true"]);
    assert_eq!(refused.code, 125, "{refused:?}");
}

#[test]
fn on_the_host_every_cell_is_a_user_that_no_other_cell_is() {
    let (one, other) = (Running::cell(&[], STAYS), Running::cell(&["--user", "0"], STAYS));
    let mut ranges = Vec::new();
    for (cell, user) in [(&one, 1000), (&other, 0)] {
        for field in ["Uid", "Gid"] {
            let found = ids(cell.leader(), field);
            assert!(found.iter().all(|id| *id == found[0] && *id >= FIRST), "{field} {found:?}");
            assert_eq!(found[0] % 65536, user, "{field} {found:?}");
            // PID 1 is a user of its own, so that the job cannot signal it.
            assert_eq!(ids(cell.first(), field), [found[0] - user + 65535; 4]);
        }
        assert_eq!(status(cell.leader(), "Groups"), "");
        ranges.push(ids(cell.leader(), "Uid")[0] / 65536);
    }
    assert_ne!(ranges[0], ranges[1], "two cells at once have the same ids");
    assert_eq!(other.end().code, 0);
    assert_eq!(one.end().code, 0);
}

#[test]
fn no_set_of_capabilities_holds_any_and_none_can_be_gained() {
    for user in ["1000", "0"] {
        let cell = Running::cell(&["--user", user], STAYS);
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status(cell.leader(), set), "0000000000000000", "{set} of user {user}");
        }
        assert_eq!(status(cell.leader(), "NoNewPrivs"), "1");
        // What stays as PID 1 can signal its job (CAP_KILL is number 5), and nothing else.
        assert_eq!(status(cell.first(), "CapEff"), "0000000000000020");
        assert_eq!(status(cell.first(), "CapPrm"), "0000000000000020");
        assert_eq!(cell.end().code, 0);
    }
    assert_ne!(status(std::process::id() as i32, "CapEff"), "0000000000000000", "the control: tests run as root");
}

#[test]
fn privileged_calls_are_refused_to_every_user_of_a_cell() {
    for user in ["1000", "0"] {
        let answers = look(&["--user", user], &["privilege"]);
        for (call, answer) in &answers {
            // To be what one is already is no gain.
            let own = call == "setuid-0" && user == "0";
            let refused = ["EPERM", "EINVAL", "ENOSYS"].contains(&answer.as_str());
            assert!(own || refused, "user {user}: {call} {answer}");
        }
        assert!(answers.len() >= 12, "{answers:?}");
    }
}

#[test]
fn a_set_user_id_program_gains_nothing() {
    let directory = scratch();
    let program = directory.path().join("id");
    fs::copy("/usr/bin/id", &program).expect("copied");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).expect("set");
    let outside = std::process::Command::new("setpriv")
        .args(["--reuid", "1000", "--regid", "1000", "--clear-groups"])
        .args([program.to_str().expect("text"), "-u"])
        .output()
        .expect("setpriv");
    assert_eq!(String::from_utf8_lossy(&outside.stdout), "0\n", "the control: outside it gains root: {outside:?}");
    let bind = format!("{}:/bound", directory.path().display());
    for access in ["--ro", "--rw"] {
        let ran = run(&[access, &bind, "--", "sh", "-c", "/bound/id -u; /bound/id -ru"]);
        assert_eq!(ran.out, "1000\n1000\n", "{access}: {ran:?}");
    }
}

#[test]
fn a_file_with_capabilities_gives_none() {
    let directory = scratch();
    let program = directory.path().join("cat");
    fs::copy("/usr/bin/cat", &program).expect("copied");
    let set = std::process::Command::new("setcap").arg("cap_net_admin+ep").arg(&program).status().expect("setcap");
    assert!(set.success());
    let bind = format!("{}:/bound", directory.path().display());
    let ran = run(&["--ro", &bind, "--", "/bound/cat", "/proc/self/status"]);
    assert!(ran.out.contains("CapEff:\t0000000000000000"), "{ran:?}");
    let outside = std::process::Command::new(&program).arg("/proc/self/status").output().expect("cat");
    assert!(!String::from_utf8_lossy(&outside.stdout).contains("CapEff:\t0000000000000000"), "the control");
}

#[test]
fn device_nodes_cannot_be_made_where_the_job_may_write() {
    let directory = scratch();
    let bind = format!("{}:/out", directory.path().display());
    for user in ["1000", "0"] {
        for place in ["/tmp", "/out"] {
            let answers = look(&["--rw", &bind, "--user", user], &["devices", place]);
            assert!(answers.values().all(|answer| answer == "EPERM"), "user {user} in {place}: {answers:?}");
        }
    }
    let text = directory.path().to_str().expect("text");
    assert!(look_outside(&["devices", text])["kmsg"].starts_with("ok"), "the control: the host's root can");
}
