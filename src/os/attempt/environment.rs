//! What surrounds the job: descriptors, variables, its directory, its names.

use super::{Around, Attempt, Scene, Seen, inside, unlike};
use rustix::fs::{AtFlags, CWD, readlinkat};
use std::fmt::Write;
use std::os::unix::ffi::OsStringExt;

pub(super) const ALL: &[Attempt] = &[
    inside("descriptors", "a look at every open descriptor", descriptors, Around::Process),
    inside("variables", "a look at the environment", variables, Around::Process),
    unlike(
        "directory",
        "a look at the working directory: getcwd(2)",
        directory,
        (Around::Process, unreachable_directory),
    ),
    inside("host_name", "a look at the host name: uname(2)", host_name, Around::Process),
    inside("namespaces", "a look at /proc/self/ns", namespaces, Around::Process),
    unlike("root_owner", "a look at the owner of /", root_owner, (Around::Namespaces, foreign_root)),
];

/// The highest descriptor that is looked for: past the soft limit that a cell gives, and where a careless program's are.
const DESCRIPTORS: i32 = 4096;

/// Their numbers, less the one by which the answer goes. Asked one by one, so that the look has none of its own.
fn descriptors(scene: &Scene) -> Seen {
    let mut text = String::new();
    for fd in (0..DESCRIPTORS).filter(|fd| *fd != scene.answer) {
        // SAFETY: F_GETFD takes numbers only.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1 {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{fd}");
        }
    }
    Seen::Facts(text.into_bytes())
}

/// `NAME=VALUE`, each with a NUL at its end, in their order: as the exec gave them.
fn variables(_: &Scene) -> Seen {
    let mut all = Vec::new();
    for (name, value) in std::env::vars_os() {
        all.extend(name.into_vec());
        all.push(b'=');
        all.extend(value.into_vec());
        all.push(0);
    }
    Seen::Facts(all)
}

fn directory(_: &Scene) -> Seen {
    match rustix::process::getcwd(Vec::new()) {
        Ok(path) => Seen::Facts(path.into_bytes()),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}

/// What CVE-2024-21626 was: a directory outside of the root.
fn unreachable_directory(scene: &Scene) -> Seen {
    match rustix::process::chdir("/").and_then(|()| rustix::process::chroot("/proc")) {
        Ok(()) => directory(scene),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}

fn host_name(_: &Scene) -> Seen {
    Seen::Facts(rustix::system::uname().nodename().to_bytes().to_vec())
}

/// One line a namespace: its kind, and the number by which the kernel tells it from others (namespaces(7)).
fn namespaces(_: &Scene) -> Seen {
    let mut text = String::new();
    for kind in super::spaces::KINDS {
        match readlinkat(CWD, format!("/proc/self/ns/{kind}"), Vec::new()) {
            Ok(link) => {
                let _ = writeln!(text, "{kind} {}", link.to_string_lossy());
            }
            Err(errno) => return Seen::Refused(errno.raw_os_error()),
        }
    }
    Seen::Facts(text.into_bytes())
}

fn root_owner(_: &Scene) -> Seen {
    match rustix::fs::statat(CWD, "/", AtFlags::empty()) {
        Ok(stat) => Seen::Facts(format!("{} {}", stat.st_uid, stat.st_gid).into_bytes()),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}

/// The control's own `/tmp` as the root, given to somebody else.
fn foreign_root(scene: &Scene) -> Seen {
    match std::os::unix::fs::chown("/tmp", Some(1), Some(1)).and_then(|()| std::os::unix::fs::chroot("/tmp")) {
        Ok(()) => root_owner(scene),
        Err(error) => Seen::of_error(&error),
    }
}
