//! Cgroups: a job must neither see where it is nor change what holds it.

use super::{Around, Attempt, Scene, Seen, inside};
use rustix::mount::{MountFlags, mount};

pub(super) const ALL: &[Attempt] = &[
    inside("own_cgroup", "a look at /proc/self/cgroup", own, Around::Process),
    inside("join_cgroup", "open(2) of the host's cgroup.procs, for writing", join, Around::Process),
    inside("mount_cgroup", "mount(2) of cgroup2 on /tmp", mount_own, Around::Namespaces),
];

fn own(_: &Scene) -> Seen {
    Seen::of_read(std::fs::read("/proc/self/cgroup"))
}

/// Opened, and nothing written.
fn join(scene: &Scene) -> Seen {
    match scene.cgroup.join("cgroup.procs").to_str() {
        Some(path) => super::files::write_only(path),
        None => Seen::Unclear("the path of the host's cgroups is no text".to_owned()),
    }
}

fn mount_own(_: &Scene) -> Seen {
    Seen::of_call(mount("none", "/tmp", "cgroup2", MountFlags::empty(), None), "it is mounted")
}
