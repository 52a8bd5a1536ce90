//! The kernel's version, our privilege, and the calls and namespaces that a cell is built with.

use super::{Check, good, limited, missing};
use crate::os::doctor::{Answer, Sight};
use crate::os::probe::version_of;

/// The oldest kernel that can end a cell for sure (cgroup.kill).
const OLDEST: (u32, u32) = (5, 14);
/// What newer kernels add, and from when on.
const ADDED: [((u32, u32), &str); 4] = [
    ((5, 19), "the peak of memory (memory.peak) and zswap limits"),
    ((6, 1), "the peak of processes (pids.peak)"),
    ((6, 3), "id-mapped tmpfs and executable seals"),
    ((6, 5), "the peak of swap (memory.swap.peak)"),
];
/// CAP_SYS_ADMIN's bit, capability.h.
const SYS_ADMIN: u64 = 1 << 21;
/// The namespaces of a cell, as `/proc/self/ns` names them.
const NAMESPACES: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];
const CONTAINER: &str =
    "if this is a container, run it with --privileged or with a seccomp profile that lets it through";

/// The kernel's version and what it lacks.
pub(super) fn version(sight: &Sight) -> Check {
    let item = "kernel";
    let release = &sight.release;
    let Some(version) = version_of(release) else {
        return limited(item, format!("{release}, which names no version"), "boot 5.14 or newer");
    };
    if version < OLDEST {
        return missing(item, format!("{release}, which has no cgroup.kill"), "boot 5.14 or newer");
    }
    let lacks: Vec<&str> = ADDED.iter().filter(|(since, _)| version < *since).map(|(_, what)| *what).collect();
    match lacks.is_empty() {
        true => good(item, release),
        false => good(item, format!("{release}, which does not know {}", lacks.join(", "))),
    }
}

/// root with CAP_SYS_ADMIN.
pub(super) fn privilege(sight: &Sight) -> Check {
    let item = "privilege";
    match (sight.uid, sight.capabilities & SYS_ADMIN != 0) {
        (0, true) => good(item, "root with CAP_SYS_ADMIN"),
        (0, false) => missing(item, "root without CAP_SYS_ADMIN", "if this is a container, run it with --privileged"),
        (uid, _) => missing(item, format!("user {uid}"), "run as root"),
    }
}

/// Everything else of the kernel.
pub(super) fn checks(sight: &Sight) -> Vec<Check> {
    vec![
        user_namespaces(sight),
        namespaces(sight),
        call("mount calls (fsopen, open_tree, move_mount)", sight.new_mounts, "boot 5.2 or newer"),
        call("id-mapped mounts (mount_setattr)", sight.mount_setattr, "boot 5.12 or newer"),
        call("process descriptors (pidfd)", sight.pidfd, "boot 5.3 or newer"),
        seccomp(sight),
        landlock(sight),
        devices(sight),
        memfd(sight),
        filesystem(sight, "tmpfs"),
        overlay(sight),
    ]
}

/// A call that was tried.
pub(super) fn call(item: &str, answer: Answer, remedy: &str) -> Check {
    match answer {
        Answer::There => good(item, "there"),
        Answer::Absent => {
            missing(item, "not in this kernel, or hidden by a seccomp filter", format!("{remedy}; {CONTAINER}"))
        }
        Answer::Forbidden => missing(item, "forbidden", format!("run as root; {CONTAINER}")),
        Answer::Otherwise(errno) => missing(item, std::io::Error::from_raw_os_error(errno).to_string(), remedy),
    }
}

fn user_namespaces(sight: &Sight) -> Check {
    let item = "user namespaces";
    match sight.user_namespaces {
        Some(0) => missing(item, "user.max_user_namespaces is 0", "sysctl user.max_user_namespaces=10000"),
        Some(most) => good(item, format!("up to {most}")),
        None => missing(item, "not in this kernel", "boot one with CONFIG_USER_NS"),
    }
}

fn namespaces(sight: &Sight) -> Check {
    let item = "namespaces";
    let lacks: Vec<&str> =
        NAMESPACES.into_iter().filter(|name| !sight.namespaces.iter().any(|known| known == name)).collect();
    match lacks.is_empty() {
        true => good(item, NAMESPACES.join(" ")),
        false => missing(item, format!("without {}", lacks.join(" ")), "boot a kernel with these namespaces"),
    }
}

fn seccomp(sight: &Sight) -> Check {
    let item = "seccomp filters";
    match &sight.seccomp {
        Some(actions) if ["errno", "kill_process"].iter().all(|need| actions.split(' ').any(|word| word == *need)) => {
            good(item, actions)
        }
        Some(actions) => missing(item, actions, "boot 4.14 or newer"),
        None => missing(item, "not in this kernel", "boot one with CONFIG_SECCOMP_FILTER"),
    }
}

fn landlock(sight: &Sight) -> Check {
    let item = "landlock";
    match sight.landlock {
        Some(1) => limited(item, "version 1, which cannot move files; cells do without it", "boot 5.19 or newer"),
        Some(version) => good(item, format!("version {version}")),
        None => limited(item, "not there; cells do without it", "boot with landlock in lsm="),
    }
}

fn devices(sight: &Sight) -> Check {
    let item = "guard of devices (BPF on a cgroup)";
    match &sight.devices {
        Ok(()) => good(item, "there"),
        Err(error) => missing(item, error.to_string(), "boot a kernel with CONFIG_CGROUP_BPF, and run as root"),
    }
}

/// The init shim of a threaded program is started from a sealed memfd.
fn memfd(sight: &Sight) -> Check {
    let item = "executable memfd";
    match sight.memfd_noexec {
        None | Some(0 | 1) => good(item, "allowed"),
        Some(value) => missing(item, format!("vm.memfd_noexec is {value}"), "sysctl vm.memfd_noexec=1"),
    }
}

fn filesystem(sight: &Sight, name: &str) -> Check {
    match sight.filesystems.iter().any(|known| known == name) {
        true => good(name, "there"),
        false => missing(name, "not in this kernel", format!("boot one with {name}")),
    }
}

fn overlay(sight: &Sight) -> Check {
    match sight.filesystems.iter().any(|known| known == "overlay") {
        true => good("overlay", "there"),
        false => limited("overlay", "not loaded; cells do without it", "modprobe overlay"),
    }
}
