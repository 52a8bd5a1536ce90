//! The second walls: what stands behind mounts and ids, and is not noticed as long as those hold. So it is counted.

use super::{Around, Attempt, Control, Deed, Scene, Seen, inside};
use crate::os::cgroup::DeviceGuard;
use init_shim::sys::landlock;
use rustix::io::Errno;
use std::fs::{self, File};
use std::path::Path;

pub(super) const ALL: &[Attempt] = &[
    inside(
        "file_rules",
        "a look at the rulesets in force: landlock_restrict_self(2) until the kernel takes no more",
        file_rules,
        Around::Process,
    ),
    Attempt {
        name: "device_guard",
        tried: "a look from the host for a program on the cell's cgroup: bpf(2) BPF_PROG_QUERY",
        deed: Deed::FromHost(device_guard),
        control: Control::Ourselves,
    },
];

/// LANDLOCK_MAX_NUM_LAYERS of the kernel: rulesets of one process.
const MOST_RULESETS: usize = 16;
/// LANDLOCK_ACCESS_FS_MAKE_BLOCK, which every version can handle, and which no attempt needs.
const SOMETHING: u64 = 1 << 11;

/// How many rulesets were in force before: the kernel takes 16 of them.
fn file_rules(_: &Scene) -> Seen {
    if landlock::version().is_err() {
        return Seen::Facts(b"none".to_vec());
    }
    for more in 0..=MOST_RULESETS {
        let restricted = landlock::create(SOMETHING, 0).and_then(landlock::restrict_self);
        match restricted {
            Ok(()) => {}
            Err(Errno::TOOBIG) => return Seen::Facts((MOST_RULESETS - more).to_string().into_bytes()),
            Err(errno) => return Seen::Refused(errno.raw_os_error()),
        }
    }
    Seen::Unclear("the kernel takes rulesets without an end".to_owned())
}

/// How many programs say which devices the process's cgroup may open, and how many processes' own.
fn device_guard(pid: i32) -> Seen {
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).and_then(|text| {
        let own = text.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
        let mount =
            crate::os::cgroup::discover().map_err(|error| std::io::Error::from_raw_os_error(error.errno))?.mount;
        File::open(Path::new(&mount).join(own))
    });
    match cgroup.and_then(DeviceGuard::count) {
        Ok(count) => Seen::Facts(count.to_string().into_bytes()),
        Err(error) => Seen::of_error(&error),
    }
}
