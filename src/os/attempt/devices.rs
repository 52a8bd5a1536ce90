//! Devices: nodes made by hand, and those of the host.

use super::{Around, Attempt, Scene, Seen, inside};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

pub(super) const ALL: &[Attempt] = &[
    inside("make_disk", "mknod(2) of block device 8:0 in /tmp", make_disk, Around::Namespaces),
    inside("make_memory", "mknod(2) of character device 1:1 in /tmp", make_memory, Around::Namespaces),
    inside("make_kvm", "mknod(2) of character device 10:232 in /tmp", make_kvm, Around::Namespaces),
    inside("open_memory", "open(2) of /dev/mem", memory, Around::Process),
    inside("open_kernel_log", "open(2) of /dev/kmsg", kernel_log, Around::Process),
    inside("open_console", "open(2) of /dev/console", console, Around::Process),
    inside("open_fuse", "open(2) of /dev/fuse", fuse, Around::Process),
    inside("open_kvm", "open(2) of /dev/kvm", kvm, Around::Process),
];

fn make_disk(_: &Scene) -> Seen {
    make(FileType::BlockDevice, 8, 0)
}

fn make_memory(_: &Scene) -> Seen {
    make(FileType::CharacterDevice, 1, 1)
}

fn make_kvm(_: &Scene) -> Seen {
    make(FileType::CharacterDevice, 10, 232)
}

/// In the cell's own `/tmp`; the control has a `/tmp` of its own. What was made all the same is taken away.
fn make(kind: FileType, major: u32, minor: u32) -> Seen {
    let path = "/tmp/ironcell-verify-node";
    let made = mknodat(CWD, path, kind, Mode::from_raw_mode(0o600), makedev(major, minor));
    let _ = std::fs::remove_file(path);
    Seen::of_call(made, "there is such a node")
}

fn memory(_: &Scene) -> Seen {
    super::files::read_only("/dev/mem")
}

fn kernel_log(_: &Scene) -> Seen {
    super::files::read_only("/dev/kmsg")
}

fn console(_: &Scene) -> Seen {
    super::files::write_only("/dev/console")
}

fn fuse(_: &Scene) -> Seen {
    super::files::read_only("/dev/fuse")
}

fn kvm(_: &Scene) -> Seen {
    super::files::read_only("/dev/kvm")
}
