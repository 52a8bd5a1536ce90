//! `--rootfs DIR`: another tree as the job's `/`, read-only unless asked otherwise, with what every cell has of its own.

use integration::inside::{look_path, scratch, text};
use integration::support::{Ran, run};
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A small tree: a shell, `ls`, `cat`, what they need, and the places that every cell mounts on.
fn tree() -> TempDir {
    let directory = scratch();
    let root = directory.path();
    for place in ["bin", "dev", "proc", "tmp", "etc"] {
        fs::create_dir(root.join(place)).expect("made");
    }
    for program in ["/bin/sh", "/bin/ls", "/bin/cat", "/usr/bin/id", "/bin/mkdir"] {
        copy(root, Path::new(program));
        let libraries = Command::new("ldd").arg(program).output().expect("ldd");
        let listed = String::from_utf8_lossy(&libraries.stdout).into_owned();
        listed.split_whitespace().filter(|word| word.starts_with('/')).for_each(|path| copy(root, Path::new(path)));
    }
    fs::copy(look_path(), root.join("look")).expect("copied");
    fs::write(root.join("etc/passwd"), "tree:x:1000:1000::/:/bin/sh\n").expect("written");
    directory
}

/// One file to its own path in the tree.
fn copy(root: &Path, path: &Path) {
    let to = root.join(path.strip_prefix("/").expect("absolute"));
    fs::create_dir_all(to.parent().expect("below the root")).expect("made");
    if !to.exists() {
        fs::copy(path, &to).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn run_at(root: &Path, flags: &[&str], script: &str) -> Ran {
    run(&[&["--rootfs", text(root)], flags, &["--", "/bin/sh", "-c", script]].concat())
}

#[test]
fn the_tree_is_the_root_and_nothing_of_the_hosts_is_there() {
    let tree = tree();
    let ran = run_at(tree.path(), &[], "pwd; ls /; cat /etc/passwd; ls /usr/share");
    assert!(ran.out.starts_with("/\nbin\ndev\netc\n"), "{ran:?}");
    assert!(ran.out.ends_with("tree:x:1000:1000::/:/bin/sh\n"), "its own passwd: {ran:?}");
    assert!(ran.err.contains("No such file"), "the host's /usr: {ran:?}");
}

#[test]
fn it_is_read_only_but_for_tmp_and_shared_memory() {
    let tree = tree();
    let ran = run_at(
        tree.path(),
        &["--user", "0"],
        "echo > /new; echo > /etc/new; echo x > /tmp/a; echo x > /dev/shm/a; cat /tmp/a",
    );
    assert_eq!(ran.out, "x\n", "{ran:?}");
    assert_eq!(ran.err.matches("Read-only file system").count(), 2, "{ran:?}");
    assert!(!tree.path().join("tmp/a").exists() && !tree.path().join("new").exists());
}

#[test]
fn devices_and_processes_are_the_cells_own() {
    let tree = tree();
    let ran = run_at(tree.path(), &[], "ls /dev; echo > /dev/null; ls -d /proc/[0-9]*; ls -A /dev/pts");
    let words: Vec<&str> = ran.out.split_whitespace().collect();
    assert_eq!(words[..13].join(" "), "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero");
    assert_eq!(words[13..], ["/proc/2", "ptmx"], "{ran:?}");
    assert_eq!(fs::read_dir(tree.path().join("dev")).expect("listed").count(), 0, "nodes were made on the host");
}

#[test]
fn a_static_program_needs_nothing_but_itself_and_the_places_to_mount_on() {
    let directory = scratch();
    for place in ["dev", "proc", "tmp"] {
        fs::create_dir(directory.path().join(place)).expect("made");
    }
    fs::copy(look_path(), directory.path().join("look")).expect("copied");
    let ran = run(&["--rootfs", text(directory.path()), "--", "/look", "tty"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "tty ENXIO\n"), "{ran:?}");
}

#[test]
fn with_rootfs_rw_its_files_are_written_with_the_cells_ids() {
    let tree = tree();
    let id =
        |path: &str| tree.path().join(path).metadata().map(|found| (found.uid(), found.gid())).expect("it is there");
    chown(tree.path().join("etc"), Some(1000), Some(1000)).expect("given away");
    let script = "echo x > /etc/new; mkdir /etc/d; cat /etc/new; echo > /new";
    let ran = run_at(tree.path(), &["--rootfs-rw"], script);
    assert!(ran.out == "x\n" && ran.err.contains("/new: Permission denied"), "{ran:?}");
    assert_eq!((id("etc/new"), id("etc/d")), ((1000, 1000), (1000, 1000)));
    let ran = run_at(tree.path(), &["--rootfs-rw", "--user", "0"], "echo x > /new");
    assert_eq!((ran.code, id("new")), (0, (0, 0)), "{ran:?}");
}

#[test]
fn with_rootfs_rw_no_set_id_bit_can_be_set() {
    let tree = tree();
    let ran = run(&["--rootfs", text(tree.path()), "--rootfs-rw", "--user", "0", "--", "/look", "setid", "/etc"]);
    assert!(ran.out.contains("chmod-uid EPERM") && ran.out.contains("openat2-uid ENOSYS"), "{ran:?}");
}

#[test]
fn a_tree_without_a_place_to_mount_on_is_refused_and_left_as_it_is() {
    let directory = scratch();
    fs::create_dir(directory.path().join("bin")).expect("made");
    for flags in [&[][..], &["--rootfs-rw"]] {
        let ran = run(&[&["--rootfs", text(directory.path())], flags, &["--", "/bin/sh"]].concat());
        assert_eq!(ran.code, 125, "{ran:?}");
        assert!(ran.err.contains("/dev: No such file or directory") && ran.err.contains("create it first"), "{ran:?}");
    }
    assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 1);
}

#[test]
fn a_link_in_the_tree_does_not_lead_a_mount_out_of_it() {
    let tree = tree();
    fs::remove_dir(tree.path().join("proc")).expect("removed");
    symlink("/etc", tree.path().join("proc")).expect("linked");
    let ran = run_at(tree.path(), &[], "true");
    assert!(ran.code == 125 && ran.err.contains("/proc"), "{ran:?}");
    fs::remove_file(tree.path().join("proc")).expect("removed");
    fs::create_dir(tree.path().join("proc")).expect("made");
    symlink("../../../../etc", tree.path().join("out")).expect("linked");
    let ran = run_at(tree.path(), &["--ro", "/srv:/out/x"], "true");
    assert!(ran.code == 125 && ran.err.contains("symbolic link"), "{ran:?}");
    assert_eq!(run_at(tree.path(), &[], "cat /out/passwd").out, "tree:x:1000:1000::/:/bin/sh\n", "links stay inside");
}

#[test]
fn a_root_that_is_no_directory_or_not_there_is_refused() {
    for (root, word) in [("/no/such", "no such"), ("/etc/passwd", "irectory")] {
        let ran = run(&["--rootfs", root, "--", "true"]);
        assert!(ran.code == 125 && ran.err.contains(root) && ran.err.contains(word), "{ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    }
}
