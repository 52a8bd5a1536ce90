//! `--rw`: what a job writes to a directory of the host belongs to that directory's owner, whoever the job is.

use integration::inside::{scratch, text};
use integration::support::run;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

/// Everything below a directory: path, owner, group.
fn owners(directory: &Path) -> Vec<(String, u32, u32)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).expect("listed").flatten() {
        let found = entry.path().symlink_metadata().expect("it is there");
        if found.is_dir() {
            all.extend(owners(&entry.path()));
        }
        all.push((text(&entry.path()).to_owned(), found.uid(), found.gid()));
    }
    all
}

const MAKES: &str = "umask 077; echo x > /out/file; mkdir -p /out/a/b; echo y > /out/a/b/deep; ln -s x /out/link; \
                     mkfifo /out/pipe; cp /bin/true /out/a/prog; chmod 755 /out/a/prog; ln /out/file /out/hard; \
                     stat -c '%u %g' /out /out/file /out/a/b/deep";

#[test]
fn what_a_job_makes_belongs_to_the_owner_of_the_directory() {
    for (owner, group) in [(0, 0), (1000, 1000), (4321, 99)] {
        for (user, seen) in [("1000", "1000 1000"), ("0", "0 0"), ("7:8", "7 8")] {
            let directory = scratch();
            chown(directory.path(), Some(owner), Some(group)).expect("given away");
            let bind = format!("{}:/out", text(directory.path()));
            let ran = run(&["--user", user, "--rw", &bind, "--", "sh", "-e", "-c", MAKES]);
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{owner} {user}: {ran:?}");
            assert_eq!(ran.out, format!("{seen}\n").repeat(3), "inside they are the job's own");
            let found = owners(directory.path());
            assert_eq!(found.len(), 8, "{found:?}");
            assert!(found.iter().all(|(_, uid, gid)| (*uid, *gid) == (owner, group)), "{owner}:{group}: {found:?}");
        }
    }
}

#[test]
fn files_of_others_stay_the_others() {
    let directory = scratch();
    chown(directory.path(), Some(1000), Some(1000)).expect("given away");
    let theirs = directory.path().join("theirs");
    fs::write(&theirs, "root's\n").expect("written");
    let bind = format!("{}:/out", text(directory.path()));
    let script = "stat -c '%u %g' /out/theirs; cat /out/theirs; echo x >> /out/theirs; chmod 777 /out/theirs; chown 1000 /out/theirs";
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--rw", &bind, "--", "sh", "-c", script]);
        assert_eq!(ran.out, "65534 65534\nroot's\n", "user {user}: {ran:?}");
        // Each of the three is refused, whatever the kernel's word for it: an id that nobody maps is EPERM or EOVERFLOW.
        assert!(ran.code != 0 && ran.err.lines().count() == 3, "{ran:?}");
    }
    assert_eq!(fs::read_to_string(&theirs).expect("there"), "root's\n");
    let found = theirs.metadata().expect("there");
    assert_eq!((found.uid(), found.mode() & 0o7777), (0, 0o644));
}

#[test]
fn a_job_cannot_give_its_files_to_anybody_else() {
    let directory = scratch();
    let bind = format!("{}:/out", text(directory.path()));
    let script = "echo x > /out/f; for id in 0 1 1000 1001 65535; do chown $id /out/f 2>/dev/null; chgrp $id /out/f 2>/dev/null; done; exit 0";
    for user in ["1000", "0"] {
        assert_eq!(run(&["--user", user, "--rw", &bind, "--", "sh", "-c", script]).code, 0);
        let found = directory.path().join("f").metadata().expect("there");
        assert_eq!((found.uid(), found.gid()), (0, 0), "user {user}");
    }
}

#[test]
fn a_single_file_can_be_written_to() {
    let directory = scratch();
    let file = directory.path().join("file");
    fs::write(&file, "old\n").expect("written");
    chown(&file, Some(1000), Some(1000)).expect("given away");
    let ran = run(&["--rw", &format!("{}:/f", text(&file)), "--", "sh", "-c", "cat /f; echo new > /f"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "old\n"), "{ran:?}");
    assert_eq!(fs::read_to_string(&file).expect("read"), "new\n");
    assert_eq!(file.metadata().expect("there").uid(), 1000);
}

#[test]
fn a_file_system_that_cannot_be_id_mapped_is_refused_in_words() {
    // tmpfs learned it in 6.3; on older kernels the file would belong to a stray user.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("the kernel's release");
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).expect("a number");
    let mut parts = release.split(['.', '-']);
    let knows = (number(parts.next()), number(parts.next())) >= (6, 3);
    let directory = tempfile::tempdir_in("/dev/shm").expect("a directory on tmpfs");
    let path = text(directory.path()).to_owned();
    let ran = run(&["--rw", &format!("{path}:/out"), "--", "sh", "-c", "echo x > /out/file"]);
    if knows {
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
        assert_eq!(owners(directory.path()), [(format!("{path}/file"), 0, 0)]);
    } else {
        let expected = format!(
            "ironcell: failed to map the owner of the writable directory to the job's user (an id-mapped mount) {path}: \
             Invalid argument (errno 22); this file system cannot be id-mapped on this kernel: use a directory on ext4, \
             xfs or btrfs, or a newer kernel\n"
        );
        assert_eq!((ran.code, ran.err), (125, expected));
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 0);
    }
}
