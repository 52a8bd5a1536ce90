//! Second life: PID 1 of a machine with nothing in it. Mounts what an init mounts, then reaps until the end.
//!
//! The work is done by a child: so the reaping of orphans never takes the exit status of a command from its waiter.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount};
use rustix::process::{Resource, Rlimit, WaitOptions, setrlimit, wait};
use rustix::system::{RebootCommand, reboot};

/// No set-user-id programs, no devices, no programs at all: for file systems that hold none.
pub const QUIET: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);
const OPEN: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV);

/// (kind, place, flags, options), as systemd mounts them.
const MOUNTS: [(&str, &str, MountFlags, &std::ffi::CStr); 7] = [
    ("cgroup2", "/sys/fs/cgroup", QUIET, c"nsdelegate,memory_recursiveprot"),
    ("securityfs", "/sys/kernel/security", QUIET, c""),
    ("devpts", "/dev/pts", MountFlags::NOSUID.union(MountFlags::NOEXEC), c"gid=5,mode=620,ptmxmode=000"),
    ("tmpfs", "/dev/shm", OPEN, c"mode=1777"),
    ("mqueue", "/dev/mqueue", QUIET, c""),
    ("tmpfs", "/run", OPEN, c"mode=755"),
    ("tmpfs", "/tmp", OPEN, c"mode=1777"),
];

/// Links that udev makes where there is one.
const LINKS: [(&str, &str); 4] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
];

/// Open files, soft and hard: systemd's, where the kernel alone would give 1,024 and 4,096.
const OPEN_FILES: Rlimit = Rlimit { current: Some(1024), maximum: Some(524_288) };

pub fn run() -> Result<()> {
    for (kind, place, flags, options) in MOUNTS {
        fs::create_dir_all(place).with_context(|| format!("cannot make {place}"))?;
        mount(kind, place, kind, flags, options).with_context(|| format!("cannot mount {place}"))?;
    }
    for (target, link) in LINKS {
        symlink(target, link).with_context(|| format!("cannot link {link}"))?;
    }
    fs::create_dir_all("/run/lock").context("cannot make /run/lock")?;
    rustix::system::sethostname(b"ironcell").context("cannot set the host name")?;
    setrlimit(Resource::Nofile, OPEN_FILES).context("cannot set the limit of open files")?;
    loopback_up().context("cannot bring the loopback device up")?;

    // SAFETY: this process has one thread, so its child may do anything.
    match unsafe { libc::fork() } {
        -1 => bail!("cannot fork: {}", io::Error::last_os_error()),
        0 => crate::serve::run(),
        server => reap(server),
    }
}

/// Reaps until the server ends, with which the machine ends.
fn reap(server: libc::pid_t) -> Result<()> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_pid() == server => {
                eprintln!("agent: the server ended: {status:?}");
                power_off()?;
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for children"),
        }
    }
}

pub fn power_off() -> Result<()> {
    rustix::fs::sync();
    reboot(RebootCommand::PowerOff).context("cannot power off")
}

fn loopback_up() -> io::Result<()> {
    // SAFETY: a plain call; the descriptor is closed below or by the end of the process.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `ifreq` is plain data, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which lives across the call.
    let done = unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS, &request) };
    let error = io::Error::last_os_error();
    // SAFETY: the descriptor is this function's own.
    unsafe { libc::close(socket) };
    if done == 0 { Ok(()) } else { Err(error) }
}
