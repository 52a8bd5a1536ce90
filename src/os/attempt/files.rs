//! Files of the host's: what is not given must not be there, and what is given read-only must stay as it is.

use super::{Around, Attempt, Scene, Seen, inside};
use rustix::fd::AsRawFd;
use rustix::fs::{Mode, OFlags, open, stat};

pub(super) const ALL: &[Attempt] = &[
    inside("see_shadow", "stat(2) of the host's /etc/shadow", shadow, Around::Process),
    inside("write_system", "open(2) of a nameless file in /usr, for writing", write_usr, Around::Process),
    inside("open_by_handle", "open_by_handle_at(2) of a file by its number", by_handle, Around::Process),
    inside("core_pattern", "open(2) of /proc/sys/kernel/core_pattern, for writing", core_pattern, Around::Process),
    inside("sysrq", "open(2) of /proc/sysrq-trigger, for writing", sysrq, Around::Process),
    inside("proc_sys", "a list of /proc/sys", proc_sys, Around::Process),
    inside("kcore", "open(2) of /proc/kcore", kcore, Around::Process),
    inside("kallsyms", "open(2) of /proc/kallsyms", kallsyms, Around::Process),
    inside("proc_keys", "open(2) of /proc/keys", proc_keys, Around::Process),
    inside("meminfo", "open(2) of /proc/meminfo", meminfo, Around::Process),
    inside("sys", "a list of /sys", sys, Around::Process),
];

/// A tmpfs, which has handles everywhere; an overlay has none on some kernels.
const SHARED: &str = "/dev/shm";

/// A look, which needs no right to the file itself.
fn shadow(_: &Scene) -> Seen {
    Seen::of_call(stat("/etc/shadow"), "it is there")
}

/// O_TMPFILE: a file without a name, which is gone when it is closed. So the control leaves nothing on the host.
fn write_usr(_: &Scene) -> Seen {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    Seen::of_call(open("/usr", flags, Mode::from_raw_mode(0o600)), "there is a new file in it")
}

/// CVE-2014-9357 and its like ("shocker"): a file is opened by its number, past every wall of directories.
fn by_handle(_: &Scene) -> Seen {
    /// Bytes of the largest handle: MAX_HANDLE_SZ of linux/exportfs.h; the two numbers before it are 8.
    const HANDLE_MOST_BYTES: u32 = 128;
    let mut handle = [0_u32; 2 + HANDLE_MOST_BYTES as usize / 4];
    handle[0] = HANDLE_MOST_BYTES;
    let mut mount = 0;
    let place = match open(SHARED, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(place) => place,
        Err(errno) => return Seen::Refused(errno.raw_os_error()),
    };
    // SAFETY: the handle has room for as many bytes as it says, the path is a C string; all outlive the calls.
    let named = unsafe {
        let (path, empty) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
        libc::name_to_handle_at(place.as_raw_fd(), path, handle.as_mut_ptr().cast(), &raw mut mount, empty)
    };
    if named == -1 {
        return Seen::of_errno();
    }
    // SAFETY: the kernel reads the handle that it has just written.
    Seen::of(unsafe { libc::open_by_handle_at(place.as_raw_fd(), handle.as_mut_ptr().cast(), libc::O_RDONLY) }.into())
}

fn core_pattern(_: &Scene) -> Seen {
    write_only("/proc/sys/kernel/core_pattern")
}

fn sysrq(_: &Scene) -> Seen {
    write_only("/proc/sysrq-trigger")
}

fn proc_sys(_: &Scene) -> Seen {
    list("/proc/sys")
}

fn kcore(_: &Scene) -> Seen {
    read_only("/proc/kcore")
}

fn kallsyms(_: &Scene) -> Seen {
    read_only("/proc/kallsyms")
}

fn proc_keys(_: &Scene) -> Seen {
    read_only("/proc/keys")
}

fn meminfo(_: &Scene) -> Seen {
    read_only("/proc/meminfo")
}

fn sys(_: &Scene) -> Seen {
    list("/sys")
}

/// Opened for writing, and nothing written.
pub(super) fn write_only(path: &str) -> Seen {
    Seen::of_call(open(path, OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()), "it is open")
}

/// Opened for reading.
pub(super) fn read_only(path: &str) -> Seen {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = open(path, flags, Mode::empty()).and_then(|file| rustix::fs::fstat(&file));
    match opened {
        // null(4): what stands there by name is covered.
        Ok(stat) if stat.st_rdev == rustix::fs::makedev(1, 3) => Seen::Absent("it is covered by null".to_owned()),
        opened => Seen::of_call(opened, "it is open"),
    }
}

/// Whether a directory is there and has anything in it.
fn list(path: &str) -> Seen {
    match std::fs::read_dir(path).map(Iterator::count) {
        Ok(0) => Seen::Absent("it is empty".to_owned()),
        Ok(count) => Seen::Allowed(format!("it has {count} entries")),
        Err(error) => Seen::of_error(&error),
    }
}
