//! Mounts and roots: the calls that would make, change or take away what a job sees as its files.

use super::{Around, Attempt, Scene, Seen, inside};
use rustix::fs::CWD;
use rustix::mount::{
    FsOpenFlags, MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags, fsopen, mount, mount_bind,
    mount_change, mount_remount, open_tree, unmount,
};

pub(super) const ALL: &[Attempt] = &[
    inside("mount_tmpfs", "mount(2) of a tmpfs on /tmp", tmpfs, Around::Namespaces),
    inside("mount_proc", "mount(2) of a proc on /tmp", proc, Around::Namespaces),
    inside("mount_bind", "mount(2) with MS_BIND of / on /tmp", bind, Around::Namespaces),
    inside("remount", "mount(2) with MS_REMOUNT of /proc, less its options", remount, Around::Namespaces),
    inside("share_mounts", "mount(2) with MS_SHARED of /", share, Around::Namespaces),
    inside("unmount", "umount2(2) of /proc with MNT_DETACH", detach, Around::Namespaces),
    inside("fsopen", "fsopen(2) of a tmpfs", open_context, Around::Namespaces),
    inside("open_tree", "open_tree(2) with OPEN_TREE_CLONE of /", clone_tree, Around::Namespaces),
    inside("mount_setattr", "mount_setattr(2) of /proc: none of its flags", set_attributes, Around::Namespaces),
    inside("chroot", "chroot(2) to /tmp", chroot, Around::Process),
    inside("pivot_root", "pivot_root(2) to a mount point", pivot, Around::Namespaces),
    super::unlike(
        "mount_table",
        "a look at /proc/self/mountinfo: every mount, its flags, and whether mount events pass in or out",
        table,
        (Around::Namespaces, shared_table),
    ),
];

fn tmpfs(_: &Scene) -> Seen {
    Seen::of_call(mount("none", "/tmp", "tmpfs", MountFlags::empty(), None), "it is mounted")
}

fn proc(_: &Scene) -> Seen {
    Seen::of_call(mount("none", "/tmp", "proc", MountFlags::empty(), None), "it is mounted")
}

fn bind(_: &Scene) -> Seen {
    Seen::of_call(mount_bind("/", "/tmp"), "it is mounted")
}

fn remount(_: &Scene) -> Seen {
    Seen::of_call(mount_remount("/proc", MountFlags::BIND, ""), "it has other flags now")
}

fn share(_: &Scene) -> Seen {
    Seen::of_call(mount_change("/", MountPropagationFlags::SHARED), "it is shared now")
}

fn detach(_: &Scene) -> Seen {
    Seen::of_call(unmount("/proc", UnmountFlags::DETACH), "it is gone")
}

fn open_context(_: &Scene) -> Seen {
    Seen::of_call(fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC), "there is a file system to be mounted")
}

fn clone_tree(_: &Scene) -> Seen {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Seen::of_call(open_tree(CWD, "/", flags), "there is a copy of the mount")
}

fn set_attributes(_: &Scene) -> Seen {
    let none = linux_raw_sys::general::mount_attr { attr_set: 0, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // A structure of zeros is no change: the kernel would say 0 to it before it looks for privilege.
    let attr =
        linux_raw_sys::general::mount_attr { attr_clr: u64::from(linux_raw_sys::general::MOUNT_ATTR_NOSUID), ..none };
    // SAFETY: the path is a C string, `attr` is of the size given, and both outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/proc".as_ptr(),
            0,
            &raw const attr,
            size_of_val(&attr),
        )
    };
    Seen::of(done)
}

fn chroot(_: &Scene) -> Seen {
    Seen::of_call(rustix::process::chroot("/tmp"), "it has another root")
}

/// Outside, `/tmp` is a mount of the control's own; inside it is one of the cell's.
fn pivot(_: &Scene) -> Seen {
    let moved = rustix::process::chdir("/tmp").and_then(|()| rustix::process::pivot_root(".", "."));
    Seen::of_call(moved, "it has another root")
}

fn table(_: &Scene) -> Seen {
    Seen::of_read(std::fs::read("/proc/self/mountinfo"))
}

/// What a cell's table must not look like: mounts that are shared with somebody, and a /proc without its flags. The mounts
/// are copies, in a namespace of their own, which are made private first.
fn shared_table(scene: &Scene) -> Seen {
    match (share(scene), remount(scene)) {
        (Seen::Allowed(_), Seen::Allowed(_)) => table(scene),
        (Seen::Allowed(_), refused) | (refused, _) => refused,
    }
}
