//! `--io-max PATH`: whatever names a disk is resolved to the whole disk that the kernel can limit, or refused.

use integration::limits::{AtEnd, await_node, disk, effective, number, scratch, shell, text};
use integration::support::{report, run};
use std::path::Path;
use std::sync::Mutex;

/// One test at a time has the spare disk.
static SPARE: Mutex<()> = Mutex::new(());

/// The device that a limit on `target` is in force for; one note says how it was found.
fn resolved(target: &str) -> String {
    let (ran, report) = report(&["--io-max", &format!("{target}:wbps=4M"), "--", "true"]);
    assert_eq!(ran.code, 0, "{target}: {ran:?}");
    let line = effective(&report, "io.max").expect("a limit");
    let notes = report["notes"].as_array().expect("notes");
    let device = format!("({})", line.split(' ').next().expect("a device"));
    let told = |note: &&serde_json::Value| note.as_str().is_some_and(|note| note.contains(&device));
    assert_eq!(notes.iter().filter(told).count(), 1, "no note names {device}: {notes:?}");
    line.split(' ').next().expect("a device").to_owned()
}

/// The number of a device node.
fn number_of(node: &str) -> String {
    shell(&format!("printf '%d:%d' $(stat -c '0x%t 0x%T' {node})"))
}

/// Writes 4 MiB to a mounted directory at 2 MiB a second, which must take its time.
fn is_held(directory: &str) {
    let (limit, to) = (format!("{directory}:wbps=2M"), format!("of={directory}/file"));
    let dd = ["--rw", directory, "--", "dd", "status=none", "if=/dev/zero", &to, "bs=1M", "count=4", "oflag=direct"];
    let (ran, held) = report(&[&["--io-max", &limit], &dd[..]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let (slow, fast) = (number(&held, "/usage/wall"), number(&report(&dd).1, "/usage/wall"));
    assert!(slow > 1.5 && fast < slow / 2.0, "{slow} s with the limit, {fast} s without");
}

/// A file system on `node`, mounted on a directory of its own until the end.
fn mounted(node: &Path) -> (tempfile::TempDir, AtEnd) {
    let directory = tempfile::tempdir_in("/srv").expect("a directory");
    shell(&format!("mkfs.ext4 -q -F {0} && mount {0} {1}", node.display(), text(directory.path())));
    let unmount = AtEnd(format!("umount {}", text(directory.path())));
    (directory, unmount)
}

#[test]
fn a_directory_a_file_a_node_and_a_number_are_their_disk() {
    let (number, node) = disk("scratch");
    let directory = scratch();
    let file = directory.path().join("file");
    std::fs::write(&file, "x").expect("the disk has room");
    for target in [text(directory.path()), text(&file), text(&node), &number] {
        assert_eq!(resolved(target), number, "{target}");
    }
}

#[test]
fn a_partition_is_limited_as_the_disk_that_it_is_part_of() {
    let _alone = SPARE.lock().unwrap_or_else(|broken| broken.into_inner());
    let (number, node) = disk("spare");
    let node = node.display();
    let _wiped = AtEnd(format!("wipefs -qa {node} && blockdev --rereadpt {node}"));
    shell(&format!("printf 'label: dos\\nsize=20M\\nsize=20M\\n' | sfdisk -q {node}"));
    let second = format!("{node}2");
    await_node(Path::new(&second));
    let of_partition = number_of(&second);
    assert_ne!(of_partition, number);
    let (directory, _mount) = mounted(Path::new(&second));
    for target in [&second, &of_partition, text(directory.path())] {
        assert_eq!(resolved(target), number, "{target}");
    }
    is_held(text(directory.path()));
}

#[test]
fn a_mapped_device_is_limited_as_it_is() {
    let _alone = SPARE.lock().unwrap_or_else(|broken| broken.into_inner());
    let (number, node) = disk("spare");
    shell(&format!("dmsetup create limits --table '0 81920 linear {} 2048'", node.display()));
    let _removed = AtEnd("dmsetup remove limits".to_owned());
    // Without udev only /dev/mapper/control is made by the kernel; /dev/dm-N is made in any case.
    let minor = shell("dmsetup info -c --noheadings -o minor limits");
    let mapped = format!("/dev/dm-{minor}");
    await_node(Path::new(&mapped));
    assert_ne!(number_of(&mapped), number);
    let (directory, _mount) = mounted(Path::new(&mapped));
    assert_eq!(resolved(text(directory.path())), number_of(&mapped));
    is_held(text(directory.path()));
}

#[test]
fn a_loop_device_is_limited_as_it_is() {
    let directory = scratch();
    let image = directory.path().join("image");
    shell(&format!("truncate -s 20M {}", text(&image)));
    let node = shell(&format!("losetup -f --show {}", text(&image)));
    let _detached = AtEnd(format!("losetup -d {node}"));
    let (mounted, _mount) = mounted(Path::new(&node));
    assert_eq!(resolved(text(mounted.path())), number_of(&node));
    is_held(text(mounted.path()));
}

#[test]
fn an_overlay_is_the_disk_of_its_upper_directory_or_refused() {
    let lower = scratch();
    for (upper, on_disk) in [(scratch(), true), (tempfile::tempdir_in("/dev/shm").expect("a directory"), false)] {
        let (up, low) = (text(upper.path()), text(lower.path()));
        let directory = tempfile::tempdir_in("/srv").expect("a directory");
        let place = text(directory.path());
        shell(&format!(
            "mkdir {up}/u {up}/w && mount -t overlay none -o lowerdir={low},upperdir={up}/u,workdir={up}/w {place}"
        ));
        let _mount = AtEnd(format!("umount {place}"));
        if on_disk {
            assert_eq!(resolved(place), disk("scratch").0);
        } else {
            refused(place, "is on overlay, which has its upper directory where no disk is");
        }
    }
}

#[test]
fn what_is_on_no_disk_is_refused_with_its_reason() {
    refused("/dev/shm", "is on tmpfs, which is memory: --memory limits it");
    refused("/proc", "is on proc, which is the kernel's own and on no disk");
    refused("/dev/null", "is a character device, not a disk");
    refused("/srv/nothing-here", "cannot be looked at: No such file or directory");
    refused("250:250", "no block device 250:250 is on this host");
}

/// One sentence that names flag and reason, and exit code 125.
fn refused(target: &str, why: &str) {
    let ran = run(&["--io-max", &format!("{target}:wbps=4M"), "--", "true"]);
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{ran:?}");
    assert!(ran.err.contains(&format!("--io-max {target}")) && ran.err.contains(why), "{}", ran.err);
}
