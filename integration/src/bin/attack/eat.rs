//! Takes memory of one kind until it has enough, or is refused, or is killed.

use crate::path;
use integration::answer::last_errno;
use std::mem::zeroed;
use std::ptr::null_mut;

const MIB: usize = 1 << 20;
const PAGE: usize = 4096;
/// What a page-table page maps: one touch in each takes one page of the kernel's.
const TABLE: usize = 2 * MIB;
/// A name longer than a dentry holds inline, so that each is memory of its own.
const LONG: &str = "a-name-that-is-too-long-to-be-held-within-a-directory-entry-itself-";

/// Takes one more piece; gives its bytes, or `None` with errno set.
type Bite = Box<dyn FnMut() -> Option<usize>>;

/// `ok MIB` when it got all, else the errno's name and what it had got by then.
pub fn eat(kind: &str, mib: &str) {
    let wanted = mib.parse::<usize>().expect("mebibytes") * MIB;
    let mut bite = bite(kind);
    let mut eaten = 0;
    while eaten < wanted {
        match bite() {
            Some(bytes) => eaten += bytes,
            None => return println!("{kind} {} after {} MiB", last_errno(), eaten / MIB),
        }
    }
    println!("{kind} ok {}", eaten / MIB);
}

fn bite(kind: &str) -> Bite {
    match kind {
        "mapped" => Box::new(|| mapping(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1)),
        "shared" => Box::new(|| mapping(libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1)),
        "heap" => Box::new(heap),
        "locked" => Box::new(locked),
        "memfd" => written(memfd()),
        "tmp" => written(opened("/tmp/eaten")),
        "shm" => written(opened("/dev/shm/eaten")),
        "sysv" => Box::new(segment),
        "pipes" => Box::new(pipe),
        "sockets" => Box::new(socket),
        "tables" => tables(),
        "inotify" => inotify(),
        "epoll" => Box::new(epoll),
        "files" => files(),
        "messages" => Box::new(messages),
        "posix" => posix(),
        "threads" => Box::new(thread),
        _ => panic!("attack: nothing to eat of kind {kind}"),
    }
}

/// The bytes of a piece if the call succeeded.
fn got(result: libc::c_long, bytes: usize) -> Option<usize> {
    (result >= 0).then_some(bytes)
}

fn mapping(flags: i32, fd: i32) -> Option<usize> {
    // SAFETY: a new mapping, never used by this program's own code.
    let place = unsafe { libc::mmap(null_mut(), MIB, libc::PROT_READ | libc::PROT_WRITE, flags, fd, 0) };
    (place != libc::MAP_FAILED).then_some(MIB)
}

fn heap() -> Option<usize> {
    // SAFETY: the allocator's own break is moved on, never back; what is written lies within the new part.
    unsafe {
        let place = libc::sbrk(MIB as isize);
        if place as isize == -1 {
            return None;
        }
        place.cast::<u8>().write_bytes(1, MIB);
    }
    Some(MIB)
}

fn locked() -> Option<usize> {
    mapping(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_LOCKED, -1)
}

fn memfd() -> i32 {
    // SAFETY: a C string that outlives the call.
    unsafe { libc::memfd_create(path("eaten").as_ptr(), 0) }
}

fn opened(name: &str) -> i32 {
    // SAFETY: a C string that outlives the call.
    unsafe { libc::open(path(name).as_ptr(), libc::O_CREAT | libc::O_RDWR, 0o600) }
}

/// Writes on and on.
fn written(fd: i32) -> Bite {
    let bytes = vec![1_u8; MIB];
    Box::new(move || {
        // SAFETY: reads within the buffer.
        let count = unsafe { libc::write(fd, bytes.as_ptr().cast(), MIB) };
        got(count as libc::c_long, count.max(0) as usize)
    })
}

fn segment() -> Option<usize> {
    // SAFETY: a new segment, attached and written within its size; it goes with its namespace.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, MIB, libc::IPC_CREAT | 0o600);
        let place = if id < 0 { usize::MAX as *mut libc::c_void } else { libc::shmat(id, null_mut(), 0) };
        if place as isize == -1 {
            return None;
        }
        place.cast::<u8>().write_bytes(1, MIB);
    }
    Some(MIB)
}

/// A pipe filled to the brim, as large as it may be made.
fn pipe() -> Option<usize> {
    let mut ends = [0; 2];
    // SAFETY: numbers, and bytes that outlive the calls; the write does not wait.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK) < 0 {
            return None;
        }
        libc::fcntl(ends[1], libc::F_SETPIPE_SZ, MIB);
        let bytes = vec![1_u8; MIB];
        let count = libc::write(ends[1], bytes.as_ptr().cast(), MIB);
        got(count as libc::c_long, count.max(0) as usize)
    }
}

/// A pair of sockets, one of which nobody reads.
fn socket() -> Option<usize> {
    let mut pair = [0; 2];
    // SAFETY: numbers, and bytes that outlive the calls; the write does not wait.
    unsafe {
        if libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_NONBLOCK, 0, pair.as_mut_ptr()) < 0 {
            return None;
        }
        let bytes = vec![1_u8; MIB];
        let count = libc::write(pair[0], bytes.as_ptr().cast(), MIB);
        got(count as libc::c_long, count.max(0) as usize)
    }
}

/// Touches one page of each table's reach by reading: the data is the kernel's one page of zeros, the tables are not.
fn tables() -> Bite {
    let length = 64 << 30;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping; huge pages are turned off for it, so that each touch needs a table.
    let place = unsafe {
        let place = libc::mmap(null_mut(), length, libc::PROT_READ, flags, -1, 0);
        assert!(place != libc::MAP_FAILED, "no room for the tables");
        libc::madvise(place, length, libc::MADV_NOHUGEPAGE);
        place as usize
    };
    let mut at = 0;
    Box::new(move || {
        for _ in 0..256 {
            // SAFETY: within the mapping, which is never shorter.
            std::hint::black_box(unsafe { std::ptr::read_volatile((place + at) as *const u8) });
            at += TABLE;
            assert!(at < length, "the tables' room is over");
        }
        Some(256 * PAGE)
    })
}

/// Watches on directories of its own; each is some hundred bytes of the kernel's.
fn inotify() -> Bite {
    // SAFETY: takes a number.
    let fd = unsafe { libc::inotify_init1(0) };
    let mut count = 0;
    Box::new(move || {
        let place = path(&format!("/tmp/{count}-{LONG}"));
        count += 1;
        // SAFETY: a C string that outlives the calls.
        unsafe {
            libc::mkdir(place.as_ptr(), 0o700);
            got(libc::inotify_add_watch(fd, place.as_ptr(), libc::IN_ALL_EVENTS).into(), 1024)
        }
    })
}

fn epoll() -> Option<usize> {
    // SAFETY: numbers, and an event that outlives the call.
    unsafe {
        let (poll, event) = (libc::epoll_create1(0), libc::eventfd(0, 0));
        if poll < 0 || event < 0 {
            return None;
        }
        let mut wanted = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
        got(libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, event, &raw mut wanted).into(), 1024)
    }
}

/// Empty files with long names: inodes and directory entries.
fn files() -> Bite {
    let mut count = 0;
    Box::new(move || {
        let place = path(&format!("/tmp/{count}-{LONG}"));
        count += 1;
        // SAFETY: a C string that outlives the call.
        got(unsafe { libc::mknod(place.as_ptr(), libc::S_IFREG | 0o600, 0) }.into(), 1024)
    })
}

/// A System V queue filled to the brim.
fn messages() -> Option<usize> {
    let message = [1_u64; 1025];
    // SAFETY: a message of a type and 8,192 bytes that outlives the calls, which do not wait.
    unsafe {
        let queue = libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600);
        if queue < 0 {
            return None;
        }
        let mut bytes = 0;
        while libc::msgsnd(queue, message.as_ptr().cast(), 8192, libc::IPC_NOWAIT) == 0 {
            bytes += 8192;
        }
        (bytes > 0).then_some(bytes)
    }
}

/// POSIX queues, filled.
fn posix() -> Bite {
    let mut count = 0;
    Box::new(move || {
        count += 1;
        let bytes = [1_u8; 8192];
        // SAFETY: a name, attributes and a message that outlive the calls, which do not wait.
        unsafe {
            let mut attributes: libc::mq_attr = zeroed();
            (attributes.mq_maxmsg, attributes.mq_msgsize) = (10, 8192);
            let (name, flags) = (path(&format!("q{count}")), libc::O_CREAT | libc::O_WRONLY | libc::O_NONBLOCK);
            let queue = libc::syscall(libc::SYS_mq_open, name.as_ptr(), flags, 0o600, &raw const attributes);
            if queue < 0 {
                return None;
            }
            while libc::syscall(libc::SYS_mq_timedsend, queue, bytes.as_ptr(), 8192, 0, 0) == 0 {}
        }
        Some(10 * 8192)
    })
}

/// Threads that wait: a stack of the kernel's and a task each.
fn thread() -> Option<usize> {
    let started = std::thread::Builder::new().stack_size(16 << 10).spawn(std::thread::park);
    started.is_ok().then_some(16 << 10)
}
