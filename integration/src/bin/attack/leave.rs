//! Leaves word for another job by every channel that the kernel has, and looks for such word.

use crate::path;
use integration::answer::{last_errno, say};
use std::fs;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::ptr::null;

/// The user's keyring, which outlives its processes, and the session's.
const KEYRINGS: [(&str, i64); 2] = [("user-keyring", -4), ("session-keyring", -3)];
/// Places for files that everybody may write to.
const PLACES: [&str; 4] = ["/tmp", "/dev/shm", "/var/tmp", "/run/lock"];

/// A number that goes with a name.
fn key(name: &str) -> i32 {
    name.bytes().fold(0x1c_0000, |key, byte| (key ^ i32::from(byte)).wrapping_mul(31) & 0x7fff_ffff)
}

/// Tells that it is ready, and waits until its input ends.
fn wait() {
    println!("ready now");
    std::io::stdout().flush().expect("written");
    let _ = std::io::stdin().read(&mut [0]);
}

/// The mode of what is left: every user may find it.
const OPEN: i32 = libc::IPC_CREAT | 0o666;

/// Leaves all, says what the kernel took, and stays until its input ends.
pub fn leave(name: &str) {
    let (key, word) = (key(name), path(name));
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    let listener = UnixListener::bind_addr(&address);
    println!("abstract {}", if listener.is_ok() { "ok 0".to_owned() } else { last_errno() });
    // SAFETY: numbers, and C strings that outlive the calls.
    unsafe {
        say("shm", libc::shmget(key, 4096, OPEN).into());
        say("sem", libc::semget(key, 1, OPEN).into());
        say("msg", libc::msgget(key, OPEN).into());
        let flags = libc::O_CREAT | libc::O_RDWR;
        say("mq", libc::syscall(libc::SYS_mq_open, word.as_ptr(), flags, 0o666, null::<u8>()));
        for (keyring, number) in KEYRINGS {
            let kind = path("user");
            say(keyring, libc::syscall(libc::SYS_add_key, kind.as_ptr(), word.as_ptr(), word.as_ptr(), 1, number));
        }
    }
    for place in PLACES {
        let file = format!("{place}/{name}");
        println!("{place} {}", if fs::write(&file, name).is_ok() { "ok 0".to_owned() } else { last_errno() });
    }
    wait();
    // Outside of a cell, what it left would stay.
    PLACES.iter().for_each(|place| drop(fs::remove_file(format!("{place}/{name}"))));
    // SAFETY: as above; what is not there is not removed.
    unsafe {
        libc::shmctl(libc::shmget(key, 0, 0), libc::IPC_RMID, std::ptr::null_mut());
        libc::semctl(libc::semget(key, 0, 0), 0, libc::IPC_RMID);
        libc::msgctl(libc::msgget(key, 0), libc::IPC_RMID, std::ptr::null_mut());
        libc::syscall(libc::SYS_mq_unlink, word.as_ptr());
    }
}

/// Looks for all of it.
pub fn find(name: &str) {
    let (key, word) = (key(name), path(name));
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    println!("abstract {}", if UnixStream::connect_addr(&address).is_ok() { "ok 0".to_owned() } else { last_errno() });
    // SAFETY: numbers, and C strings that outlive the calls.
    unsafe {
        say("shm", libc::shmget(key, 0, 0).into());
        say("sem", libc::semget(key, 0, 0).into());
        say("msg", libc::msgget(key, 0).into());
        say("mq", libc::syscall(libc::SYS_mq_open, word.as_ptr(), libc::O_RDONLY, 0, null::<u8>()));
        for (keyring, number) in KEYRINGS {
            // KEYCTL_SEARCH: 10.
            let kind = path("user");
            say(keyring, libc::syscall(libc::SYS_keyctl, 10, number, kind.as_ptr(), word.as_ptr(), 0));
        }
    }
    for place in PLACES {
        let there = fs::read(format!("{place}/{name}")).is_ok();
        println!("{place} {}", if there { "ok 0".to_owned() } else { last_errno() });
    }
}

/// Takes a lock of each kind on a file that it may only read; says whether it got it, and stays.
pub fn lock(file: &str) {
    let file = fs::File::open(file).expect("the file can be read");
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: numbers, and a lock that outlives the call.
    unsafe {
        say("flock", libc::flock(fd, libc::LOCK_EX | libc::LOCK_NB).into());
        let mut range: libc::flock = std::mem::zeroed();
        range.l_type = libc::F_RDLCK as i16;
        say("posix", libc::fcntl(fd, libc::F_SETLK, &raw const range).into());
        say("lease", libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK).into());
    }
    wait();
}

/// Takes every inotify instance that its user may have; says how many, and stays.
pub fn inotify() {
    let mut count = 0;
    // SAFETY: takes a number.
    while unsafe { libc::inotify_init1(0) } >= 0 {
        count += 1;
    }
    println!("instances {count} {}", last_errno());
    wait();
}

/// Does nothing, with these words and its environment for all to see.
pub fn stay(_: &[&str]) {
    wait();
}
