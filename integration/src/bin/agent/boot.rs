//! First life: from the kernel's initramfs to the real root.
//!
//! The agent comes as the only file of an initramfs, so the image of the guest never holds an old one. Debian's cloud
//! kernels have NVMe and ext4 built in: the root needs no module, and the modules for all else are on it.

use std::ffi::CString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use integration::{LANE_PARAMETER, Lane, PROGRAMS, SCRATCH, disk};
use rustix::mount::{MountFlags, mount, mount_move};

/// Disks appear within 0.3 s here; an emulated processor on a busy machine needs some patience.
const DISK_LIMIT: Duration = Duration::from_secs(20);
const DISK_POLL: Duration = Duration::from_millis(5);

const ROOT: &str = "/root";

/// In 6.1 all of them are modules, in 6.12 some are built in (then modprobe has nothing to do and says so by success).
const MODULES: [&str; 6] = ["virtio_pci", "virtio_blk", "virtio_console", "loop", "dm_mod", "overlay"];

pub fn run() -> Result<()> {
    mount_kernel_views()?;
    let lane = lane()?;
    enter_root()?;
    load_modules()?;
    mount_ext4(disk::PROGRAMS, PROGRAMS, MountFlags::RDONLY)?;
    mount_ext4(disk::SCRATCH, SCRATCH, MountFlags::NOATIME)?;
    swap_on()?;
    let mut next = match lane {
        Lane::Systemd => Command::new("/sbin/init"),
        Lane::Bare | Lane::Next => {
            let mut agent = Command::new(format!("{PROGRAMS}/bin/agent"));
            agent.arg("pid1");
            agent
        }
    };
    next.env_clear();
    Err(next.exec()).with_context(|| format!("cannot become {}", next.get_program().display()))
}

fn mount_kernel_views() -> Result<()> {
    for (kind, place) in [("devtmpfs", "/dev"), ("proc", "/proc"), ("sysfs", "/sys")] {
        fs::create_dir_all(place).with_context(|| format!("cannot make {place}"))?;
        let flags = if kind == "devtmpfs" { MountFlags::NOSUID } else { crate::bare::QUIET };
        mount(kind, place, kind, flags, None).with_context(|| format!("cannot mount {place}"))?;
    }
    Ok(())
}

fn lane() -> Result<Lane> {
    let line = fs::read_to_string("/proc/cmdline").context("cannot read /proc/cmdline")?;
    let name = line.split_whitespace().find_map(|word| word.strip_prefix(LANE_PARAMETER));
    let name = name.with_context(|| format!("the kernel's command line has no {LANE_PARAMETER}"))?;
    Lane::of(name).with_context(|| format!("the kernel's command line names an unknown lane '{name}'"))
}

/// Goes from the initramfs to the disk: `switch_root`, but for the deletion of more than our own file.
fn enter_root() -> Result<()> {
    let device = Path::new("/dev/nvme0n1");
    wait_for(|| Ok(device.exists().then_some(()))).with_context(|| format!("{} does not appear", device.display()))?;
    fs::create_dir_all(ROOT).with_context(|| format!("cannot make {ROOT}"))?;
    mount(device, ROOT, "ext4", MountFlags::NOATIME, None).context("cannot mount the root disk")?;
    for place in ["dev", "proc", "sys"] {
        mount_move(format!("/{place}"), format!("{ROOT}/{place}")).with_context(|| format!("cannot move /{place}"))?;
    }
    fs::remove_file("/init").context("cannot remove /init of the initramfs")?;
    std::env::set_current_dir(ROOT).context("cannot enter the root disk")?;
    mount_move(".", "/").context("cannot move the root disk to /")?;
    rustix::process::chroot(".").context("cannot make the root disk the root")?;
    std::env::set_current_dir("/").context("cannot enter /")
}

fn load_modules() -> Result<()> {
    let status = Command::new("/sbin/modprobe").arg("--all").args(MODULES).status().context("cannot run modprobe")?;
    if !status.success() {
        bail!("modprobe --all {} failed: {status}", MODULES.join(" "));
    }
    Ok(())
}

fn mount_ext4(serial: &str, place: &str, flags: MountFlags) -> Result<()> {
    let device = disk_of(serial)?;
    mount(&device, place, "ext4", flags, None)
        .with_context(|| format!("cannot mount {} ({serial}) at {place}", device.display()))
}

fn swap_on() -> Result<()> {
    let device = disk_of(disk::SWAP)?;
    let path = CString::new(device.as_os_str().as_encoded_bytes())?;
    // SAFETY: `path` is a C string that lives across the call; the kernel only reads it.
    if unsafe { libc::swapon(path.as_ptr(), 0) } != 0 {
        bail!("cannot swap on {}: {}", device.display(), std::io::Error::last_os_error());
    }
    Ok(())
}

/// The block device with this serial. Letters follow the order of probing, serials do not change.
fn disk_of(serial: &str) -> Result<PathBuf> {
    let find = || {
        for entry in fs::read_dir("/sys/block")? {
            let entry = entry?;
            if fs::read_to_string(entry.path().join("serial")).is_ok_and(|found| found.trim() == serial) {
                let device = Path::new("/dev").join(entry.file_name());
                return Ok(device.exists().then_some(device));
            }
        }
        Ok(None)
    };
    wait_for(find).with_context(|| format!("no disk with serial '{serial}' appears in /sys/block"))
}

fn wait_for<T>(mut find: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = find()? {
            return Ok(found);
        }
        if start.elapsed() > DISK_LIMIT {
            bail!("waited {} s", DISK_LIMIT.as_secs());
        }
        std::thread::sleep(DISK_POLL);
    }
}
