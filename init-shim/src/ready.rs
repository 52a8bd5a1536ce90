//! How a process becomes a keeper, in order: nobody looks in, nothing of the caller's is held, limits are as high as they
//! go, the host is known. [`get_ready`] is the list.

use crate::{creds, stdio, sys};
use linux_raw_sys::general as raw;
use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, fstatfs, open};
use rustix::io::{Errno, Result, read};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What the keeper knows of the host.
pub struct Host {
    /// The host's /proc.
    pub proc: OwnedFd,
    /// The kernel's newest capability.
    pub last_capability: u32,
    /// CLONE_NEW* of every cell; the network is each order's own choice, the cgroup comes with the way into it.
    pub namespaces: u32,
    /// Whether clone3 may put a cell into its cgroup.
    pub clones_into_cgroups: bool,
}

/// All that makes a process a keeper, in order. The socket comes back with an error, to tell it.
pub fn get_ready(socket: OwnedFd) -> std::result::Result<(OwnedFd, Host), (OwnedFd, Errno)> {
    let socket = match stdio::above_stdio(rustix::io::dup(&socket).unwrap_or(socket)) {
        Ok(socket) => socket,
        Err(_) => sys::exit_now(crate::inside::NOT_BUILT),
    };
    let ready = || {
        // Before anything else: nothing may look into this process or its children (CVE-2016-9962, CVE-2019-5736).
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        stdio::to_null()?;
        sys::close_all_but(&[socket.as_fd()])?;
        leave_caller()?;
        sys::ignore_children();
        creds::keep_capabilities()?;
        rustix::thread::set_thread_groups(&[])?;
        raise_rlimits()?;
        sys::reset_scheduling()?;
        // For people who look at the host's processes.
        rustix::thread::set_name(c"ironcell-keeper")?;
        Host::look()
    };
    match ready() {
        Ok(host) => Ok((socket, host)),
        Err(errno) => Err((socket, errno)),
    }
}

/// A session of its own, so that a Ctrl-C at the caller's terminal does not end who has to clear up; no directory held;
/// no mask on modes; no signal but SIGKILL.
fn leave_caller() -> Result<()> {
    match rustix::process::setsid() {
        // EPERM: it already leads one.
        Ok(_) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno),
    }
    rustix::process::chdir("/")?;
    rustix::process::umask(Mode::empty());
    nix::sys::signal::sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)
        .map_err(|errno| Errno::from_raw_os_error(errno as i32))
}

/// getrlimit(2): only who has CAP_SYS_RESOURCE on the host may raise a hard limit. Raised here to the highest, so that
/// each target lowers its own to what it was given. A user namespace remembers four of them as ceilings of all its users.
///
/// Without the capability (a container may lack it) they stay: a job that asks for more is refused at its own step.
fn raise_rlimits() -> Result<()> {
    const ALL: [Resource; 15] = [
        Resource::As,
        Resource::Core,
        Resource::Cpu,
        Resource::Data,
        Resource::Fsize,
        Resource::Locks,
        Resource::Memlock,
        Resource::Msgqueue,
        Resource::Nice,
        Resource::Nproc,
        Resource::Rss,
        Resource::Rtprio,
        Resource::Rttime,
        Resource::Sigpending,
        Resource::Stack,
    ];
    for resource in ALL {
        let now = getrlimit(resource);
        let ceiling =
            matches!(resource, Resource::Memlock | Resource::Msgqueue | Resource::Nproc | Resource::Sigpending);
        let wanted = Rlimit { current: if ceiling { None } else { now.current }, maximum: None };
        raise(resource, wanted, now)?;
    }
    let most = Some(read_number("/proc/sys/fs/nr_open")?);
    raise(Resource::Nofile, Rlimit { current: most, maximum: most }, getrlimit(Resource::Nofile))
}

/// As wanted, or up to the hard limit that there is.
fn raise(resource: Resource, wanted: Rlimit, now: Rlimit) -> Result<()> {
    match setrlimit(resource, wanted) {
        Err(Errno::PERM) => setrlimit(resource, Rlimit { current: now.maximum, maximum: now.maximum }),
        other => other,
    }
}

/// A file of /proc/sys that holds one number.
fn read_number(path: &str) -> Result<u64> {
    let file = open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = [0_u8; 32];
    let length = read(&file, &mut text)?;
    str::from_utf8(&text[..length]).ok().and_then(|text| text.trim().parse().ok()).ok_or(Errno::INVAL)
}

impl Host {
    /// Looks at the host once.
    fn look() -> Result<Self> {
        let proc = open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        // A /proc that is none would take our writes and do nothing (CVE-2019-19921).
        if fstatfs(&proc)?.f_type != PROC_SUPER_MAGIC as _ {
            return Err(Errno::NODEV);
        }
        let last_capability = read_number("/proc/sys/kernel/cap_last_cap")? as u32;
        let namespaces =
            raw::CLONE_NEWUSER | raw::CLONE_NEWPID | raw::CLONE_NEWNS | raw::CLONE_NEWIPC | raw::CLONE_NEWUTS;
        Ok(Self { proc, last_capability, namespaces, clones_into_cgroups: true })
    }
}
