//! Looks where cgroup v2 is and which controllers it has. Reads only: `ironcell doctor` and `--dry-run` stand on this.

use super::file::Dir;
use super::seat::Seat;
use crate::os::mountinfo::{self, Mount};
use crate::os::{Doing, OsError};
use crate::plan::host::{Controller, Hierarchy};
use std::path::{Path, PathBuf};

/// What was found, before anything is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Where cgroup v2 is mounted.
    pub mount: PathBuf,
    /// Our own cgroup's directory below the mount.
    pub own: PathBuf,
    /// The controllers that this host has on cgroup v1.
    pub on_v1: Vec<Controller>,
    /// The controllers of the whole mount, as its root lists them.
    pub at_mount: Vec<Controller>,
    /// Where the place for cells will be made, and how.
    pub seat: Seat,
    /// Whether the mount is read-only, as in a container without privileges.
    pub read_only: bool,
}

/// Name of the cgroup below the seat whose children the cells are.
pub(super) const BASE: &str = crate::spec::CELLS;

/// Finds the hierarchy and our place in it. Touches nothing.
///
/// # Errors
/// When there is no cgroup v2 that we can see ourselves in.
pub fn discover() -> Result<Discovery, OsError> {
    discover_for(Who::Ourselves)
}

/// Whose place in the hierarchy is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// This process's.
    Ourselves,
    /// Another's, a keeper's that outlives us: the cells shall be where it is.
    Process(i32),
}

impl Who {
    /// Its file in /proc.
    fn file(self) -> String {
        match self {
            Self::Ourselves => "/proc/self/cgroup".to_owned(),
            Self::Process(pid) => format!("/proc/{pid}/cgroup"),
        }
    }
}

/// The same for a process.
pub(super) fn discover_for(who: Who) -> Result<Discovery, OsError> {
    let own = cgroup_of(who)?;
    let mountinfo = read("/proc/self/mountinfo")?;
    let mounts = mountinfo::parse(&mountinfo);
    let mount = cgroup2(&mounts, &own.v2).ok_or_else(|| {
        OsError::new(Doing::Find, "/proc/self/mountinfo", rustix::io::Errno::NOENT)
            .value("a mount of cgroup2")
            .remedy("mount it: mount -t cgroup2 none /sys/fs/cgroup")
    })?;
    let dir = verified(&mount.point)?;
    // Cannot fail: `cgroup2` chose a mount whose root is above our cgroup.
    let below = own.v2.strip_prefix(&mount.root).unwrap_or(Path::new(""));
    let own_dir = if below.as_os_str().is_empty() { mount.point.clone() } else { mount.point.join(below) };
    Ok(Discovery {
        seat: Seat::of(&dir, &own_dir)?,
        own: own_dir,
        on_v1: own.v1,
        at_mount: controllers(&dir, "cgroup.controllers")?,
        read_only: mount.read_only(),
        mount: mount.point.clone(),
    })
}

impl Discovery {
    /// The hierarchy as a plan needs it, foretold: what [`super::prepare`] would make.
    ///
    /// # Errors
    /// When a directory that was just found cannot be read.
    pub fn hierarchy(&self) -> Result<Hierarchy, OsError> {
        let (base, controllers) = match &self.seat {
            Seat::Root(dir) | Seat::Delegated(dir) => {
                (dir.join(BASE), controllers(&Dir::open(dir)?, "cgroup.controllers")?)
            }
            // systemd delegates all that it has.
            Seat::Systemd => (self.mount.join("system.slice/ironcell.scope").join(BASE), self.at_mount.clone()),
        };
        let files = match Dir::open(&base) {
            Ok(dir) => files(&dir, &controllers)?,
            // It is made by the first job.
            Err(_) => Vec::new(),
        };
        let (mount, on_v1) = (self.mount.clone(), self.on_v1.clone());
        Ok(Hierarchy { mount, base, controllers, on_v1, refused: Vec::new(), files })
    }
}

/// The files that a cell of this base will have: those of the base that belong to its controllers.
pub(super) fn files(base: &Dir, controllers: &[Controller]) -> Result<Vec<String>, OsError> {
    let names = base.list(rustix::fs::FileType::RegularFile, FILES_MOST)?;
    let ours = |name: &str| {
        let prefix = name.split('.').next().unwrap_or_default();
        let known = Controller::ALL.into_iter().find(|controller| controller.name() == prefix);
        known.is_none_or(|controller| controllers.contains(&controller) || name.ends_with(".pressure"))
    };
    Ok(names.into_iter().filter(|name| ours(name)).collect())
}

/// A cgroup has some sixty files today; hugetlb and rdma on large machines add some tens.
const FILES_MOST: usize = 512;

/// Opens the mount and makes sure that it is cgroup v2: a tmpfs with the same names would take every write and limit
/// nothing.
pub(super) fn verified(mount: &Path) -> Result<Dir, OsError> {
    let dir = Dir::open(mount)?;
    let found = rustix::fs::fstatfs(&dir.fd).map_err(|e| OsError::new(Doing::Read, mount, e))?;
    if found.f_type as u64 != libc::CGROUP2_SUPER_MAGIC as u64 {
        return Err(OsError::new(Doing::Find, mount, rustix::io::Errno::NODEV).value("cgroup v2"));
    }
    Ok(dir)
}

/// The mount of cgroup v2 through which our own cgroup can be seen; of several, the one that shows the most.
fn cgroup2<'m>(mounts: &'m [Mount], own: &Path) -> Option<&'m Mount> {
    let shows_us = |mount: &&Mount| mount.fstype == "cgroup2" && own.starts_with(&mount.root);
    mounts.iter().filter(shows_us).min_by_key(|mount| mount.root.components().count())
}

/// A file of controllers' names; those that ironcell uses.
pub(super) fn controllers(dir: &Dir, file: &str) -> Result<Vec<Controller>, OsError> {
    let text = dir.read(file)?.unwrap_or_default();
    let named = |controller: &Controller| text.split_whitespace().any(|word| word == controller.name());
    Ok(Controller::ALL.into_iter().filter(named).collect())
}

/// Our lines of `/proc/self/cgroup`.
#[derive(Debug, PartialEq, Eq)]
struct OwnCgroup {
    v2: PathBuf,
    v1: Vec<Controller>,
}

/// The cgroup of a process as the kernel names it now.
pub(super) fn name_of(who: Who) -> Result<PathBuf, OsError> {
    cgroup_of(who).map(|own| own.v2)
}

fn cgroup_of(who: Who) -> Result<OwnCgroup, OsError> {
    let path = who.file();
    let text = String::from_utf8_lossy(&read(&path)?).into_owned();
    parse_own(&text).ok_or_else(|| {
        OsError::new(Doing::Find, path, rustix::io::Errno::NOENT)
            .value("our place in cgroup v2")
            .remedy("boot a kernel with cgroup v2 (CONFIG_CGROUPS), 5.14 or newer")
    })
}

/// `0::/path` is cgroup v2; `N:controllers:/path` is a v1 hierarchy. A path with `..` is outside of our cgroup namespace.
fn parse_own(text: &str) -> Option<OwnCgroup> {
    let (mut v2, mut v1) = (None, Vec::new());
    for line in text.lines() {
        let mut words = line.splitn(3, ':');
        let (Some(id), Some(names), Some(path)) = (words.next(), words.next(), words.next()) else { continue };
        if id == "0" {
            // A removed cgroup has this at its end; its directory is gone.
            let gone = path.ends_with(" (deleted)");
            v2 = (path.starts_with('/') && !gone && !path.split('/').any(|part| part == "..")).then(|| path.into());
        } else {
            // v1 calls the io controller blkio.
            let on = |controller: &Controller| {
                let v1_name = if *controller == Controller::Io { "blkio" } else { controller.name() };
                names.split(',').any(|name| name == v1_name)
            };
            v1.extend(Controller::ALL.into_iter().filter(on));
        }
    }
    v1.sort_unstable();
    Some(OwnCgroup { v2: v2?, v1 })
}

fn read(path: &str) -> Result<Vec<u8>, OsError> {
    std::fs::read(path).map_err(|e| OsError::new(Doing::Read, path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_host_has_its_controllers_on_v1() {
        let own = parse_own("9:name=systemd:/\n7:blkio:/\n4:memory:/a:b\n1:cpu,cpuacct:/\n0::/x\n").expect("a place");
        assert_eq!(own.v2, Path::new("/x"));
        assert_eq!(own.v1, [Controller::Cpu, Controller::Io, Controller::Memory]);
    }

    #[test]
    fn a_place_that_cannot_be_seen_is_none() {
        for text in ["", "1:cpu:/\n", "0::/../other\n", "0::/x (deleted)\n", "0::x"] {
            assert_eq!(parse_own(text), None, "{text}");
        }
    }

    #[test]
    fn of_several_mounts_the_one_that_shows_the_most_is_taken() {
        let text = b"1 0 0:9 /a/b /inner rw - cgroup2 cgroup2 rw\n2 0 0:9 / /outer rw - cgroup2 cgroup2 rw\n\
            3 0 0:9 /z /other rw - cgroup2 cgroup2 rw\n4 0 0:9 / /v1 rw - cgroup cgroup rw\n";
        let mounts = mountinfo::parse(text);
        assert_eq!(cgroup2(&mounts, Path::new("/a/b/c")).map(|mount| mount.id), Some(2));
        assert_eq!(cgroup2(&mounts[..1], Path::new("/a")), None);
    }

    #[test]
    fn this_host_is_found_without_touching_it() {
        // Only where there is cgroup v2 at all; its absence is an error of its own kind, not a panic.
        if let Ok(found) = discover() {
            assert!(found.own.starts_with(&found.mount));
            assert!(found.hierarchy().is_ok());
        }
    }
}
