//! The kernel's floor: the same walls and the same limits as a cell, by the calls that they take and nothing around
//! them. No keeper, no PID 1 that stays, no check, nothing read back.
//!
//! The calls without a safe wrapper are the shim's own thin ones ([`init_shim::sys`]); what is built is what the plan of
//! the measured cell says, so the two never drift apart.

use crate::refuse;
use crate::root::{Entry, What, entries};
use init_shim::sys::{self, Born, MountAttributes, Side};
use ironcell::spec::{JobSpec, Net};
use ironcell::supervise::Supervisor;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, open, openat, unlinkat};
use rustix::io::{Errno, Result, read, write};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_change, move_mount,
    open_tree, unmount,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::thread::{Gid, Uid, set_thread_res_gid, set_thread_res_uid};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// All namespaces of a cell on the host's network; others have [`libc::CLONE_NEWNET`], too.
const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// The host's ids of the child: any that nobody has.
const ID_MAP: &[u8] = b"0 1879048192 65536";
/// The child's own id inside.
const USER: u32 = 1000;
/// What a mount of the host is shown as.
const SAFE: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
/// Where the new root is built: hidden by it, and gone with the old root.
const STAGE: &str = "/tmp";

/// How long a launch took.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From the ask to the exec of the target.
    pub running: Duration,
    /// From the ask until the target has ended and nothing is left.
    pub gone: Duration,
}

/// Everything that can be prepared once.
pub struct Floor {
    cgroups: OwnedFd,
    settings: Vec<(String, String)>,
    entries: Vec<Entry>,
    net: Net,
    program: CString,
    made: u32,
}

impl Floor {
    /// Children are made below `cgroups` with these settings, have the root and the network of this job, and execute its
    /// program, without arguments.
    pub fn new(cgroups: &Path, settings: Vec<(String, String)>, spec: &JobSpec) -> Self {
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let cgroups = open(cgroups, directory, Mode::empty()).expect("the place for cells is there");
        Self::with(cgroups, settings, spec)
    }

    /// The same for a job with other walls, or another program; limits are as they are.
    pub fn of(&self, spec: &JobSpec) -> Self {
        let cgroups = self.cgroups.try_clone().expect("a descriptor");
        Self::with(cgroups, self.settings.clone(), spec)
    }

    fn with(cgroups: OwnedFd, settings: Vec<(String, String)>, spec: &JobSpec) -> Self {
        let drawing = Supervisor::draw(spec).unwrap_or_else(|error| refuse(&error));
        let program = CString::new(spec.argv()[0].as_bytes()).expect("no NUL");
        Self { cgroups, settings, entries: entries(&drawing), net: spec.isolation().net, program, made: 0 }
    }

    /// One launch, from nothing to nothing.
    pub fn launch(&mut self) -> Times {
        let started = Instant::now();
        self.made += 1;
        let name = format!("floor-{}-{}", std::process::id(), self.made);
        rustix::fs::mkdirat(&self.cgroups, &name, Mode::RWXU).expect("a cgroup is made");
        let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let cgroup = openat(&self.cgroups, &name, directory, Mode::empty()).expect("the cgroup is opened");
        for (file, value) in &self.settings {
            write_at(&cgroup, file, value.as_bytes()).unwrap_or_else(|errno| panic!("{file} = {value}: {errno}"));
        }
        let sources: Vec<Option<OwnedFd>> = self.entries.iter().map(|entry| source(&entry.what)).collect();
        let (report, report_theirs) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let (hold_theirs, hold) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        let network = if self.net == Net::None { libc::CLONE_NEWNET } else { 0 };
        let born = match sys::clone_into((NAMESPACES | network) as u64, Some(cgroup.as_fd())).expect("a clone") {
            Side::Child => self.child(&sources, &hold_theirs, &report_theirs),
            Side::Parent(born) => born,
        };
        drop((report_theirs, hold_theirs));
        release(&born, &hold).expect("the child gets its ids");
        let mut failed = [0_u8; 8];
        let length = read(&report, &mut failed).expect("the report is read");
        assert_eq!(length, 0, "the floor's own child failed at step {} with errno {}", failed[0], failed[1]);
        let running = started.elapsed();
        waitid(WaitId::PidFd(born.pidfd.as_fd()), WaitIdOptions::EXITED).expect("the child is waited for");
        // The last task has been reaped and is not quite out of its cgroup.
        while let Err(errno) = unlinkat(&self.cgroups, &name, AtFlags::REMOVEDIR) {
            assert_eq!(errno, Errno::BUSY, "the cgroup is removed");
        }
        Times { running, gone: started.elapsed() }
    }

    /// The child's whole life up to the exec; a failure is told as step and errno.
    fn child(&self, sources: &[Option<OwnedFd>], hold: &OwnedFd, report: &OwnedFd) -> ! {
        let mut step = 0;
        let failed = self.build(sources, hold, &mut step).err().unwrap_or_else(|| {
            step = u8::MAX;
            self.execute()
        });
        let _ = write(report, &[step, failed.raw_os_error() as u8]);
        sys::exit_now(1)
    }

    /// Identity, host name, loopback, root.
    fn build(&self, sources: &[Option<OwnedFd>], hold: &OwnedFd, step: &mut u8) -> Result<()> {
        read(hold, &mut [0_u8; 1])?;
        *step = 1;
        become_user(0)?;
        rustix::system::sethostname(b"cell")?;
        if self.net == Net::None {
            let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
            sys::interface_up(&socket, c"lo")?;
        }
        *step = 2;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        tmpfs(STAGE, c"size=4194304,nr_inodes=8192,mode=0755")?;
        rustix::process::chdir(STAGE)?;
        for (entry, source) in self.entries.iter().zip(sources) {
            *step = step.saturating_add(1);
            furnish(entry, source.as_ref())?;
        }
        *step = 200;
        rustix::process::pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")?;
        let sealed = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount_remount("/", sealed, c"")?;
        *step = 201;
        rustix::thread::set_no_new_privs(true)?;
        rustix::process::setsid()?;
        become_user(USER)
    }

    /// execve(2); comes back only with an error.
    fn execute(&self) -> Errno {
        let argv = [self.program.as_ptr(), std::ptr::null()];
        let environment = [std::ptr::null()];
        // SAFETY: the path is a C string and both lists end with null; all outlive the call.
        unsafe { libc::execve(self.program.as_ptr(), argv.as_ptr(), environment.as_ptr()) };
        Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
    }
}

/// Writes the id maps and lets the child begin.
fn release(born: &Born, hold: &OwnedFd) -> Result<()> {
    for map in ["uid_map", "gid_map"] {
        write_at(CWD, &format!("/proc/{}/{map}", born.pid), ID_MAP)?;
    }
    write(hold, b"!").map(drop)
}

/// A file by one open and one write.
fn write_at(directory: impl AsFd, file: &str, value: &[u8]) -> Result<()> {
    let file = openat(directory, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    write(file, value).map(drop)
}

/// All three ids, group first.
fn become_user(id: u32) -> Result<()> {
    let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)
}

/// The host's side of an entry: a detached mount, made safe.
fn source(what: &What) -> Option<OwnedFd> {
    let (path, set) = match what {
        What::BindDirectory(path) | What::BindFile(path) => (path, SAFE),
        What::Device(path) => (path, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC),
        _ => return None,
    };
    let clone = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, path.as_c_str(), clone).unwrap_or_else(|errno| panic!("{path:?}: {errno}"));
    sys::mount_setattr(&tree, MountAttributes { set: set as u32, userns: None }).expect("a mount is made safe");
    Some(tree)
}

/// One entry of the root, which is the current directory.
fn furnish(entry: &Entry, source: Option<&OwnedFd>) -> Result<()> {
    let path = entry.path.as_c_str();
    let directory = || match rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    };
    let file = || openat(CWD, path, OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC, Mode::from_raw_mode(0o644));
    let attach = |source: Option<&OwnedFd>| {
        move_mount(source.ok_or(Errno::BADF)?, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    };
    match &entry.what {
        What::Directory => directory(),
        What::Link(target) => rustix::fs::symlinkat(target.as_c_str(), CWD, path),
        What::File(content) => write(file()?, content).map(drop),
        What::BindDirectory(_) => directory().and_then(|()| attach(source)),
        What::BindFile(_) | What::Device(_) => file().and_then(|_| attach(source)),
        What::Tmpfs(options) => directory().and_then(|()| tmpfs(path, options)),
        What::Proc => {
            directory()?;
            mount(c"proc", path, c"proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, c"")
        }
        What::Pts => {
            directory()?;
            mount(c"devpts", path, c"devpts", MountFlags::NOSUID | MountFlags::NOEXEC, c"newinstance,ptmxmode=0666")
        }
    }
}

/// A tmpfs of the cell's own.
fn tmpfs(path: impl rustix::path::Arg, options: &std::ffi::CStr) -> Result<()> {
    mount(c"tmpfs", path, c"tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options)
}
