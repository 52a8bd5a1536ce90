//! PURE: what the job sees as `/`, entry by entry.

mod machine;

use super::host::{CurrentDir, Host, NETWORK_FILES, Owner, PathKind, SystemEntry};
use super::{Refusal, Setting};
use crate::spec::{Access, JobSpec, MountSpec, Net, Profile, Root, User};
use init_shim::wire::{ENTRIES_MOST, Entry, IdMapping, RootFs, Source, What};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The furnished root.
pub struct Furnished {
    /// What `/` itself is.
    pub base: RootFs,
    /// What is in it.
    pub entries: Vec<Entry>,
    /// Where the target starts.
    pub cwd: Vec<u8>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// The tmpfs of a fresh root holds directories, links and six small files; mount points of deep paths take one page each.
const ROOT_SIZE: u64 = 4 << 20;
/// Directories, links and mount points of a fresh root.
const ROOT_INODES: u64 = 8192;
/// `/dev` on a root that is a directory of the host: nodes and links only.
const DEV_SIZE: u64 = 64 << 10;
/// Nodes and links in `/dev`, with room for mounts below it.
const DEV_INODES: u64 = 64;
/// Without a memory limit a tmpfs may take a quarter of the host's memory.
const TMPFS_SHARE_WITHOUT_LIMIT: u64 = 4;

/// The character devices of a cell (null(4), zero(4), full(4), random(4), tty(4)), by their fixed numbers.
const DEVICES: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];
/// The links of a cell's `/dev`, as every Linux has them.
const DEV_LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];
/// The root that this ask has on this host.
///
/// # Errors
/// A source that is not there, or a root that has too many entries.
pub fn of(spec: &JobSpec, host: &Host, settings: &[Setting]) -> Result<Furnished, Refusal> {
    let tmpfs = tmpfs_size(host, settings);
    let mut entries = Vec::new();
    let mut notes = Vec::new();
    let base = match &spec.isolation().root {
        Root::System => {
            system(spec, host, &mut entries);
            RootFs::Fresh { size: ROOT_SIZE, inodes: ROOT_INODES }
        }
        Root::Dir { path, access } => {
            find_directory(host, "--rootfs", path)?;
            entries.push(entry("/dev", What::Tmpfs { size: DEV_SIZE, inodes: DEV_INODES, mode: 0o755 }));
            let writable = *access == Access::ReadWrite;
            let ids = if writable { IdMapping::Cell } else { IdMapping::Plain };
            RootFs::Tree(Source { path: bytes(path), writable, ids })
        }
    };
    machine::possible(spec)?;
    common(tmpfs, spec.isolation().profile, &mut entries);
    let cwd = working_directory(spec, host, &mut entries, &mut notes);
    for mount in &spec.isolation().mounts {
        entries.push(asked(mount, host, tmpfs)?);
    }
    if entries.len() > ENTRIES_MOST {
        return Err(Refusal {
            field: "mounts".to_owned(),
            value: spec.isolation().mounts.len().to_string(),
            problem: format!("a cell has at most {ENTRIES_MOST} entries, these would be {}", entries.len()),
            remedy: "mount a directory that holds them".to_owned(),
        });
    }
    Ok(Furnished { base, entries, cwd, notes })
}

/// The bytes of a path.
fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// An entry at a path of ours.
fn entry(path: &str, what: What) -> Entry {
    Entry { path: path.as_bytes().to_vec(), what }
}

/// A read-only mount of a host's path at the same place.
fn read_only(path: &Path, kind: PathKind) -> Entry {
    let source = Source { path: bytes(path), writable: false, ids: IdMapping::Plain };
    let what = if kind == PathKind::File { What::BindFile(source) } else { What::BindDirectory(source) };
    Entry { path: bytes(path), what }
}

/// The host's system directories and a small `/etc` of the cell's own, less what the ask puts in their places.
fn system(spec: &JobSpec, host: &Host, entries: &mut Vec<Entry>) {
    let replaced = |path: &Path| targets(spec).any(|target| target == path);
    for found in &host.system {
        match found {
            SystemEntry::Bind(path) if !replaced(path) => entries.push(read_only(path, kind(host, path))),
            SystemEntry::Link { path, target } if !replaced(path) => {
                entries.push(Entry { path: bytes(path), what: What::Link { target: bytes(target) } });
            }
            SystemEntry::Bind(_) | SystemEntry::Link { .. } => {}
        }
    }
    for (path, content) in etc(spec) {
        if !replaced(Path::new(path)) {
            entries.push(entry(path, What::File { content: content.into_bytes() }));
        }
    }
    if spec.isolation().net == Net::Host {
        let there = NETWORK_FILES.iter().map(Path::new).filter(|path| !replaced(path));
        entries.extend(
            there.filter(|path| kind(host, path) == PathKind::File).map(|path| read_only(path, PathKind::File)),
        );
    }
}

/// The generated files of `/etc`: what programs ask for to print a name, and nothing of the host.
fn etc(spec: &JobSpec) -> Vec<(&'static str, String)> {
    let (user, hostname) = (spec.isolation().user, spec.isolation().hostname.as_str());
    let mut files = vec![
        ("/etc/passwd", passwd(user)),
        ("/etc/group", group(user)),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        ("/etc/hostname", format!("{hostname}\n")),
    ];
    if spec.isolation().net == Net::None {
        files.push(("/etc/hosts", format!("127.0.0.1 localhost {hostname}\n::1 localhost {hostname}\n")));
    }
    files
}

/// passwd(5) of a cell.
fn passwd(user: User) -> String {
    let own = format!("job:x:{}:{}:job:/tmp:/bin/sh\n", user.uid(), user.gid());
    let root = "root:x:0:0:root:/tmp:/bin/sh\n";
    let nobody = "nobody:x:65534:65534:nobody:/:/bin/false\n";
    if user.uid() == 0 { format!("{root}{nobody}") } else { format!("{root}{own}{nobody}") }
}

/// group(5) of a cell.
fn group(user: User) -> String {
    let own = format!("job:x:{}:\n", user.gid());
    let (root, tty, nobody) = ("root:x:0:\n", "tty:x:5:\n", "nogroup:x:65534:\n");
    if matches!(user.gid(), 0 | 5) { format!("{root}{tty}{nobody}") } else { format!("{root}{tty}{own}{nobody}") }
}

/// What every root has: devices, processes, and places to write that die with the cell.
fn common(tmpfs: u64, profile: Profile, entries: &mut Vec<Entry>) {
    for (path, major, minor) in DEVICES {
        entries.push(entry(path, What::Device { source: path.as_bytes().to_vec(), major, minor }));
    }
    for (path, target) in DEV_LINKS {
        entries.push(entry(path, What::Link { target: target.as_bytes().to_vec() }));
    }
    let shared = What::Tmpfs { size: tmpfs, inodes: 0, mode: 0o1777 };
    entries.push(entry("/dev/shm", shared.clone()));
    entries.push(entry("/dev/pts", What::Pts));
    if profile == Profile::Compat {
        machine::show(entries);
    } else {
        entries.push(entry("/proc", What::Proc));
    }
    entries.push(entry("/tmp", shared));
}

/// Where the target starts: where the ask says, or where the caller is, if that can be shown.
fn working_directory(spec: &JobSpec, host: &Host, entries: &mut Vec<Entry>, notes: &mut Vec<String>) -> Vec<u8> {
    if let Some(cwd) = spec.cwd() {
        return bytes(cwd);
    }
    if spec.isolation().root != Root::System {
        return b"/".to_vec();
    }
    match &host.current_dir {
        CurrentDir::Shown(path) => {
            if !targets(spec).any(|target| target == path) {
                entries.push(read_only(path, PathKind::Directory));
            }
            bytes(path)
        }
        CurrentDir::Inside(path) => bytes(path),
        CurrentDir::Hidden { reason } => {
            notes.push(format!("the job starts in /: {reason}"));
            b"/".to_vec()
        }
    }
}

/// Where the ask mounts.
fn targets(spec: &JobSpec) -> impl Iterator<Item = &PathBuf> {
    spec.isolation().mounts.iter().map(|mount| match mount {
        MountSpec::Bind { target, .. } | MountSpec::Tmpfs { target, .. } => target,
    })
}

/// One mount of the ask.
fn asked(mount: &MountSpec, host: &Host, tmpfs: u64) -> Result<Entry, Refusal> {
    match mount {
        MountSpec::Tmpfs { target, size } => {
            let what = What::Tmpfs { size: size.unwrap_or(tmpfs), inodes: 0, mode: 0o1777 };
            Ok(Entry { path: bytes(target), what })
        }
        MountSpec::Bind { source, target, access } => {
            let writable = *access == Access::ReadWrite;
            let field = if writable { "--rw" } else { "--ro" };
            let kind = find(host, field, source)?;
            let ids = if writable { owner(host, source)? } else { IdMapping::Plain };
            let source = Source { path: bytes(source), writable, ids };
            let what = if kind == PathKind::File { What::BindFile(source) } else { What::BindDirectory(source) };
            Ok(Entry { path: bytes(target), what })
        }
    }
}

/// What a path of the host is, as the facts have it.
fn kind(host: &Host, path: &Path) -> PathKind {
    host.kinds.iter().find(|(known, _)| known == path).map_or(PathKind::Missing, |(_, kind)| *kind)
}

/// The same for a path that must be there.
fn find(host: &Host, field: &str, path: &Path) -> Result<PathKind, Refusal> {
    match kind(host, path) {
        PathKind::Missing => Err(Refusal {
            field: field.to_owned(),
            value: path.display().to_string(),
            problem: "there is no such file or directory on the host".to_owned(),
            remedy: "create it, or name another".to_owned(),
        }),
        found => Ok(found),
    }
}

/// The same for a directory.
fn find_directory(host: &Host, field: &str, path: &Path) -> Result<(), Refusal> {
    match find(host, field, path)? {
        PathKind::Directory => Ok(()),
        _ => Err(Refusal {
            field: field.to_owned(),
            value: path.display().to_string(),
            problem: "it is not a directory".to_owned(),
            remedy: "name a directory that holds a root file system".to_owned(),
        }),
    }
}

/// The mapping by which the job's files belong to the owner of the directory that they are written to.
fn owner(host: &Host, path: &Path) -> Result<IdMapping, Refusal> {
    let known = host.owners.iter().find(|(known, _)| known == path);
    known.map(|(_, Owner { uid, gid })| IdMapping::Owner { uid: *uid, gid: *gid }).ok_or_else(|| Refusal {
        field: "--rw".to_owned(),
        value: path.display().to_string(),
        problem: "its owner is not known".to_owned(),
        remedy: "see that the directory can be read".to_owned(),
    })
}

/// Bytes of a tmpfs without a size of its own: as much as the job may have memory, in which it is counted.
fn tmpfs_size(host: &Host, settings: &[Setting]) -> u64 {
    let limit = settings.iter().find(|setting| setting.file == "memory.max");
    limit.and_then(|setting| setting.value.parse().ok()).unwrap_or(host.memory_total / TMPFS_SHARE_WITHOUT_LIMIT)
}

#[cfg(test)]
mod tests;
