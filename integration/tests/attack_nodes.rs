//! Out of the cell by device nodes that lie about, by handles of files, and by owners.

use integration::attack::{attack, attack_outside};
use integration::inside::{scratch, text};
use integration::limits::shell;
use integration::support::run;
use std::os::unix::fs::MetadataExt;

#[test]
fn a_device_node_that_the_host_left_in_a_directory_opens_nothing() {
    let directory = scratch();
    let place = text(directory.path());
    // The kernel's log and a disk, open to everybody: whoever can open them needs no other privilege.
    shell(&format!("cd {place} && mknod -m 666 log c 1 11 && mknod -m 666 zero c 1 5 && mknod -m 666 disk b 259 0"));
    let bind = format!("{place}:/d");
    let words = ["open", "r", "/d/log", "/d/zero", "/d/disk"];
    for user in ["1000", "0"] {
        for access in ["--ro", "--rw"] {
            let answers = attack(&[access, &bind, "--user", user], &words);
            assert!(answers.values().all(|answer| answer == "EACCES"), "{access}, user {user}: {answers:?}");
        }
    }
    let outside = attack_outside(&["open", "r", &format!("{place}/zero"), &format!("{place}/disk")]);
    assert!(outside.values().all(|answer| answer == "ok 1"), "the control: outside they open: {outside:?}");
}

#[test]
fn no_file_is_opened_by_a_handle_that_was_made_up() {
    let directory = scratch();
    let bind = format!("{}:/d", text(directory.path()));
    for user in ["1000", "0"] {
        for place in ["/usr", "/d"] {
            let answers = attack(&["--rw", &bind, "--user", user], &["handles", place]);
            assert_eq!(answers["root-by-handle"], "EPERM", "user {user}, {place}");
        }
    }
    let outside = attack_outside(&["handles", text(directory.path())]);
    assert!(outside["root-by-handle"].starts_with("ok"), "the control: the host's root can: {outside:?}");
}

#[test]
fn the_hosts_owners_are_nobody_inside_and_nothing_can_be_given_to_them() {
    let directory = scratch();
    let bind = format!("{}:/d", text(directory.path()));
    let script = "stat -c '%u %g' /usr/bin/env /usr; echo x > /d/file; chown 65534:65534 /d/file; chown 4294967294 /d/file; \
                  chmod 4755 /d/file; exit 0";
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--rw", &bind, "--", "sh", "-c", script]);
        assert_eq!(ran.out, "65534 65534\n65534 65534\n", "{ran:?}");
        assert_eq!(ran.err.lines().count(), 3, "each is refused: {ran:?}");
        let found = directory.path().join("file").metadata().expect("there");
        // The owner is the directory's, which is what --rw promises; the set-user-id bit is what makes that harmless.
        assert_eq!((found.uid(), found.mode() & 0o7777), (0, 0o644), "user {user}");
    }
}
