//! File systems with a made-up device number (major 0): what they were mounted from says where their data is.

use super::{BlockError, Device, Overlay, Tables, of_path, whole_disk};
use crate::os::mountinfo::Mount;
use crate::plan::host::Disk;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The disk behind a mount without a device number of its own.
pub(super) fn of_mount(path: &Path, mount: &Mount, tables: &Tables, overlay: Overlay) -> Result<Disk, BlockError> {
    match mount.fstype.as_str() {
        "btrfs" => of_btrfs(path, mount, tables),
        "overlay" if overlay == Overlay::Follow => of_overlay(path, mount, tables),
        fstype => Err(not_limitable(path, fstype)),
    }
}

/// btrfs gives each subvolume a made-up number; its source is one of its devices.
fn of_btrfs(path: &Path, mount: &Mount, tables: &Tables) -> Result<Disk, BlockError> {
    let source = &mount.source;
    let found = fs::metadata(source).ok().filter(|found| found.file_type().is_block_device());
    let Some(found) = found else {
        return Err(BlockError::NoPath { path: source.clone(), errno: libc::ENOENT });
    };
    let (major, minor) = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
    let device = Device { major, minor };
    let disks = btrfs_devices(device, tables);
    if disks.len() > 1 {
        return Err(BlockError::ManyDisks { path: path.into(), disks });
    }
    whole_disk(device, &format!("{} is on btrfs on ", path.display()), tables)
}

/// The names of all devices of the btrfs that this device is part of: `/sys/fs/btrfs/UUID/devices/*`.
fn btrfs_devices(device: Device, tables: &Tables) -> Vec<String> {
    let number = device.to_string();
    let names = |dir: &Path| -> Vec<String> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let root = tables.sys.join("fs/btrfs");
    for uuid in names(&root) {
        let devices = root.join(uuid).join("devices");
        let all = names(&devices);
        let is_ours =
            |name: &String| fs::read_to_string(devices.join(name).join("dev")).is_ok_and(|text| text.trim() == number);
        if all.iter().any(is_ours) {
            return all;
        }
    }
    Vec::new()
}

/// What is written to an overlay goes to its upper directory; reads come from the layers, each on a disk of its own.
fn of_overlay(path: &Path, mount: &Mount, tables: &Tables) -> Result<Disk, BlockError> {
    let no = |why| BlockError::NotLimitable { path: path.into(), fstype: "overlay".to_owned(), why };
    let upper = mount.super_option("upperdir").map(Path::new);
    let Some(upper) = upper.filter(|upper| upper.is_absolute() && upper.exists()) else {
        return Err(no("has no upper directory that can be seen from here; name the disk itself"));
    };
    match of_path(upper, tables, Overlay::Refuse) {
        Ok(disk) => Ok(Disk { how: format!("{} is on overlay, whose {}", path.display(), disk.how), ..disk }),
        Err(BlockError::NotLimitable { .. }) => {
            Err(no("has its upper directory where no disk is; name the disk itself"))
        }
        Err(error) => Err(error),
    }
}

/// Why the kernel cannot limit other file systems without a device.
fn not_limitable(path: &Path, fstype: &str) -> BlockError {
    let why = match fstype {
        "tmpfs" | "ramfs" | "devtmpfs" | "hugetlbfs" => "is memory: --memory limits it",
        "proc" | "sysfs" | "cgroup" | "cgroup2" | "devpts" | "debugfs" | "tracefs" | "securityfs" | "mqueue"
        | "bpf" => "is the kernel's own and on no disk",
        "nfs" | "nfs4" | "cifs" | "smb3" | "9p" | "virtiofs" | "ceph" | "afs" => {
            "is on another machine: no disk of this one is used"
        }
        "zfs" | "bcachefs" => "does its io in threads of its own, which no cgroup limits",
        _ => "has no disk that is known to the kernel",
    };
    BlockError::NotLimitable { path: path.into(), fstype: fstype.to_owned(), why }
}
