//! What only the host can see of a cell: its first process, and to whom its user namespace belongs.

use super::{Attempt, Control, Deed, Seen, all};
use rustix::fd::AsRawFd;
use std::fs::{self, File};

pub(super) const ALL: &[Attempt] = &[
    Attempt {
        name: "first_process",
        tried: "a look from the host at the cell's PID 1: ids, capabilities, no_new_privs, descriptors",
        deed: Deed::FromHost(first_process),
        control: Control::Ourselves,
    },
    Attempt {
        name: "namespace_owner",
        tried: "a look from the host at the owner of the cell's user namespace: ioctl(2) NS_GET_OWNER_UID",
        deed: Deed::FromHost(namespace_owner),
        control: Control::Ourselves,
    },
];

/// Every look from the host, at this process.
pub fn look(pid: i32) -> Vec<(&'static str, Seen)> {
    let looks = all().filter_map(|attempt| match attempt.deed {
        Deed::FromHost(look) => Some((attempt.name, look(pid))),
        Deed::Inside(_) => None,
    });
    looks.collect()
}

/// `/proc/PID/status`, and a line with the number of its descriptors.
fn first_process(pid: i32) -> Seen {
    let status = fs::read(format!("/proc/{pid}/status")).and_then(|mut status| {
        let count = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        status.extend(format!("Descriptors:\t{count}\n").bytes());
        Ok(status)
    });
    Seen::of_read(status)
}

/// ioctl_ns(2): the user whom the kernel charges what the cell uses up (kernel 4.11).
fn namespace_owner(pid: i32) -> Seen {
    const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;
    let namespace = match File::open(format!("/proc/{pid}/ns/user")) {
        Ok(namespace) => namespace,
        Err(error) => return Seen::of_error(&error),
    };
    let mut owner: libc::uid_t = 0;
    // SAFETY: the request writes one id to `owner`, which outlives the call.
    let asked = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_OWNER_UID as _, &raw mut owner) };
    if asked == -1 { Seen::of_errno() } else { Seen::Facts(owner.to_string().into_bytes()) }
}
