//! Nothing that processes leave for each other in memory passes a cell's wall: System V IPC, POSIX queues, shared memory,
//! keys.

use integration::inside::{Running, look, look_outside, no_filter};
use integration::support::run;
use std::fs;

/// A System V segment of the host, removed at the end.
struct Segment(i32);

impl Segment {
    fn make(key: i32) -> Self {
        // SAFETY: takes numbers.
        let id = unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | libc::IPC_EXCL | 0o666) };
        assert!(id >= 0, "shmget: {}", std::io::Error::last_os_error());
        Self(id)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: removes a segment that this test made.
        unsafe { libc::shmctl(self.0, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

#[test]
fn a_system_v_segment_of_the_host_is_not_there() {
    let key = 0x1c0_0000 + std::process::id() as i32;
    let _segment = Segment::make(key);
    let words = ["shm", &key.to_string()];
    assert!(look_outside(&words)["shm"].starts_with("ok"), "the control: it is there on the host");
    assert_eq!(look(&[], &words)["shm"], "ENOENT");
}

#[test]
fn a_posix_queue_of_the_host_is_not_there() {
    let name = std::ffi::CString::new(format!("ironcell-test-{}", std::process::id())).expect("no NUL");
    // SAFETY: a C string that outlives the calls; the kernel's own call takes the name without a slash.
    unsafe {
        let queue = libc::syscall(libc::SYS_mq_open, name.as_ptr(), libc::O_CREAT | libc::O_RDONLY, 0o666, 0);
        assert!(queue >= 0, "mq_open: {}", std::io::Error::last_os_error());
        libc::close(queue as i32);
    }
    let words = ["mq", name.to_str().expect("text")];
    let (outside, inside) = (look_outside(&words), look(&["--profile", "build"], &words));
    // SAFETY: as above; the queue is this test's.
    unsafe { libc::syscall(libc::SYS_mq_unlink, name.as_ptr()) };
    assert!(outside["mq"].starts_with("ok"), "the control: it is there on the host: {outside:?}");
    assert_eq!(inside["mq"], "ENOENT");
}

#[test]
fn files_in_tmp_and_shared_memory_stay_on_their_side() {
    for place in ["/dev/shm", "/tmp"] {
        let theirs = format!("{place}/ironcell-test-{}", std::process::id());
        fs::write(&theirs, "the host's").expect("the host writes");
        let script = format!("cat {theirs}; echo mine > {place}/mine && cat {place}/mine");
        let ran = run(&["--", "sh", "-c", &script]);
        fs::remove_file(&theirs).expect("removed");
        assert_eq!(ran.out, "mine\n", "{place}: {ran:?}");
        assert!(ran.err.contains("No such file"), "{place}: {ran:?}");
        assert!(!fs::exists(format!("{place}/mine")).expect("looked"), "the job's file is on the host");
    }
}

#[test]
fn two_cells_do_not_share_tmp_or_shared_memory() {
    let one = Running::cell(&[], "echo x > /tmp/x; echo x > /dev/shm/x; echo ready; read line; exit 0");
    let ran = run(&["--", "sh", "-c", "ls -A /tmp /dev/shm"]);
    assert_eq!(ran.out, "/dev/shm:\n\n/tmp:\n");
    assert_eq!(one.end().code, 0);
}

/// Number of a new session keyring that this thread joins; it ends with the thread.
fn join_keyring() -> i64 {
    // SAFETY: a null name makes an anonymous keyring.
    unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0) }
}

#[test]
fn the_session_keyring_is_new_and_a_key_of_the_callers_is_not_in_it() {
    // In a thread of its own, whose children inherit the keyring.
    let answers = std::thread::spawn(|| {
        let session = join_keyring();
        assert!(session > 0, "keyctl: {}", std::io::Error::last_os_error());
        let (kind, name) = (c"user", c"ironcell-test-secret");
        // SAFETY: C strings and one byte that outlive the call.
        let key = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                kind.as_ptr(),
                name.as_ptr(),
                c"s".as_ptr(),
                1,
                libc::KEY_SPEC_SESSION_KEYRING,
            )
        };
        assert!(key > 0, "add_key: {}", std::io::Error::last_os_error());
        let words = ["key", "ironcell-test-secret"];
        (look_outside(&words), look(&no_filter(), &words), look(&no_filter(), &["keyring"]), session)
    });
    let (outside, inside, keyring, session) = answers.join().expect("the thread does not panic");
    assert!(outside["key"].starts_with("ok"), "the control: the caller's children find it: {outside:?}");
    assert_eq!(inside["key"], "ENOKEY");
    assert_ne!(keyring["session"], format!("ok {session}"));
}
