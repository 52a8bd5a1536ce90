//! What of the host's files a cell shows without being asked: the system, and the directory that the caller stands in.

use crate::plan::host::{CurrentDir, NETWORK_FILES, SystemEntry};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The system's programs and libraries, and the few files of /etc that they need to work at all: which of several
/// programs is meant, where libraries are, whom to trust, what time it is. Nothing that names people or secrets.
const SYSTEM: [&str; 11] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/lib32",
    "/libx32",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ssl",
    "/etc/localtime",
];

/// What the cell has of its own at these places, so that the host's would be shown in vain or by mistake.
const OF_THE_CELL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// What is never shown as a whole because somebody happens to stand in it.
const HIDDEN_WHOLE: [&str; 5] = ["/etc", "/home", "/root", "/run", "/var"];

/// The system as it is found, in mount order.
pub(super) fn system() -> Vec<SystemEntry> {
    SYSTEM.iter().filter_map(|path| entry(Path::new(path))).collect()
}

/// A link is made anew, cheaper than a mount; one that leads out of what is shown leads nowhere in the cell.
fn entry(path: &Path) -> Option<SystemEntry> {
    let found = fs::symlink_metadata(path).ok()?;
    if !found.is_symlink() {
        return Some(SystemEntry::Bind(path.to_owned()));
    }
    let target = fs::read_link(path).ok()?;
    Some(SystemEntry::Link { path: path.to_owned(), target })
}

/// The caller's current directory, as far as a cell can show it.
pub(super) fn current_dir(system: &[SystemEntry]) -> CurrentDir {
    match std::env::current_dir() {
        Ok(dir) => as_seen(&dir, system),
        Err(error) => hidden(format!("the current directory cannot be named ({error})")),
    }
}

/// The rules, for any directory.
fn as_seen(dir: &Path, system: &[SystemEntry]) -> CurrentDir {
    if !dir.is_absolute() || dir.starts_with("/(unreachable)") || dir.starts_with("(unreachable)") {
        return hidden("it is outside of the caller's own root".to_owned());
    }
    if dir == Path::new("/") || dir == Path::new("/tmp") {
        return hidden(format!("a cell has a {} of its own", dir.display()));
    }
    if OF_THE_CELL.iter().any(|own| dir.starts_with(own)) {
        return hidden(format!("{} belongs to the host; a cell has its own", dir.display()));
    }
    if HIDDEN_WHOLE.iter().any(|whole| dir == Path::new(whole)) {
        return hidden(format!("a cell does not show the whole of the host's {}; ask with --ro", dir.display()));
    }
    let shown = |entry: &SystemEntry| matches!(entry, SystemEntry::Bind(path) if dir.starts_with(path));
    if system.iter().any(shown) {
        return CurrentDir::Inside(dir.to_owned());
    }
    match closed_to_others(dir) {
        Some(reason) => hidden(reason),
        None => CurrentDir::Shown(dir.to_owned()),
    }
}

/// Why a user whom nobody knows cannot enter and read a directory. The job is such a user: its ids are none of the
/// host's. The whole way counts, although a bind would cut it short: what its owner closed stays closed.
fn closed_to_others(dir: &Path) -> Option<String> {
    const READ_AND_ENTER: u32 = 0o005;
    const ENTER: u32 = 0o001;
    for part in dir.ancestors() {
        let need = if part == dir { READ_AND_ENTER } else { ENTER };
        match fs::metadata(part) {
            Ok(found) if found.mode() & need == need => {}
            Ok(found) => {
                let mode = found.mode() & 0o7777;
                return Some(format!("{} is closed to other users (mode {mode:04o}); --ro shows it", part.display()));
            }
            Err(error) => return Some(format!("{} cannot be looked at ({error})", part.display())),
        }
    }
    None
}

fn hidden(reason: String) -> CurrentDir {
    CurrentDir::Hidden { reason }
}

/// What of the system is bound, and what is bound with the host's network.
pub(super) fn bound(system: &[SystemEntry]) -> impl Iterator<Item = PathBuf> {
    let binds = system.iter().filter_map(|entry| match entry {
        SystemEntry::Bind(path) => Some(path.clone()),
        SystemEntry::Link { .. } => None,
    });
    binds.chain(NETWORK_FILES.iter().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn usr() -> [SystemEntry; 1] {
        [SystemEntry::Bind("/usr".into())]
    }

    #[test]
    fn what_a_cell_has_of_its_own_is_hidden() {
        for dir in ["/", "/tmp", "/proc/self", "/sys", "/dev/shm"] {
            assert!(matches!(as_seen(Path::new(dir), &usr()), CurrentDir::Hidden { .. }), "{dir}");
        }
        assert_eq!(as_seen(Path::new("/usr/lib"), &usr()), CurrentDir::Inside("/usr/lib".into()));
    }

    #[test]
    fn a_directory_that_others_may_read_is_shown_and_a_closed_one_is_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).expect("made");
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
        mode(&inner, 0o755);
        mode(dir.path(), 0o700);
        assert!(matches!(as_seen(&inner, &usr()), CurrentDir::Hidden { reason } if reason.contains("mode 0700")));
        mode(dir.path(), 0o711);
        assert_eq!(as_seen(&inner, &usr()), CurrentDir::Shown(inner.clone()));
        mode(&inner, 0o751);
        assert!(matches!(as_seen(&inner, &usr()), CurrentDir::Hidden { .. }));
    }

    #[test]
    fn a_link_is_shown_as_a_link_and_what_is_missing_not_at_all() {
        let dir = tempfile::tempdir().expect("a directory");
        let link = dir.path().join("bin");
        std::os::unix::fs::symlink("usr/bin", &link).expect("linked");
        assert_eq!(entry(&link), Some(SystemEntry::Link { path: link.clone(), target: "usr/bin".into() }));
        assert_eq!(entry(dir.path()), Some(SystemEntry::Bind(dir.path().to_owned())));
        assert_eq!(entry(&dir.path().join("none")), None);
    }
}
