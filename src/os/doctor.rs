//! What a doctor looks at, as the kernel tells it. Nothing on the host is changed: files are read, and calls are made
//! with arguments that the kernel refuses before it does anything.

mod calls;

pub use calls::Answer;

use super::OsError;
use super::cgroup::{self, Discovery};
use crate::plan::host::Controller;
use std::fs;
use std::path::{Path, PathBuf};

/// All that was seen. Words about it are found in `supervise::doctor`.
#[derive(Debug)]
pub struct Sight {
    /// `uname -r`.
    pub release: String,
    /// The effective user.
    pub uid: u32,
    /// The effective capabilities, as in `/proc/self/status`.
    pub capabilities: u64,
    /// The hierarchy of cgroups.
    pub cgroups: Result<Discovery, OsError>,
    /// The controllers that cells would get.
    pub controllers: Vec<Controller>,
    /// The files of some cgroup that is not the root, with its path; `None` where there is none to look at.
    pub sample: Option<(PathBuf, Vec<String>)>,
    /// Bytes of swap.
    pub swap: u64,
    /// Whether pressure is measured.
    pub pressure: bool,
    /// `user.max_user_namespaces`.
    pub user_namespaces: Option<u64>,
    /// The names in `/proc/self/ns`.
    pub namespaces: Vec<String>,
    /// `kernel.seccomp.actions_avail`.
    pub seccomp: Option<String>,
    /// `vm.memfd_noexec`; `None` before kernel 6.3, which is 0.
    pub memfd_noexec: Option<u64>,
    /// The types of file systems that the kernel has now; modules may bring more.
    pub filesystems: Vec<String>,
    /// clone3 with CLONE_INTO_CGROUP.
    pub clone_into: Answer,
    /// fsopen(2), which the new mount calls begin with.
    pub new_mounts: Answer,
    /// mount_setattr(2), which maps ids.
    pub mount_setattr: Answer,
    /// pidfd_open(2).
    pub pidfd: Answer,
    /// Landlock's version.
    pub landlock: Option<u32>,
    /// Whether the guard of devices passes the kernel's check (BPF).
    pub devices: Result<(), OsError>,
}

/// Looks.
pub fn look() -> Sight {
    let cgroups = cgroup::discover();
    let hierarchy = cgroups.as_ref().ok().and_then(|found| found.hierarchy().ok());
    let memory = rustix::system::sysinfo();
    Sight {
        release: rustix::system::uname().release().to_string_lossy().into_owned(),
        uid: rustix::process::geteuid().as_raw(),
        capabilities: capabilities(),
        controllers: hierarchy.map(|hierarchy| hierarchy.controllers).unwrap_or_default(),
        sample: cgroups.as_ref().ok().and_then(sample),
        cgroups,
        swap: memory.totalswap.saturating_mul(u64::from(memory.mem_unit.max(1))),
        // The file is there and unreadable when the kernel was booted with psi=0.
        pressure: fs::read("/proc/pressure/memory").is_ok(),
        user_namespaces: number("/proc/sys/user/max_user_namespaces"),
        namespaces: names(Path::new("/proc/self/ns")),
        seccomp: text("/proc/sys/kernel/seccomp/actions_avail"),
        memfd_noexec: number("/proc/sys/vm/memfd_noexec"),
        filesystems: filesystems(&text("/proc/filesystems").unwrap_or_default()),
        clone_into: calls::clone_into(),
        new_mounts: calls::fsopen(),
        mount_setattr: calls::mount_setattr(),
        pidfd: calls::pidfd_open(),
        landlock: init_shim::sys::landlock::version().ok(),
        devices: cgroup::DeviceGuard::load().map(drop),
    }
}

/// A cgroup that is not the root, for the files that only such a one has: our own, or any first one below the mount.
fn sample(found: &Discovery) -> Option<(PathBuf, Vec<String>)> {
    let below = fs::read_dir(&found.mount).ok()?.flatten();
    let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    let dir = std::iter::once(found.own.clone()).chain(below).find(|dir| dir.join("cgroup.events").exists())?;
    let names = names(&dir);
    Some((dir, names))
}

/// `CapEff` of `/proc/self/status`.
fn capabilities() -> u64 {
    let status = text("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default()
}

/// The last word of each line; the first is `nodev` or nothing.
fn filesystems(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn number(path: &str) -> Option<u64> {
    text(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_at_this_host_sees_what_every_linux_has() {
        let sight = look();
        assert!(!sight.release.is_empty());
        assert!(sight.namespaces.iter().any(|name| name == "pid"));
        assert!(sight.filesystems.iter().any(|name| name == "tmpfs"));
        assert_eq!(sight.pidfd, Answer::There);
    }

    #[test]
    fn looking_changes_no_cgroup_and_starts_no_child() {
        let cgroups = || {
            let found = cgroup::discover().ok()?;
            let mut names = names(&found.mount);
            names.sort();
            Some(names.into_iter().filter(|name| !name.starts_with("ironcell")).collect::<Vec<_>>())
        };
        let before = cgroups();
        look();
        assert_eq!(cgroups(), before);
    }
}
