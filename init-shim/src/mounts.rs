//! The root of a cell: made on a fresh tmpfs or from a directory of the host, furnished entry by entry, entered, sealed.
//!
//! All mounts are made by descriptor (fsopen(2), move_mount(2), kernel 5.2); what comes from the host was opened by the
//! keeper and arrives as a detached mount. Every path is resolved inside the new root, through no symbolic link
//! (openat2(2), kernel 5.6), so nothing on the way can point out of it.

mod cover;
mod kinds;

pub use kinds::{resize_tmpfs, tmpfs};

use crate::sys::{self, MountAttributes};
use crate::wire::What;
use linux_raw_sys::general as raw;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, symlinkat};
use rustix::io::{Errno, Result};
use rustix::mount::{MountPropagationFlags, MoveMountFlags, UnmountFlags, mount_change, move_mount, unmount};

/// No mount event passes between host and cell. mount_namespaces(7): a namespace of another user is only ever a slave.
pub fn make_private() -> Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
}

/// A root under construction.
pub struct NewRoot {
    mount: OwnedFd,
    /// Devices of the file systems that are ours alone: only there may anything be created.
    ours: Vec<u64>,
    /// Whether it is sealed read-only in the end; a host's directory already is what it should be.
    fresh: bool,
}

impl NewRoot {
    /// Attaches `mount` over the present root, where pivot_root(2) can find it.
    pub fn attach(mount: OwnedFd, fresh: bool) -> Result<Self> {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(&mount, "", CWD, "/", flags)?;
        let ours = if fresh { vec![fstat(&mount)?.st_dev] } else { Vec::new() };
        Ok(Self { mount, ours, fresh })
    }

    /// The mount that becomes `/`.
    pub fn mount(&self) -> BorrowedFd<'_> {
        self.mount.as_fd()
    }

    /// Makes one entry; `source` is the keeper's detached mount for those that have one. Comes back with the mount that
    /// was made here, if one was, and says whether it was the place that failed or the mount.
    pub fn furnish(
        &mut self,
        path: &[u8],
        what: &What,
        source: Option<BorrowedFd<'_>>,
    ) -> std::result::Result<Option<OwnedFd>, Failed> {
        let (parent, name) = self.place(path).map_err(Failed::Place)?;
        self.furnish_at(&parent, name, what, source)
    }

    /// The same in a directory that is known.
    fn furnish_at(
        &mut self,
        parent: &OwnedFd,
        name: &[u8],
        what: &What,
        source: Option<BorrowedFd<'_>>,
    ) -> std::result::Result<Option<OwnedFd>, Failed> {
        match what {
            What::Directory { mode } => self.directory(parent, name, *mode).map_err(Failed::Place).map(|()| None),
            What::Link { target } => symlinkat(target.as_slice(), parent, name).map_err(Failed::Place).map(|()| None),
            What::File { content } => write_new(parent, name, content).map_err(Failed::Place).map(|()| None),
            What::BindFile(_) | What::Device { .. } => {
                self.file(parent, name).map_err(Failed::Place)?;
                attach(source.ok_or(Failed::Mount(Errno::BADF))?, parent, name).map(|()| None)
            }
            What::BindDirectory(_) => {
                self.directory(parent, name, 0o755).map_err(Failed::Place)?;
                attach(source.ok_or(Failed::Mount(Errno::BADF))?, parent, name).map(|()| None)
            }
            What::Tmpfs { size, inodes, mode } => {
                self.directory(parent, name, 0o755).map_err(Failed::Place)?;
                let mount = tmpfs(*size, *inodes, *mode).map_err(Failed::Mount)?;
                self.ours.push(fstat(&mount).map_err(Failed::Mount)?.st_dev);
                attach(&mount, parent, name).map(|()| Some(mount))
            }
            What::Proc | What::WholeProc | What::Sys | What::Queues | What::Pts => {
                self.directory(parent, name, 0o755).map_err(Failed::Place)?;
                let mount = match what {
                    What::Proc => kinds::proc(),
                    What::WholeProc => kinds::whole_proc(),
                    What::Sys => kinds::sys(),
                    What::Queues => kinds::queues(),
                    _ => kinds::pts(),
                };
                let mount = mount.map_err(Failed::Mount)?;
                attach(&mount, parent, name).map(|()| Some(mount))
            }
            What::Hidden => cover::hide(parent, name, source.ok_or(Failed::Mount(Errno::BADF))?).map(|()| None),
            What::ReadOnly => cover::read_only(parent, name).map(|()| None),
        }
    }

    /// The directory that holds `path`, and the last part of it; directories on the way are made where they are ours.
    fn place<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8])> {
        let path = path.strip_prefix(b"/").filter(|rest| !rest.is_empty()).ok_or(Errno::INVAL)?;
        let (parent, name) = match path.iter().rposition(|b| *b == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b"."[..], path),
        };
        match self.open_directory(parent) {
            Err(Errno::NOENT) => Ok((self.make_all(parent)?, name)),
            other => Ok((other?, name)),
        }
    }

    /// Opens a directory of the new root, through no link.
    fn open_directory(&self, path: &[u8]) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat2(&self.mount, path, flags, Mode::empty(), IN_ROOT)
    }

    /// Opens a directory of the new root and makes what is missing of its path.
    fn make_all(&self, path: &[u8]) -> Result<OwnedFd> {
        let mut here = self.open_directory(b".")?;
        for part in path.split(|b| *b == b'/') {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            here = match openat(&here, part, flags, Mode::empty()) {
                Err(Errno::NOENT) => {
                    self.directory(&here, part, 0o755)?;
                    openat(&here, part, flags, Mode::empty())?
                }
                other => other?,
            };
        }
        Ok(here)
    }

    /// A directory that is there, or is made where nothing of the host's is touched.
    fn directory(&self, parent: &OwnedFd, name: &[u8], mode: u32) -> Result<()> {
        if !self.is_ours(parent)? {
            return self.is_there(parent, name, true);
        }
        match mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => self.is_there(parent, name, true),
            other => other,
        }
    }

    /// A file to mount on that is there, or is made where nothing of the host's is touched.
    fn file(&self, parent: &OwnedFd, name: &[u8]) -> Result<()> {
        if !self.is_ours(parent)? {
            return self.is_there(parent, name, false);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(parent, name, flags, Mode::from_raw_mode(0o444)) {
            Err(Errno::EXIST) => self.is_there(parent, name, false),
            other => other.map(drop),
        }
    }

    /// Whether what is there can be mounted on: a link would lead elsewhere, and a directory goes on a directory only.
    fn is_there(&self, parent: &OwnedFd, name: &[u8], directory: bool) -> Result<()> {
        let there = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match (FileType::from_raw_mode(there.st_mode), directory) {
            (FileType::Symlink, _) => Err(Errno::LOOP),
            (FileType::Directory, true) => Ok(()),
            (FileType::Directory, false) => Err(Errno::ISDIR),
            (_, true) => Err(Errno::NOTDIR),
            (_, false) => Ok(()),
        }
    }

    /// Whether a directory lies on a tmpfs of this cell: a mount point is never created on the host.
    fn is_ours(&self, directory: &OwnedFd) -> Result<bool> {
        Ok(self.ours.contains(&fstat(directory)?.st_dev))
    }

    /// pivot_root(2) with the old root stacked on the new one, as its manual page shows: no directory is needed for it.
    pub fn enter(&self) -> Result<()> {
        rustix::process::fchdir(&self.mount)?;
        rustix::process::pivot_root(".", ".")
    }

    /// umount2(2) MNT_DETACH of the old root, which now lies on top; what is left below it is gone with it.
    pub fn leave_old(&self) -> Result<()> {
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")
    }

    /// Makes a fresh root read-only, now that it is furnished.
    pub fn seal(&self) -> Result<()> {
        if !self.fresh {
            return Ok(());
        }
        sys::mount_setattr(&self.mount, MountAttributes { set: raw::MOUNT_ATTR_RDONLY, userns: None })
    }
}

/// Where a furnishing failed.
pub enum Failed {
    /// The place in the root could not be found or made.
    Place(Errno),
    /// The file system could not be made or attached.
    Mount(Errno),
}

/// Inside the new root, through no link of any kind.
const IN_ROOT: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// move_mount(2) of a detached mount onto a name in a directory that was resolved before.
fn attach(mount: impl AsFd, parent: &OwnedFd, name: &[u8]) -> std::result::Result<(), Failed> {
    move_mount(mount, "", parent, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).map_err(Failed::Mount)
}

/// A new file with this content.
fn write_new(parent: &OwnedFd, name: &[u8], mut content: &[u8]) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(parent, name, flags, Mode::from_raw_mode(0o644))?;
    while !content.is_empty() {
        let written = rustix::io::write(&file, content)?;
        content = &content[written..];
    }
    Ok(())
}
