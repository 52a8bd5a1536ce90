//! The file systems that a cell has of its own, each made detached (fsopen(2), fsmount(2), kernel 5.2).

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Result;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, fsconfig_create, fsconfig_reconfigure, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen, fspick,
};

/// Nothing executes with another's rights, and no device answers.
pub const NO_SUID_DEV: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

/// A file system that is made with these settings, detached until it is attached.
pub fn fresh(kind: &str, flags: &[&str], settings: &[(&str, &str)], attributes: MountAttrFlags) -> Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for flag in flags {
        fsconfig_set_flag(&context, *flag)?;
    }
    for (key, value) in settings {
        fsconfig_set_string(&context, *key, *value)?;
    }
    fsconfig_create(&context)?;
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// tmpfs(5). Zero for size or inodes leaves the kernel's default: half of the memory.
pub fn tmpfs(size: u64, inodes: u64, mode: u32) -> Result<OwnedFd> {
    let (size_text, inodes_text, mode_text) = (size.to_string(), inodes.to_string(), format!("{mode:o}"));
    let mut settings = vec![("mode", mode_text.as_str())];
    if size != 0 {
        settings.push(("size", &size_text));
    }
    if inodes != 0 {
        settings.push(("nr_inodes", &inodes_text));
    }
    fresh("tmpfs", &[], &settings, NO_SUID_DEV)
}

/// Sets how much a tmpfs may hold that is mounted already; all else of it stays (fspick(2), kernel 5.2).
pub fn resize_tmpfs(mount: impl AsFd, size: u64) -> Result<()> {
    let context = fspick(mount, "", FsPickFlags::FSPICK_CLOEXEC | FsPickFlags::FSPICK_EMPTY_PATH)?;
    fsconfig_set_string(&context, "size", size.to_string())?;
    fsconfig_reconfigure(&context)
}

/// proc(5), kernel 5.8: `subset=pid` leaves out all that tells of the host, `hidepid=invisible` leaves out PID 1.
pub fn proc() -> Result<OwnedFd> {
    let attributes = NO_SUID_DEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fresh("proc", &[], &[("subset", "pid"), ("hidepid", "invisible")], attributes)
}

/// The same with all that the kernel tells. The kernel allows it only where the host's own is wholly visible.
pub fn whole_proc() -> Result<OwnedFd> {
    fresh("proc", &[], &[("hidepid", "invisible")], NO_SUID_DEV | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}

/// sysfs(5), by the right over the cell's network namespace; read-only, for it sets what is the host's.
pub fn sys() -> Result<OwnedFd> {
    fresh("sysfs", &[], &[], NO_SUID_DEV | MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_RDONLY)
}

/// devpts: an instance of its own in every mount since kernel 4.7; `ptmx` is usable by all, gid 5 is tty by convention.
pub fn pts() -> Result<OwnedFd> {
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    fresh("devpts", &["newinstance"], &[("ptmxmode", "0666"), ("mode", "0620"), ("gid", "5")], attributes)
}

/// mq_overview(7): the queues of the cell's IPC namespace. Mounted, so that Landlock has a place for them.
pub fn queues() -> Result<OwnedFd> {
    fresh("mqueue", &[], &[], NO_SUID_DEV | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}
