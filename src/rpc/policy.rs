//! What the daemon lets an operator have. The daemon is root: this is the wall between who may start jobs and the host.
//! Pure: it looks at the words of an ask, and never at a file.
//!
//! **Links.** A bind's source is opened by the kernel layer, which follows symbolic links (magic links of procfs excepted).
//! So a path is no stronger than the one who may write to the directories on its way. Of a directory that jobs may write to
//! (`bind_rw`) only the directory itself can be bound, never something below it: a job could have made a link there that
//! leads to `/etc`, and the next job would have it. Below a directory that is only read (`bind_ro`, `rootfs`) anything can
//! be bound, and a link in it leads where it leads: list none that others than root can write to.

use super::peer::Role;
use crate::spec::{Access, IoTarget, Isolation, JobSpec, Keep, LogFile, MountSpec, Net, Profile, Root, Store};
use std::path::{Component, Path, PathBuf};

/// What operators may ask of a job; admins are not held. The default gives nothing of the host away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether viewers read what jobs write.
    pub viewer_output: bool,
    /// Directories of the host that, with all below them, can be bound read-only.
    pub bind_ro: Vec<PathBuf>,
    /// Directories of the host that can be bound, for reading or writing; each as a whole (see above).
    pub bind_rw: Vec<PathBuf>,
    /// Directories of the host that, with all below them, can be a job's root; one to write to is in `bind_rw` as well.
    pub rootfs: Vec<PathBuf>,
    /// Whether a job can have the host's network.
    pub net_host: bool,
    /// The profiles of system calls that can be chosen.
    pub profiles: Vec<Profile>,
    /// Whether a job can bring rules for system calls of its own.
    pub seccomp: bool,
    /// Whether a job can set files of its cgroup by their names.
    pub cgroup_files: bool,
    /// Bytes of the daemon's memory that one job's log may take.
    pub log_max: u64,
    /// Bytes of disk that one job's output may take.
    pub spool_max: u64,
}

/// Four times what a job has that asks for nothing; some hundreds of such jobs fit into a daemon's memory.
const LOG_MAX: u64 = 16 << 20;
/// A long build's whole output, many times over.
const SPOOL_MAX: u64 = 1 << 30;

impl Default for Policy {
    fn default() -> Self {
        Self {
            viewer_output: false,
            bind_ro: Vec::new(),
            bind_rw: Vec::new(),
            rootfs: Vec::new(),
            net_host: false,
            // `compat` shows the whole of the host's /proc and /sys.
            profiles: vec![Profile::Strict, Profile::Default, Profile::Build],
            seccomp: false,
            cgroup_files: false,
            log_max: LOG_MAX,
            spool_max: SPOOL_MAX,
        }
    }
}

/// Something that the policy does not give to the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value:?}, which the daemon's policy does not give to operators; {remedy}")]
pub struct Forbidden {
    /// The field by its word on the wire and in files, as `mounts` or `profile`.
    pub field: &'static str,
    /// What was asked for.
    pub value: String,
    /// What would be let through, or what an admin can change.
    pub remedy: String,
}

impl Forbidden {
    fn new(field: &'static str, value: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field, value: value.into(), remedy: remedy.into() }
    }

    fn path(field: &'static str, path: &Path, remedy: impl Into<String>) -> Self {
        Self::new(field, path.to_string_lossy(), remedy)
    }
}

impl Policy {
    /// Whether a caller of this role may have this job.
    ///
    /// # Errors
    /// The first thing that he may not have, and what he may.
    pub fn permit(&self, role: Role, spec: &JobSpec) -> Result<(), Forbidden> {
        if role == Role::Admin {
            return Ok(());
        }
        let isolation = spec.isolation();
        self.root(&isolation.root)?;
        isolation.mounts.iter().try_for_each(|mount| self.mount(mount))?;
        self.walls(isolation)?;
        self.cgroup(spec)?;
        self.output(spec)
    }

    fn root(&self, root: &Root) -> Result<(), Forbidden> {
        let Root::Dir { path, access } = root else { return Ok(()) };
        let listed = below(path, &self.rootfs) && self.unplanted(path);
        if !listed {
            return Err(Forbidden::path("rootfs", path, choice("rootfs", &self.rootfs, "leave it out, or use")));
        }
        if *access == Access::ReadWrite && !same(path, &self.bind_rw) {
            return Err(Forbidden::path("rootfs_rw", path, choice("bind_rw", &self.bind_rw, "leave it out, or use")));
        }
        Ok(())
    }

    fn mount(&self, mount: &MountSpec) -> Result<(), Forbidden> {
        let MountSpec::Bind { source, access, .. } = mount else { return Ok(()) };
        match access {
            _ if same(source, &self.bind_rw) => Ok(()),
            Access::ReadOnly if self.readable(source) => Ok(()),
            Access::ReadOnly => {
                let dirs = [&self.bind_ro[..], &self.bind_rw[..]].concat();
                Err(Forbidden::path("mounts", source, choice("bind_ro", &dirs, "bind something below")))
            }
            Access::ReadWrite => Err(Forbidden::path(
                "mounts",
                source,
                choice("bind_rw", &self.bind_rw, "bind one of these as a whole:"),
            )),
        }
    }

    fn readable(&self, path: &Path) -> bool {
        same(path, &self.bind_rw) || (below(path, &self.bind_ro) && self.unplanted(path))
    }

    /// No job can have made a link on the way to it: it is not below a directory that jobs write to.
    fn unplanted(&self, path: &Path) -> bool {
        !below(path, &self.bind_rw) || same(path, &self.bind_rw)
    }

    fn walls(&self, isolation: &Isolation) -> Result<(), Forbidden> {
        if isolation.net == Net::Host && !self.net_host {
            return Err(Forbidden::new(
                "net",
                "host",
                "leave it out; an admin can set net_host in the daemon's policy",
            ));
        }
        if !self.profiles.contains(&isolation.profile) {
            let known: Vec<&str> = self.profiles.iter().map(|profile| profile.word()).collect();
            let remedy = format!("the profiles are {}", known.join(", "));
            return Err(Forbidden::new("profile", isolation.profile.word(), remedy));
        }
        if isolation.seccomp.is_some() && !self.seccomp {
            let remedy = "choose a profile; an admin can set seccomp in the daemon's policy";
            return Err(Forbidden::new("seccomp", "rules of the caller's own", remedy));
        }
        Ok(())
    }

    fn cgroup(&self, spec: &JobSpec) -> Result<(), Forbidden> {
        let limits = spec.limits();
        if let Some(file) = limits.cgroup_files.first().filter(|_| !self.cgroup_files) {
            let remedy = "use the limit of its own name; an admin can set cgroup_files in the daemon's policy";
            return Err(Forbidden::new("cgroup", file.file(), remedy));
        }
        if let Some(path) = spec.cgroup_parent() {
            return Err(Forbidden::path(
                "cgroup_parent",
                path,
                "leave it out: where cells are made is for admins alone",
            ));
        }
        // The daemon would tell by its errors what root alone can see of the host's files.
        let seen = |path: &Path| device(path) || self.readable(path);
        let hidden = limits.io_max.iter().find_map(|line| match &line.target {
            IoTarget::Path(path) if !seen(path) => Some(path),
            IoTarget::Path(_) | IoTarget::Number { .. } => None,
        });
        hidden.map_or(Ok(()), |path| Err(Forbidden::path("io_max", path, "name the disk by MAJ:MIN, or as /dev/NAME")))
    }

    fn output(&self, spec: &JobSpec) -> Result<(), Forbidden> {
        const FILES: &str = "read the output from the daemon, which keeps it: ironcell log";
        match spec.log_file() {
            Some(LogFile::At(path)) => return Err(Forbidden::path("log_file", path, FILES)),
            Some(LogFile::In(path)) => return Err(Forbidden::path("log_dir", path, FILES)),
            None => {}
        }
        match spec.store() {
            Store::Spool { keep: Keep::Always, .. } => {
                return Err(Forbidden::new("spool_keep", "true", "leave it out: a spool goes with its job"));
            }
            Store::Spool { max, .. } if max > self.spool_max => {
                return Err(Forbidden::new("spool", max.to_string(), format!("at most {} bytes", self.spool_max)));
            }
            Store::Spool { .. } | Store::Memory => {}
        }
        if spec.log_max() > self.log_max {
            let remedy = format!("at most {} bytes; a spool holds more", self.log_max);
            return Err(Forbidden::new("log_max", spec.log_max().to_string(), remedy));
        }
        Ok(())
    }
}

/// What would be let through.
fn choice(key: &str, dirs: &[PathBuf], verb: &str) -> String {
    if dirs.is_empty() {
        return format!("an admin can list a directory under {key} in the daemon's policy");
    }
    let dirs: Vec<_> = dirs.iter().map(|dir| dir.to_string_lossy()).collect();
    format!("{verb} {}", dirs.join(", "))
}

/// A device node by its plain name.
fn device(path: &Path) -> bool {
    parts(path).is_some_and(|parts| parts.len() == 2 && parts[0] == "dev")
}

/// The names of an absolute path; `None` if it is not absolute or climbs.
fn parts(path: &Path) -> Option<Vec<&std::ffi::OsStr>> {
    let mut names = Vec::new();
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return None;
    }
    for part in components {
        match part {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}

/// At one of the directories, or below it: by whole names.
fn below(path: &Path, dirs: &[PathBuf]) -> bool {
    let Some(path) = parts(path) else { return false };
    dirs.iter().filter_map(|dir| parts(dir)).any(|dir| path.starts_with(&dir))
}

/// One of the directories.
fn same(path: &Path, dirs: &[PathBuf]) -> bool {
    let Some(path) = parts(path) else { return false };
    dirs.iter().filter_map(|dir| parts(dir)).any(|dir| path == dir)
}

#[cfg(test)]
mod tests;
