//! What the keeper does for one cell, from outside: open what will be mounted, clone, give ids, release.
//!
//! [`outside`] is the list; each call is one step of the catalogue.

use crate::creds;
use crate::inside::{self, Inner};
use crate::ready::Host;
use crate::report::{Failure, ROOT_ITEM};
use crate::socket::LaunchFds;
use crate::step::Step;
use crate::sys::{self, Born, MountAttributes, Side};
use crate::wire::{CELL_IDS, IdMapping, Order, RootFs, Source, What};
use linux_raw_sys::general as raw;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::{Errno, read, write};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Signal, pidfd_send_signal};
use std::time::Duration;

/// A cell to build.
pub struct Cell<'a> {
    /// What to build.
    pub order: &'a Order,
    /// The first of its host ids.
    pub first_id: u32,
    /// Its descriptors.
    pub fds: &'a LaunchFds,
}

/// The host's side of a cell's mounts, each a detached mount of its own, at the place of its entry in the order.
pub struct Sources {
    /// The root, if it is a directory of the host.
    pub root: Option<OwnedFd>,
    /// For each entry of the order, the mount that belongs there.
    pub entries: Vec<Option<OwnedFd>>,
}

/// All that happens outside the cell. A failure leaves nothing behind.
///
/// On some kernels a clone into a cgroup is killed at birth when the keeper's own cgroup was once killed (`cgroup.kill`):
/// the two cgroups' kill counts are compared as if they were one's. Seen once, cells are moved in by `cgroup.procs`
/// instead, before their release, so that still nothing of the job runs outside of it.
///
/// # Errors
/// The step that failed, its item, and why.
pub fn outside(host: &mut Host, cell: &Cell<'_>) -> Result<Born, Failure> {
    let sources = open_sources(host, cell)?;
    let way = if host.clones_into_cgroups { Way::Cloned } else { Way::Moved };
    match bear(host, cell, &sources, way) {
        Err(failure) if failure.step == Step::AwaitCell && way == Way::Cloned => {
            let born = bear(host, cell, &sources, Way::Moved)?;
            // Only now is it known that the way was to blame, and not this cell's own limits.
            host.clones_into_cgroups = false;
            Ok(born)
        }
        other => other,
    }
}

/// How a cell comes into its cgroup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By clone3 itself.
    Cloned,
    /// By `cgroup.procs`; its cgroup namespace is made by PID 1 afterwards, or it would begin at the keeper's cgroup.
    Moved,
}

/// From the clone to the release, in order. Its ids are written while it comes to life: the sign of it is only waited for
/// afterwards, when it is mostly there.
fn bear(host: &Host, cell: &Cell<'_>, sources: &Sources, way: Way) -> Result<Born, Failure> {
    let (held, hold) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map_err(|errno| Failure::at(Step::ReleaseCell, errno))?;
    let born = match clone_cell(host, cell, way)? {
        Side::Child => {
            let (proc, last_capability) = (&host.proc, host.last_capability);
            inside::run(&Inner { cell, sources, held: &held, proc, last_capability, moved: way == Way::Moved })
        }
        Side::Parent(born) => born,
    };
    drop(held);
    let prepare = || {
        enter_cgroup(cell, &born, way)?;
        write_id_maps(host, cell, &born)?;
        cell.order.step(Step::RaiseOomScore, || raise_oom_score(host, cell, &born))
    };
    let prepared = prepare();
    // Whatever has failed for one that was killed at birth, its silence is the reason.
    await_cell(&hold).and(prepared).and_then(|()| release_cell(&hold)).inspect_err(|_| {
        // The cell waits for its release and has run nothing: it can only be ended. ESRCH is that it already has.
        let _ = pidfd_send_signal(&born.pidfd, Signal::KILL);
    })?;
    Ok(born)
}

/// Opens and protects every path of the host that is mounted into the cell.
fn open_sources(host: &Host, cell: &Cell<'_>) -> Result<Sources, Failure> {
    let root = match &cell.order.root {
        RootFs::Tree(source) => {
            let failed = |(step, errno)| Failure { item: ROOT_ITEM, ..Failure::at(step, errno) };
            Some(bind(host, cell, source).map_err(failed)?)
        }
        RootFs::Fresh { .. } => None,
    };
    let mut entries = Vec::with_capacity(cell.order.entries.len());
    for (index, entry) in cell.order.entries.iter().enumerate() {
        let opened = match &entry.what {
            What::BindDirectory(source) | What::BindFile(source) => bind(host, cell, source).map(Some),
            What::Device { source, major, minor } => device(source, *major, *minor).map(Some),
            // null(4).
            What::Hidden => device(b"/dev/null", 1, 3).map(Some),
            _ => Ok(None),
        };
        let item = index as u16;
        entries.push(opened.map_err(|(step, errno)| Failure { item, ..Failure::at(step, errno) })?);
    }
    Ok(Sources { root, entries })
}

/// A detached copy of one mount of the host, without what is mounted below it, and without set-user-id or devices.
fn bind(host: &Host, cell: &Cell<'_>, source: &Source) -> Result<OwnedFd, (Step, Errno)> {
    let tree = open_source(&source.path)?;
    let access = if source.writable { 0 } else { raw::MOUNT_ATTR_RDONLY };
    let set = raw::MOUNT_ATTR_NOSUID | raw::MOUNT_ATTR_NODEV | access;
    let userns = owner_namespace(host, cell, source.ids).map_err(|errno| (Step::MapOwner, errno))?;
    let attributes = MountAttributes { set, userns: userns.as_ref().map(AsFd::as_fd) };
    let step = if userns.is_some() { Step::MapOwner } else { Step::ProtectSource };
    // mount_setattr(2): the copy may still be in the peer group of the host's mount; private in the same call, or a mount
    // made below it in the cell would appear on the host.
    cell.order.step(step, || sys::mount_setattr(&tree, attributes).map_err(|errno| (step, errno)))?;
    Ok(tree)
}

/// One device node of the host, which must be the device that it should be.
fn device(source: &[u8], major: u32, minor: u32) -> Result<OwnedFd, (Step, Errno)> {
    let tree = open_source(source)?;
    let stat = fstat(&tree).map_err(|errno| (Step::OpenSource, errno))?;
    let number = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice || number != (major, minor) {
        return Err((Step::OpenSource, Errno::NODEV));
    }
    let set = raw::MOUNT_ATTR_NOSUID | raw::MOUNT_ATTR_NOEXEC;
    sys::mount_setattr(&tree, MountAttributes { set, userns: None }).map_err(|errno| (Step::ProtectSource, errno))?;
    Ok(tree)
}

/// openat2(2) without magic links (`/proc/PID/root` and the like), then open_tree(2) of exactly what was found.
fn open_source(path: &[u8]) -> Result<OwnedFd, (Step, Errno)> {
    let open = || {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let found = openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)?;
        let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        open_tree(&found, "", clone)
    };
    open().map_err(|errno| (Step::OpenSource, errno))
}

/// The user namespace by which a mount shows the host's ids as the cell's (mount_setattr(2), "ID-mapped mounts").
fn owner_namespace(host: &Host, cell: &Cell<'_>, ids: IdMapping) -> Result<Option<OwnedFd>, Errno> {
    let (order, first) = (cell.order, cell.first_id);
    match ids {
        IdMapping::Plain => Ok(None),
        IdMapping::Owner { uid, gid } => {
            let users = format!("{uid} {} 1", first + order.uid);
            let groups = format!("{gid} {} 1", first + order.gid);
            namespace_with(host, &users, &groups).map(Some)
        }
        IdMapping::Cell => {
            let all = format!("0 {first} {CELL_IDS}");
            namespace_with(host, &all, &all).map(Some)
        }
    }
}

/// A user namespace with these maps. It needs a process to be born in; that one only sleeps, and is ended at once.
fn namespace_with(host: &Host, users: &str, groups: &str) -> Result<OwnedFd, Errno> {
    let keeper = rustix::process::getpid();
    let born = match sys::clone_into(u64::from(raw::CLONE_NEWUSER), None)? {
        Side::Child => {
            // Should the keeper die now, nobody else would end it. prctl(2): it may have died before this call.
            let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
            if rustix::process::getppid() != Some(keeper) {
                sys::exit_now(inside::NOT_BUILT);
            }
            sys::sleep_until_killed()
        }
        Side::Parent(born) => born,
    };
    let opened = write_proc(host, born.pid, "uid_map", users)
        .and_then(|()| write_proc(host, born.pid, "gid_map", groups))
        .and_then(|()| {
            let path = format!("{}/ns/user", born.pid);
            openat(&host.proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        });
    let _ = pidfd_send_signal(&born.pidfd, Signal::KILL);
    // It has copies of all that we hold, locks among them: what we let go of is not free before it is gone. SIGCHLD is
    // ignored, so the kernel reaps it.
    let within = Timespec { tv_sec: HELPER_GONE_WITHIN.as_secs() as i64, tv_nsec: 0 };
    let _ = poll(&mut [PollFd::new(&born.pidfd, PollFlags::IN)], Some(&within));
    opened
}

/// How long the kernel may take to end a process that sleeps: no time at all, but on a machine that is very busy.
const HELPER_GONE_WITHIN: Duration = Duration::from_secs(5);

/// The one clone3: all namespaces at once, straight into the cgroup, owned by the job's own user id.
fn clone_cell(host: &Host, cell: &Cell<'_>, way: Way) -> Result<Side<Born>, Failure> {
    let identity = |uid| creds::take_effective(uid).map_err(|errno| Failure::at(Step::TakeJobIdentity, errno));
    cell.order.step(Step::TakeJobIdentity, || identity(cell.first_id))?;
    let network = if cell.order.own_network { raw::CLONE_NEWNET } else { 0 };
    let (into, cgroup) = match way {
        Way::Cloned => (Some(cell.fds.cgroup.as_fd()), raw::CLONE_NEWCGROUP),
        Way::Moved => (None, 0),
    };
    let born = sys::clone_into(u64::from(host.namespaces | network | cgroup), into);
    if let Ok(Side::Child) = born {
        return Ok(Side::Child);
    }
    // Going back to root is always allowed: the real and the saved user id never left it.
    identity(0)?;
    born.map_err(|errno| Failure::at(Step::CloneCell, errno))
}

/// Where cells cannot be cloned into their cgroup they are moved into it. Written by root, so no other check applies.
fn enter_cgroup(cell: &Cell<'_>, born: &Born, way: Way) -> Result<(), Failure> {
    if way == Way::Cloned {
        return Ok(());
    }
    openat(&cell.fds.cgroup, "cgroup.procs", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|procs| write(procs, born.pid.to_string().as_bytes()))
        .map(drop)
        .map_err(|errno| match errno {
            // It is gone already: killed at birth as well.
            Errno::SRCH => Failure::at(Step::AwaitCell, errno),
            other => Failure::at(Step::CloneCell, other),
        })
}

/// user_namespaces(7): the maps are written once, by a process with CAP_SETUID and CAP_SETGID in the parent namespace.
fn write_id_maps(host: &Host, cell: &Cell<'_>, born: &Born) -> Result<(), Failure> {
    let map = format!("0 {} {CELL_IDS}", cell.first_id);
    write_proc(host, born.pid, "uid_map", &map)
        .and_then(|()| write_proc(host, born.pid, "gid_map", &map))
        .map_err(|errno| Failure::at(Step::WriteIdMaps, errno))
}

/// proc_pid_oom_score_adj(5): written with CAP_SYS_RESOURCE the value is also the least that the job may ever set.
fn raise_oom_score(host: &Host, cell: &Cell<'_>, born: &Born) -> Result<(), Failure> {
    write_proc(host, born.pid, "oom_score_adj", &cell.order.oom_score_adj.to_string())
        .map_err(|errno| Failure::at(Step::RaiseOomScore, errno))
}

/// How long a first sign of life may take: it is the first thing that PID 1 does, so only a host in distress takes longer.
const SIGN_WITHIN: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// PID 1's first sign of life. The end of the stream instead of it: it was killed at birth.
fn await_cell(hold: &OwnedFd) -> Result<(), Failure> {
    let mut watched = [PollFd::new(hold, PollFlags::IN)];
    match poll(&mut watched, Some(&SIGN_WITHIN)) {
        Ok(0) => return Err(Failure::at(Step::AwaitCell, Errno::TIMEDOUT)),
        Ok(_) => {}
        Err(errno) => return Err(Failure::at(Step::AwaitCell, errno)),
    }
    match read(hold, &mut [0_u8; 1]) {
        Ok(1) => Ok(()),
        Ok(_) => Err(Failure::at(Step::AwaitCell, Errno::CHILD)),
        Err(errno) => Err(Failure::at(Step::AwaitCell, errno)),
    }
}

/// Lets PID 1 begin.
fn release_cell(hold: &OwnedFd) -> Result<(), Failure> {
    write(hold, &[inside::RELEASE]).map(drop).map_err(|errno| Failure::at(Step::ReleaseCell, errno))
}

/// Writes a file of a child's /proc in one call. The child was born just now and waits for us: had it been killed at birth,
/// its id would have to have come around within these microseconds to be another's.
fn write_proc(host: &Host, pid: i32, file: &str, value: &str) -> Result<(), Errno> {
    let path = format!("{pid}/{file}");
    let file = openat(&host.proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    write(&file, value.as_bytes()).map(drop)
}
