//! Looks around inside a cell: makes the calls that no shell makes, and says what the kernel answered.
//!
//! Static, so it runs in any root: `ironcell run --ro …/look:/look -- /look VERB ARGS`. Each call is one line on standard
//! output: its name, then `ok` and the value, or the errno's name.

use integration::answer::{errno_name, say};
use std::ffi::CString;
use std::io::Error;
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["first"] => first(),
        ["nested"] => nested(),
        ["mounts"] => mounts(),
        ["privilege"] => privilege(),
        ["devices", dir] => devices(dir),
        ["setid", dir] => setid(dir),
        ["mapped", file] => mapped(file),
        ["keyring"] => keyring(),
        ["key", name] => key(name),
        ["shm", key] => shm(key),
        ["mq", name] => mq(name),
        ["connect", port] => connect(port),
        ["abstract", name] => abstract_socket(name),
        ["tty"] => tty(),
        _ => panic!("look: unknown words {words:?}"),
    }
}

fn path(text: &str) -> CString {
    CString::new(text).expect("a path has no NUL")
}

/// What can be tried at PID 1.
fn first() {
    // SAFETY: plain calls with numbers, or with buffers that outlive them; all are expected to be refused.
    unsafe {
        say("attach", libc::ptrace(libc::PTRACE_ATTACH, 1, 0, 0));
        say("seize", libc::ptrace(libc::PTRACE_SEIZE, 1, 0, 0));
        for signal in [0, libc::SIGTERM, libc::SIGSTOP, libc::SIGKILL] {
            say(&format!("kill-{signal}"), libc::kill(1, signal).into());
        }
        let mut byte = 0_u8;
        let mut iov = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        say("readv", libc::process_vm_readv(1, &raw mut iov, 1, &raw const iov, 1, 0) as libc::c_long);
        let pidfd = libc::syscall(libc::SYS_pidfd_open, 1, 0);
        say("getfd", libc::syscall(libc::SYS_pidfd_getfd, pidfd, 0, 0));
        say("pidfd-kill", libc::syscall(libc::SYS_pidfd_send_signal, pidfd, libc::SIGKILL, 0, 0));
        say("setns", libc::syscall(libc::SYS_setns, pidfd, libc::CLONE_NEWNS));
        say("nice", libc::setpriority(libc::PRIO_PROCESS, 1, 5).into());
        let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        say("prlimit", libc::prlimit(1, libc::RLIMIT_NOFILE, &raw const limit, null_mut()).into());
        let cpus: libc::cpu_set_t = zeroed();
        say("affinity", libc::sched_setaffinity(1, size_of::<libc::cpu_set_t>(), &raw const cpus).into());
    }
}

/// Ways to namespaces of one's own; each in a child, since the first that succeeds changes what comes after.
fn nested() {
    let kinds = [
        ("user", libc::CLONE_NEWUSER),
        ("mount", libc::CLONE_NEWNS),
        ("pid", libc::CLONE_NEWPID),
        ("net", libc::CLONE_NEWNET),
        ("ipc", libc::CLONE_NEWIPC),
        ("uts", libc::CLONE_NEWUTS),
        ("cgroup", libc::CLONE_NEWCGROUP),
        ("user-and-mount", libc::CLONE_NEWUSER | libc::CLONE_NEWNS),
    ];
    for (name, flags) in kinds {
        // SAFETY: one thread; the child only tries and exits.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                say(&format!("unshare-{name}"), libc::unshare(flags).into());
                libc::_exit(0);
            }
            libc::waitpid(child, null_mut(), 0);
        }
    }
    // SAFETY: clone3's arguments are plain data of the size given; a child would exit at once.
    unsafe {
        let mut arguments: libc::clone_args = zeroed();
        arguments.flags = libc::CLONE_NEWUSER as u64;
        arguments.exit_signal = libc::SIGCHLD as u64;
        let child = libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>());
        if child == 0 {
            libc::_exit(0);
        }
        say("clone3-user", child);
    }
}

/// Ways to mounts and other roots.
fn mounts() {
    let (none, tmp, tmpfs, proc) = (path("none"), path("/tmp"), path("tmpfs"), path("proc"));
    // SAFETY: C strings that outlive the calls.
    unsafe {
        say("mount-tmpfs", libc::mount(none.as_ptr(), tmp.as_ptr(), tmpfs.as_ptr(), 0, null()).into());
        say("mount-proc", libc::mount(none.as_ptr(), tmp.as_ptr(), proc.as_ptr(), 0, null()).into());
        let remount = libc::MS_REMOUNT | libc::MS_BIND;
        say("remount-usr", libc::mount(null(), path("/usr").as_ptr(), null(), remount, null()).into());
        say("umount-proc", libc::umount2(path("/proc").as_ptr(), libc::MNT_DETACH).into());
        say("chroot", libc::chroot(tmp.as_ptr()).into());
        say("fsopen", libc::syscall(libc::SYS_fsopen, tmpfs.as_ptr(), 0));
        say("open_tree", libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, tmp.as_ptr(), 1));
    }
}

/// Privileges that a job must not have.
fn privilege() {
    // SAFETY: numbers, and buffers that outlive the calls.
    unsafe {
        say("setuid-0", libc::setresuid(0, 0, 0).into());
        say("setuid-shim", libc::setresuid(65535, 65535, 65535).into());
        say("setgroups", libc::setgroups(1, [0].as_ptr()).into());
        say("sethostname", libc::sethostname(c"x".as_ptr(), 1).into());
        say("securebits", libc::prctl(libc::PR_SET_SECUREBITS, 0).into());
        say("bpf", libc::syscall(libc::SYS_bpf, 0, null::<u8>(), 0));
        say("init_module", libc::syscall(libc::SYS_init_module, null::<u8>(), 0, c"".as_ptr()));
        say("kexec", libc::syscall(libc::SYS_kexec_load, 0, 0, null::<u8>(), 0));
        say("reboot", libc::syscall(libc::SYS_reboot, 0, 0, 0, null::<u8>()));
        say("syslog", libc::klogctl(3, null_mut(), 0).into());
        say("settime", libc::clock_settime(libc::CLOCK_REALTIME, &zeroed()).into());
        say("fifo", libc::sched_setscheduler(0, libc::SCHED_FIFO, &libc::sched_param { sched_priority: 1 }).into());
    }
}

/// Device nodes made by hand.
fn devices(dir: &str) {
    let node = path(&format!("{dir}/node"));
    for (name, kind, major, minor) in [("kmsg", libc::S_IFCHR, 1, 11), ("disk", libc::S_IFBLK, 8, 0)] {
        // SAFETY: a C string that outlives the call.
        say(name, unsafe { libc::mknod(node.as_ptr(), kind | 0o666, libc::makedev(major, minor)) }.into());
    }
}

/// Every call that can give a file a set-id bit, on files of the caller's own. A call that would create says `ok` and
/// the mode that is there afterwards.
fn setid(dir: &str) {
    let file = path(&format!("{dir}/plain"));
    let fresh = |name: &str| path(&format!("{dir}/{name}"));
    // SAFETY: C strings and plain data that outlive the calls.
    unsafe {
        let fd = libc::open(file.as_ptr(), libc::O_CREAT | libc::O_RDWR, 0o644);
        assert!(fd >= 0, "cannot make a plain file: {}", Error::last_os_error());
        for (name, bits) in [("uid", 0o4755), ("gid", 0o2755)] {
            say(&format!("chmod-{name}"), libc::syscall(libc::SYS_chmod, file.as_ptr(), bits));
            say(&format!("fchmod-{name}"), libc::syscall(libc::SYS_fchmod, fd, bits));
            say(&format!("fchmodat-{name}"), libc::syscall(libc::SYS_fchmodat, libc::AT_FDCWD, file.as_ptr(), bits));
            // fchmodat2: 452 on every architecture; a kernel without it says ENOSYS, which sets nothing either.
            say(&format!("fchmodat2-{name}"), libc::syscall(452, libc::AT_FDCWD, file.as_ptr(), bits, 0));
            let flags = libc::O_CREAT | libc::O_WRONLY;
            say(&format!("open-{name}"), libc::syscall(libc::SYS_open, fresh("open").as_ptr(), flags, bits));
            let at = libc::AT_FDCWD;
            say(&format!("openat-{name}"), libc::syscall(libc::SYS_openat, at, fresh("openat").as_ptr(), flags, bits));
            say(&format!("creat-{name}"), libc::syscall(libc::SYS_creat, fresh("creat").as_ptr(), bits));
            let hidden = libc::O_TMPFILE | libc::O_WRONLY;
            say(&format!("tmpfile-{name}"), libc::syscall(libc::SYS_openat, at, path(dir).as_ptr(), hidden, bits));
            let node = libc::S_IFREG | bits;
            say(&format!("mknod-{name}"), libc::syscall(libc::SYS_mknod, fresh("mknod").as_ptr(), node, 0));
            say(&format!("mknodat-{name}"), libc::syscall(libc::SYS_mknodat, at, fresh("mknodat").as_ptr(), node, 0));
            let how = [libc::O_CREAT as u64 | libc::O_WRONLY as u64, u64::from(bits), 0];
            let openat2 = fresh("openat2");
            say(&format!("openat2-{name}"), libc::syscall(libc::SYS_openat2, at, openat2.as_ptr(), how.as_ptr(), 24));
        }
        say("io_uring", libc::syscall(libc::SYS_io_uring_setup, 1, null_mut::<u8>()));
        // What must still work: the same calls without the bits.
        say("plain-chmod", libc::syscall(libc::SYS_chmod, file.as_ptr(), 0o755));
        say("plain-open", libc::syscall(libc::SYS_open, fresh("a").as_ptr(), libc::O_CREAT | libc::O_WRONLY, 0o755));
    }
}

/// Writes to a file through a shared mapping: the kernel clears a set-id bit at write(2), not there.
fn mapped(file: &str) {
    // SAFETY: the mapping is of one page of a file that has at least a byte, and is written within.
    unsafe {
        let fd = libc::open(path(file).as_ptr(), libc::O_RDWR);
        say("open", fd.into());
        let page = libc::mmap(null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, fd, 0);
        if page == libc::MAP_FAILED {
            return say("mmap", -1);
        }
        *page.cast::<u8>() = b'!';
        say("msync", libc::msync(page, 4096, libc::MS_SYNC).into());
    }
}

/// The session keyring, by its number.
fn keyring() {
    // SAFETY: numbers only.
    say("session", unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, -3, 0) });
}

/// Looks for a key of this name in the session keyring.
fn key(name: &str) {
    let (kind, name) = (path("user"), path(name));
    // SAFETY: C strings that outlive the call.
    say("key", unsafe { libc::syscall(libc::SYS_request_key, kind.as_ptr(), name.as_ptr(), null::<u8>(), 0) });
}

/// Looks for a System V segment.
fn shm(key: &str) {
    let key = key.parse().expect("a number");
    // SAFETY: numbers only.
    say("shm", unsafe { libc::shmget(key, 0, 0) }.into());
}

/// Looks for a POSIX queue.
fn mq(name: &str) {
    // SAFETY: a C string that outlives the call.
    say("mq", unsafe { libc::syscall(libc::SYS_mq_open, path(name).as_ptr(), libc::O_RDONLY, 0, null::<u8>()) });
}

/// Connects to a port of the loopback address.
fn connect(port: &str) {
    let port: u16 = port.parse().expect("a port");
    match std::net::TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => println!("connect ok 0"),
        Err(error) => println!("connect {}", errno_name(error.raw_os_error().unwrap_or(0))),
    }
}

/// Connects to an abstract socket.
fn abstract_socket(name: &str) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    match UnixStream::connect_addr(&address) {
        Ok(_) => println!("abstract ok 0"),
        Err(error) => println!("abstract {}", errno_name(error.raw_os_error().unwrap_or(0))),
    }
}

/// The controlling terminal.
fn tty() {
    // SAFETY: a C string that outlives the call.
    say("tty", unsafe { libc::open(c"/dev/tty".as_ptr(), libc::O_RDWR) }.into());
}
