//! `--ro`, `--rw` and `--tmpfs`: what is mounted where, in which order, and that nothing is ever made on the host for it.

use integration::inside::{scratch, text};
use integration::support::run;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

#[test]
fn ro_shows_files_and_directories_and_takes_no_write() {
    let directory = scratch();
    fs::write(directory.path().join("file"), "content\n").expect("written");
    let path = text(directory.path());
    let (dir, file) = (format!("{path}:/a/b/c"), format!("{path}/file:/f"));
    let script = "cat /a/b/c/file /f; echo > /a/b/c/new; echo > /f; rm /a/b/c/file; chmod 777 /f";
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--ro", &dir, "--ro", &file, "--", "sh", "-c", script]);
        assert_eq!(ran.out, "content\ncontent\n", "{ran:?}");
        assert_eq!(ran.err.matches("Read-only file system").count(), 4, "{ran:?}");
    }
    assert_eq!(fs::read_to_string(directory.path().join("file")).expect("still there"), "content\n");
}

#[test]
fn without_a_second_path_it_is_at_its_own() {
    let directory = scratch();
    fs::write(directory.path().join("file"), "x\n").expect("written");
    let path = text(directory.path());
    assert_eq!(run(&["--ro", path, "--", "cat", &format!("{path}/file")]).out, "x\n");
    assert_eq!(run(&["--ro", path, "--cwd", path, "--", "cat", "file"]).out, "x\n");
}

#[test]
fn a_path_with_a_colon_or_a_blank_can_be_named() {
    let directory = scratch();
    let odd = directory.path().join("a:b c");
    fs::create_dir(&odd).expect("made");
    fs::write(odd.join("file"), "x\n").expect("written");
    let flag = format!("{}:/d\\:e", text(&odd).replace(':', "\\:"));
    let ran = run(&["--ro", &flag, "--", "cat", "/d:e/file"]);
    assert_eq!(ran.out, "x\n", "{ran:?}");
}

#[test]
fn mounts_are_made_in_the_order_given_across_the_three_kinds() {
    let directory = scratch();
    for name in ["one", "two"] {
        fs::create_dir(directory.path().join(name)).expect("made");
        fs::write(directory.path().join(name).join("who"), name).expect("written");
    }
    let bind = |name: &str| format!("{}/{name}:/x", text(directory.path()));
    let (one, two) = (bind("one"), bind("two"));
    let shows = |flags: &[&str]| run(&[flags, &["--", "sh", "-c", "cat /x/who 2>/dev/null || ls -A /x"]].concat()).out;
    assert_eq!(shows(&["--ro", &one, "--rw", &two]), "two");
    assert_eq!(shows(&["--rw", &two, "--ro", &one]), "one");
    assert_eq!(shows(&["--rw", &two, "--tmpfs", "/x"]), "");
    assert_eq!(shows(&["--tmpfs", "/x", "--ro", &one]), "one");
    let inner = format!("{}/one:/x/deep/er", text(directory.path()));
    let ran = run(&["--tmpfs", "/x", "--ro", &inner, "--", "cat", "/x/deep/er/who"]);
    assert_eq!(ran.out, "one", "a place below a tmpfs is made: {ran:?}");
}

#[test]
fn a_mount_point_that_is_missing_in_a_bind_is_refused_and_not_made_on_the_host() {
    let directory = scratch();
    let path = text(directory.path());
    for access in ["--ro", "--rw"] {
        let outer = format!("{path}:/x");
        let inner = ["--ro", "/srv:/x/new"];
        let deeper = ["--tmpfs", "/x/new/deep"];
        for second in [inner, deeper] {
            let ran = run(&[&[access, &outer], &second[..], &["--", "true"]].concat());
            let place = second[1].rsplit(':').next().expect("a place");
            let expected =
                format!("ironcell: failed to make the place in the cell {place}: No such file or directory (errno 2)");
            assert!(ran.code == 125 && ran.err.starts_with(&expected), "{ran:?}");
            assert!(ran.err.contains("ironcell creates none on the host: create it first"), "{ran:?}");
        }
    }
    assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 0, "something was made on the host");
    fs::create_dir(directory.path().join("new")).expect("made");
    let ran =
        run(&["--ro", &format!("{path}:/x"), "--tmpfs", "/x/new", "--", "sh", "-c", "echo > /x/new/y && echo made"]);
    assert_eq!(ran.out, "made\n", "the control: with the mount point it works: {ran:?}");
    assert_eq!(fs::read_dir(directory.path().join("new")).expect("listed").count(), 0, "the file is on the host");
}

#[test]
fn a_symbolic_link_on_the_way_is_refused() {
    let directory = scratch();
    let path = text(directory.path());
    symlink("/etc", directory.path().join("link")).expect("linked");
    for place in ["/x/link", "/x/link/sub"] {
        let ran = run(&["--rw", &format!("{path}:/x"), "--ro", &format!("/srv:{place}"), "--", "true"]);
        assert_eq!(ran.code, 125, "{place}: {ran:?}");
        assert!(ran.err.contains(place) && ran.err.contains("symbolic link"), "{place}: {ran:?}");
    }
    // A link of the cell's own root: /bin leads to /usr/bin.
    if fs::symlink_metadata("/bin").expect("it is there").is_symlink() {
        let ran = run(&["--ro", "/srv:/bin/sub", "--", "true"]);
        assert!(ran.code == 125 && ran.err.contains("/bin/sub"), "{ran:?}");
    }
}

#[test]
fn a_link_as_source_shows_what_it_points_to_but_not_through_proc() {
    let directory = scratch();
    fs::write(directory.path().join("real"), "real\n").expect("written");
    symlink("real", directory.path().join("link")).expect("linked");
    let path = text(directory.path());
    let ran = run(&["--ro", &format!("{path}/link:/f"), "--", "cat", "/f"]);
    assert_eq!(ran.out, "real\n", "{ran:?}");
    let magic = run(&["--ro", "/proc/self/root:/x", "--", "true"]);
    assert_eq!(magic.code, 125, "{magic:?}");
    assert!(magic.err.contains("failed to open the host's path /proc/self/root"), "{magic:?}");
}

#[test]
fn a_tmpfs_has_the_size_asked_for_and_is_empty() {
    let script = "ls -A /t; head -c 3000000 /dev/zero > /t/big; stat -c %s /t/big";
    let small = run(&["--tmpfs", "/t:1M", "--", "sh", "-c", script]);
    assert!(small.err.contains("No space left on device"), "{small:?}");
    assert_eq!(small.out, "1048576\n", "{small:?}");
    let large = run(&["--tmpfs", "/t:4M", "--", "sh", "-c", script]);
    assert_eq!((large.out.as_str(), large.err.as_str()), ("3000000\n", ""), "the control");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    for access in ["--ro", "--rw"] {
        let ran = run(&[access, "/no/such:/x", "--", "true"]);
        let expected = format!(
            "ironcell: {access} /no/such cannot be enforced: there is no such file or directory on the host; create it, \
             or name another\n"
        );
        assert_eq!((ran.code, ran.err), (125, expected));
    }
}

#[test]
fn a_directory_on_a_file_and_a_file_on_a_directory_are_refused() {
    let directory = scratch();
    fs::write(directory.path().join("file"), "").expect("written");
    let path = text(directory.path());
    let onto_file = run(&["--ro", &format!("{path}/file:/x"), "--ro", &format!("{path}:/x"), "--", "true"]);
    let onto_directory = run(&["--ro", &format!("{path}:/x"), "--ro", &format!("{path}/file:/x"), "--", "true"]);
    for ran in [onto_file, onto_directory] {
        assert_eq!(ran.code, 125, "{ran:?}");
        assert!(ran.err.starts_with("ironcell: failed to ") && ran.err.contains("/x: "), "{ran:?}");
    }
}

#[test]
fn a_bind_of_a_closed_directory_stays_closed_to_the_job() {
    let directory = scratch();
    fs::write(directory.path().join("secret"), "x").expect("written");
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o700)).expect("closed");
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--ro", &format!("{}:/x", text(directory.path())), "--", "cat", "/x/secret"]);
        assert!(ran.code == 1 && ran.err.contains("Permission denied"), "{ran:?}");
    }
}
