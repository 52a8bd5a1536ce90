//! What covers a part of a file system that is mounted whole: an empty directory, `null`, or the part itself read-only.

use super::{Failed, kinds};
use crate::sys::{self, MountAttributes};
use linux_raw_sys::general as raw;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::{Errno, dup};
use rustix::mount::{MountAttrFlags, MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use std::result::Result;

/// What is there, opened through no link; `None` for what is not.
fn there(parent: &OwnedFd, name: &[u8]) -> Result<Option<OwnedFd>, Failed> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => Ok(None),
        other => other.map(Some).map_err(Failed::Place),
    }
}

/// An empty directory over a directory, `null` over anything else: by the very file that was looked at.
pub fn hide(parent: &OwnedFd, name: &[u8], null: BorrowedFd<'_>) -> Result<(), Failed> {
    let Some(place) = there(parent, name)? else { return Ok(()) };
    let kind = fstat(&place).map(|stat| FileType::from_raw_mode(stat.st_mode)).map_err(Failed::Place)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    let cover = if kind == FileType::Directory {
        let empty = kinds::NO_SUID_DEV | MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_RDONLY;
        kinds::fresh("tmpfs", &[], &[("mode", "0555"), ("nr_inodes", "1")], empty)
    } else {
        // The keeper has opened one for each entry, and has seen that it is the device.
        dup(null)
    };
    move_mount(cover.map_err(Failed::Mount)?, "", &place, "", flags).map_err(Failed::Mount)
}

/// A copy of itself over itself, read-only.
pub fn read_only(parent: &OwnedFd, name: &[u8]) -> Result<(), Failed> {
    let Some(place) = there(parent, name)? else { return Ok(()) };
    let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let copy = open_tree(&place, "", clone).map_err(Failed::Mount)?;
    let set = raw::MOUNT_ATTR_RDONLY;
    sys::mount_setattr(&copy, MountAttributes { set, userns: None }).map_err(Failed::Mount)?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(copy, "", &place, "", flags).map_err(Failed::Mount)
}
