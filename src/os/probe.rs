//! Gathers the facts of this host that a plan needs. Looks only: nothing is made or changed.

mod view;

use super::block::{self, Tables};
use super::{Doing, OsError};
use crate::plan::CpuList;
use crate::plan::host::{Hierarchy, Host, Owner, PathKind};
use crate::spec::{Access, JobSpec, MountSpec, Root};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All that a plan for `spec` needs to know, with jobs' cgroups in `hierarchy` (made by [`super::cgroup::prepare`], or
/// foretold by [`super::cgroup::Discovery::hierarchy`]).
///
/// # Errors
/// When the kernel does not tell something without which no plan can be made.
pub fn facts(spec: &JobSpec, hierarchy: Hierarchy) -> Result<Host, OsError> {
    let memory = rustix::system::sysinfo();
    let unit = u64::from(memory.mem_unit.max(1));
    let system = view::system();
    let tables = Tables::default();
    Ok(Host {
        memory_total: memory_above(&hierarchy).min(memory.totalram.saturating_mul(unit)),
        swap_total: memory.totalswap.saturating_mul(unit),
        cpus: cpus(&hierarchy)?,
        io_weight_heard: io_weight_heard(&hierarchy.mount),
        kernel: kernel(),
        holds_oom_score: holds_oom_score(),
        landlock: init_shim::sys::landlock::version().ok(),
        page_size: super::page_size(),
        current_dir: view::current_dir(&system),
        disks: spec
            .limits()
            .io_max
            .iter()
            .map(|line| block::resolve(&line.target, &tables).map_err(|error| error.to_string()))
            .collect(),
        owners: owners(spec)?,
        kinds: sources(spec)
            .map(|(source, _)| source.clone())
            .chain(view::bound(&system))
            .map(|source| (source.clone(), kind(&source)))
            .collect(),
        system,
        hierarchy,
    })
}

/// proc_pid_oom_score_adj(5): with CAP_SYS_RESOURCE a value that is written is also the least that may follow.
fn holds_oom_score() -> bool {
    use rustix::thread::{CapabilitySet, capabilities};
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_RESOURCE))
}

/// The kernel's version; one that says something else is taken for an old one.
fn kernel() -> (u32, u32) {
    version_of(&rustix::system::uname().release().to_string_lossy()).unwrap_or_default()
}

/// MAJOR.MINOR of a release: `6.1.0-56-cloud` is 6.1.
pub fn version_of(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What of the host is bound into the cell: the root first, if it is a directory, then the mounts in order.
fn sources(spec: &JobSpec) -> impl Iterator<Item = (&PathBuf, Access)> {
    let root = match &spec.isolation().root {
        Root::Dir { path, access } => Some((path, *access)),
        Root::System => None,
    };
    let binds = spec.isolation().mounts.iter().filter_map(|mount| match mount {
        MountSpec::Bind { source, access, .. } => Some((source, *access)),
        MountSpec::Tmpfs { .. } => None,
    });
    root.into_iter().chain(binds)
}

/// Who owns each writable source; one that is missing is the plan's to refuse.
fn owners(spec: &JobSpec) -> Result<Vec<(PathBuf, Owner)>, OsError> {
    let mut owners = Vec::new();
    for (source, _) in sources(spec).filter(|(_, access)| *access == Access::ReadWrite) {
        match fs::metadata(source) {
            Ok(found) => owners.push((source.clone(), Owner { uid: found.uid(), gid: found.gid() })),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(OsError::new(Doing::Read, source, error)),
        }
    }
    Ok(owners)
}

/// What a source is; links are followed, as the mount will.
fn kind(source: &Path) -> PathKind {
    match fs::metadata(source) {
        Ok(found) if found.is_dir() => PathKind::Directory,
        Ok(_) => PathKind::File,
        Err(_) => PathKind::Missing,
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP))
}

/// The base and the cgroups above it, as far as the mount shows them.
fn above(hierarchy: &Hierarchy) -> impl Iterator<Item = &Path> {
    hierarchy.base.ancestors().take_while(|dir| dir.starts_with(&hierarchy.mount))
}

/// The least `memory.max` of the cgroups above the jobs: a share of the host is a share of that.
fn memory_above(hierarchy: &Hierarchy) -> u64 {
    let limit = |dir: &Path| fs::read_to_string(dir.join("memory.max")).ok()?.trim().parse::<u64>().ok();
    above(hierarchy).filter_map(limit).min().unwrap_or(u64::MAX)
}

/// The processors that a cell may run on: those of the base, or of the nearest cgroup above it that says so (a cgroup
/// without the cpuset controller has its parent's), else our own.
fn cpus(hierarchy: &Hierarchy) -> Result<CpuList, OsError> {
    let said = |dir: &Path| fs::read_to_string(dir.join("cpuset.cpus.effective")).ok();
    let list = above(hierarchy).find_map(said).and_then(|text| CpuList::parse(&text));
    if let Some(list) = list.filter(|list| !list.is_empty()) {
        return Ok(list);
    }
    let own = rustix::thread::sched_getaffinity(None)
        .map_err(|e| OsError::new(Doing::Read, "/proc/self/status", e).value("our processors"))?;
    Ok((0..rustix::thread::CpuSet::MAX_CPU as u32).filter(|cpu| own.is_set(*cpu as usize)).collect())
}

/// Whether some disk shares by weight: iocost is off until `io.cost.qos` of the root cgroup has `enable=1` for it. Only
/// the root has that file, and a container does not see the root.
fn io_weight_heard(mount: &Path) -> Option<bool> {
    let text = fs::read_to_string(mount.join("io.cost.qos")).ok()?;
    Some(text.split_whitespace().any(|word| word == "enable=1"))
}

/// How many processors a job could use at once, at most: it may leave the ones that we were bound to, unless a cpuset holds
/// it (sched_setaffinity(2)).
pub fn processors(host: &Host) -> u32 {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").ok();
    online.and_then(|text| CpuList::parse(&text)).map_or(0, |list| list.count()).max(host.cpus.count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::host::{CurrentDir, SystemEntry};

    fn hierarchy() -> Hierarchy {
        Hierarchy {
            mount: "/sys/fs/cgroup".into(),
            base: "/sys/fs/cgroup/ironcell".into(),
            controllers: Vec::new(),
            on_v1: Vec::new(),
            refused: Vec::new(),
            files: Vec::new(),
        }
    }

    #[test]
    fn the_facts_of_this_host_make_sense() {
        let spec = JobSpec::command("true").build().expect("a spec");
        let host = facts(&spec, hierarchy()).expect("facts");
        assert!(host.memory_total > 16 * 1024 * 1024 && host.page_size >= 4096 && !host.cpus.is_empty());
        assert!(host.system.contains(&SystemEntry::Bind("/usr".into())), "{:?}", host.system);
        assert!(!matches!(host.current_dir, CurrentDir::Inside(_)), "the tests do not run below /usr");
    }

    #[test]
    fn the_least_limit_above_counts() {
        let dir = tempfile::tempdir().expect("a directory");
        let base = dir.path().join("a/b");
        fs::create_dir_all(&base).expect("made");
        fs::write(dir.path().join("memory.max"), "7\n").expect("written");
        fs::write(dir.path().join("a/memory.max"), "4096000\n").expect("written");
        fs::write(base.join("memory.max"), "max\n").expect("written");
        let hierarchy = Hierarchy { mount: dir.path().join("a"), base, ..hierarchy() };
        assert_eq!(memory_above(&hierarchy), 4_096_000, "what is above the mount is not ours to see");
    }

    #[test]
    fn the_nearest_cgroup_that_names_processors_is_believed() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(dir.path().join("a")).expect("made");
        fs::write(dir.path().join("cpuset.cpus.effective"), "1,3-4\n").expect("written");
        let hierarchy = Hierarchy { mount: dir.path().into(), base: dir.path().join("a"), ..hierarchy() };
        assert_eq!(cpus(&hierarchy).expect("cpus").to_string(), "1,3-4");
    }
}
