//! The disk behind a target, in a made-up sysfs and on whatever this host has.

use super::*;
use crate::os::mountinfo::Mount;
use std::os::unix::fs::symlink;

/// A sysfs with a disk vda (254:0), its partition vda2 (254:2), and a loop device (7:3).
fn fake() -> (tempfile::TempDir, Tables) {
    let dir = tempfile::tempdir().expect("a directory");
    let sys = dir.path().join("sys");
    for (place, number, link, partition) in [
        ("devices/virtio0/block/vda", "254:0", "254:0", false),
        ("devices/virtio0/block/vda/vda2", "254:2", "254:2", true),
        ("devices/virtual/block/loop3", "7:3", "7:3", false),
    ] {
        let place = sys.join(place);
        fs::create_dir_all(&place).expect("made");
        fs::write(place.join("dev"), format!("{number}\n")).expect("written");
        if partition {
            fs::write(place.join("partition"), "2\n").expect("written");
        }
        fs::create_dir_all(sys.join("dev/block")).expect("made");
        symlink(&place, sys.join("dev/block").join(link)).expect("linked");
    }
    let tables = Tables { sys, mountinfo: dir.path().join("mountinfo") };
    (dir, tables)
}

fn mount(fstype: &str, source: &str, options: &str) -> Mount {
    let text = format!("1 0 0:9 / /m rw - {fstype} {source} {options}\n");
    mountinfo::parse(text.as_bytes()).remove(0)
}

#[test]
fn a_partition_is_limited_as_its_whole_disk() {
    let (_dir, tables) = fake();
    let disk = resolve(&IoTarget::Number { major: 254, minor: 2 }, &tables).expect("a disk");
    assert_eq!((disk.major, disk.minor), (254, 0));
    assert_eq!(disk.how, "vda2 (254:2), a partition of vda (254:0)");
}

#[test]
fn a_whole_disk_and_a_loop_device_are_themselves() {
    let (_dir, tables) = fake();
    for (major, minor, how) in [(254, 0, "vda (254:0)"), (7, 3, "loop3 (7:3)")] {
        let disk = resolve(&IoTarget::Number { major, minor }, &tables).expect("a disk");
        assert_eq!((disk.major, disk.minor, disk.how.as_str()), (major, minor, how));
    }
}

#[test]
fn a_number_without_a_device_and_a_path_without_a_file_are_refused() {
    let (_dir, tables) = fake();
    let error = resolve(&IoTarget::Number { major: 9, minor: 9 }, &tables).expect_err("none");
    assert_eq!(error.to_string(), "no block device 9:9 is on this host");
    let error = resolve(&IoTarget::Path("/no/such".into()), &tables).expect_err("none");
    assert_eq!(error.to_string(), "/no/such cannot be looked at: No such file or directory");
    let error = resolve(&IoTarget::Path("/dev/null".into()), &tables).expect_err("none");
    assert_eq!(error.to_string(), "/dev/null is a character device, not a disk");
}

#[test]
fn a_file_on_the_kernels_own_file_system_is_refused_with_the_reason() {
    let error = resolve(&IoTarget::Path("/proc/self/status".into()), &Tables::default()).expect_err("none");
    assert!(matches!(error, BlockError::NotLimitable { ref fstype, .. } if fstype == "proc"), "{error}");
}

#[test]
fn memory_and_other_machines_have_no_disk() {
    let (_dir, tables) = fake();
    for fstype in ["tmpfs", "nfs4", "zfs", "some-new-one"] {
        let error = mounted::of_mount(Path::new("/m/x"), &mount(fstype, "none", "rw"), &tables, Overlay::Follow)
            .expect_err("none");
        assert!(error.to_string().starts_with(&format!("/m/x is on {fstype}, which ")), "{error}");
    }
}

#[test]
fn an_overlay_without_a_visible_upper_directory_is_refused() {
    let (_dir, tables) = fake();
    for options in ["ro,lowerdir=/a:/b", "rw,upperdir=/no/such,workdir=/w", "rw,upperdir=relative"] {
        let error = mounted::of_mount(Path::new("/m"), &mount("overlay", "overlay", options), &tables, Overlay::Follow)
            .expect_err("none");
        assert!(matches!(error, BlockError::NotLimitable { .. }), "{error}");
    }
}

#[test]
fn an_overlay_that_leads_back_into_an_overlay_ends() {
    let (_dir, tables) = fake();
    let error = mounted::of_mount(Path::new("/m"), &mount("overlay", "o", "rw,upperdir=/"), &tables, Overlay::Refuse);
    assert!(matches!(error, Err(BlockError::NotLimitable { .. })));
}

#[test]
fn btrfs_from_a_source_that_is_no_device_is_refused() {
    let (_dir, tables) = fake();
    let error = mounted::of_mount(Path::new("/m"), &mount("btrfs", "/dev/null", "rw"), &tables, Overlay::Follow)
        .expect_err("none");
    assert!(matches!(error, BlockError::NoPath { .. }), "{error}");
}

#[test]
fn the_disk_of_this_hosts_root_is_a_whole_one_or_refused_with_a_reason() {
    match resolve(&IoTarget::Path("/".into()), &Tables::default()) {
        Ok(disk) => assert!(Path::new(&format!("/sys/dev/block/{}:{}/queue", disk.major, disk.minor)).exists()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
