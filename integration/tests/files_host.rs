//! Mounts of a cell never appear on the host, whatever the host's own mounts are told to pass on.

use integration::inside::{Running, STAYS, scratch, text};
use std::fs;
use std::process::Command;

fn host_table() -> String {
    fs::read_to_string("/proc/self/mountinfo").expect("the host's mounts")
}

#[test]
fn the_hosts_mount_table_is_the_same_while_a_cell_runs_and_after() {
    let directory = scratch();
    let bind = format!("{}:/x", text(directory.path()));
    let before = host_table();
    let cell = Running::cell(&["--rw", &bind, "--ro", "/srv:/y", "--tmpfs", "/z"], STAYS);
    assert_eq!(host_table(), before, "while it runs");
    let inside = fs::read_to_string(format!("/proc/{}/mountinfo", cell.leader())).expect("the cell's");
    assert!(inside.contains(" /z "), "the control: the cell has them: {inside}");
    assert_eq!(cell.end().code, 0);
    assert_eq!(host_table(), before, "after it");
}

#[test]
fn also_on_a_host_whose_mounts_are_shared() {
    // In a mount namespace of its own, so that this host stays as it is: everything shared, a mount below a shared one,
    // the cell, and then the table of that namespace before and after.
    let directory = scratch();
    let ironcell = integration::support::ironcell_path();
    let script = format!(
        "set -e; mount --make-rshared /; mkdir {0}/sub; mount -t tmpfs t {0}/sub; cat /proc/self/mountinfo > {0}/before; \
         {1} run --ro {0}:/x --rw {0}:/w --tmpfs /z -- sh -c 'cat /proc/self/mountinfo' > {0}/cell; \
         cat /proc/self/mountinfo > {0}/after; umount {0}/sub",
        text(directory.path()),
        text(&ironcell)
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).stdin(std::process::Stdio::null());
    let ran = integration::support::finish(command);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect("written");
    assert_eq!(read("before"), read("after"));
    assert!(read("before").contains("shared:"), "the control: the host's mounts are shared");
    assert!(!read("cell").contains("shared:") && !read("cell").contains("master:"), "{}", read("cell"));
}

#[test]
fn an_unmount_on_the_host_does_not_reach_into_a_cell_and_a_cell_does_not_hold_it_up() {
    let directory = scratch();
    let place = text(directory.path()).to_owned();
    let mount =
        |args: &[&str]| assert!(Command::new("mount").args(args).status().expect("mount").success(), "{args:?}");
    mount(&["-t", "tmpfs", "ironcell-test", &place]);
    fs::write(directory.path().join("file"), "x\n").expect("written");
    let mut cell = Running::cell(&["--ro", &format!("{place}:/x")], "echo ready; read line; cat /x/file; read line");
    let unmounted = Command::new("umount").arg(&place).status().expect("umount").success();
    cell.tell("");
    let line = cell.line();
    assert_eq!(cell.end().code, 1, "its input ends");
    assert!(unmounted, "the cell kept the host's mount busy");
    assert_eq!(line, "x", "the cell's own mount is still there");
}
