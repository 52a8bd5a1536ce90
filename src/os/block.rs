//! From what a caller names for `io.max` to the whole disk that the kernel limits: it takes neither a partition (ENODEV)
//! nor a file system's made-up device number.

mod error;
mod mounted;

pub use error::BlockError;

use super::mountinfo;
use crate::plan::host::Disk;
use crate::spec::IoTarget;
use rustix::fs::{AtFlags, CWD, FileType, StatxFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the kernel's tables are: the host's, or a made-up tree in a test.
#[derive(Debug, Clone)]
pub struct Tables {
    /// `/sys`.
    pub sys: PathBuf,
    /// `/proc/self/mountinfo`.
    pub mountinfo: PathBuf,
}

impl Default for Tables {
    fn default() -> Self {
        Self { sys: "/sys".into(), mountinfo: "/proc/self/mountinfo".into() }
    }
}

/// A device by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Device {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

/// The whole disk behind a target.
///
/// # Errors
/// Says why the kernel cannot limit what was named.
pub fn resolve(target: &IoTarget, tables: &Tables) -> Result<Disk, BlockError> {
    match target {
        IoTarget::Number { major, minor } => whole_disk(Device { major: *major, minor: *minor }, "", tables),
        IoTarget::Path(path) => of_path(path, tables, Overlay::Follow),
    }
}

/// Whether an overlay is looked through to its upper directory. The kernel lets no overlay be the upper layer of
/// another, so once is enough, and a name that leads back into the overlay itself leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overlay {
    Follow,
    Refuse,
}

/// A device node is itself; a file or directory is on the disk of its file system.
fn of_path(path: &Path, tables: &Tables, overlay: Overlay) -> Result<Disk, BlockError> {
    let flags = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    let found = rustix::fs::statx(CWD, path, AtFlags::empty(), flags)
        .map_err(|e| BlockError::NoPath { path: path.into(), errno: e.raw_os_error() })?;
    match FileType::from_raw_mode(u32::from(found.stx_mode)) {
        FileType::BlockDevice => {
            return whole_disk(Device { major: found.stx_rdev_major, minor: found.stx_rdev_minor }, "", tables);
        }
        FileType::CharacterDevice => return Err(BlockError::NoDisk { path: path.into() }),
        _ => {}
    }
    let device = Device { major: found.stx_dev_major, minor: found.stx_dev_minor };
    let said = format!("{} is on ", path.display());
    if device.major != 0 {
        return whole_disk(device, &said, tables);
    }
    let text = fs::read(&tables.mountinfo).map_err(|e| BlockError::table(&tables.mountinfo, &e))?;
    let mounts = mountinfo::parse(&text);
    let mount = mounts.iter().find(|mount| mount.id == found.stx_mnt_id);
    let mount = mount.ok_or_else(|| BlockError::NoMount { path: path.into() })?;
    mounted::of_mount(path, mount, tables, overlay)
}

/// A partition is part of its disk; every other device is limited as it is. Of stacked ones (dm, md) the top is the one
/// that the job's requests enter.
pub(super) fn whole_disk(device: Device, said: &str, tables: &Tables) -> Result<Disk, BlockError> {
    let entry = tables.sys.join(format!("dev/block/{device}"));
    let place = fs::canonicalize(&entry).map_err(|_| BlockError::NoDevice { device: device.to_string() })?;
    let name = name_of(&place);
    if !place.join("partition").exists() {
        let how = format!("{said}{name} ({device})");
        return Ok(Disk { major: device.major, minor: device.minor, how });
    }
    let disk = place.parent().unwrap_or(&place);
    let number = disk.join("dev");
    let text = fs::read_to_string(&number).map_err(|e| BlockError::table(&number, &e))?;
    let whole = parse_device(&text).ok_or_else(|| BlockError::NoDevice { device: text.trim().to_owned() })?;
    let how = format!("{said}{name} ({device}), a partition of {} ({whole})", name_of(disk));
    Ok(Disk { major: whole.major, minor: whole.minor, how })
}

/// `MAJ:MIN` as sysfs writes it.
fn parse_device(text: &str) -> Option<Device> {
    let (major, minor) = text.trim().split_once(':')?;
    Some(Device { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

fn name_of(place: &Path) -> String {
    place.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
