//! Out of the cell by descriptors: ones that the caller forgot to close, ones of read-only files, sockets that lie about.

use integration::inside::{scratch, text};
use integration::support::{finish, ironcell, run};
use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Where runc had left one open (CVE-2024-21626), its neighbours, and the last of a small table.
const NUMBERS: [i32; 9] = [3, 4, 5, 6, 7, 8, 9, 10, 255];

/// The command with a directory of the host open at each of the numbers, as a careless caller would start it.
fn with_directories(mut command: Command) -> Command {
    let directory = File::open("/srv").expect("a directory of the host");
    // SAFETY: only calls that are safe between fork and exec: the descriptors become the child's, inheritable.
    unsafe {
        command.pre_exec(move || {
            let all = NUMBERS.iter().all(|number| libc::dup2(directory.as_raw_fd(), *number) >= 0);
            if all { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    command
}

#[test]
fn no_descriptor_of_the_callers_is_a_way_out_of_the_cell() {
    let script = "for n in /proc/self/fd/*; do cd -P $n/.. && cat etc/hostname; done 2> /dev/null; exit 0";
    let cell = finish(with_directories(ironcell(&["run", "--", "bash", "-c", script])));
    assert_eq!((cell.code, cell.out.as_str()), (0, ""), "{cell:?}");
    let mut bubblewrap = Command::new("bwrap");
    bubblewrap.args(["--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"]);
    bubblewrap.args([
        "--symlink",
        "usr/lib",
        "/lib",
        "--symlink",
        "usr/lib64",
        "/lib64",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]);
    bubblewrap.args(["bash", "-c", script]).stdin(Stdio::null());
    let ran = finish(with_directories(bubblewrap));
    let host = fs::read_to_string("/etc/hostname").expect("the host's name");
    assert!(ran.out.contains(&host), "the control: bubblewrap passes them on: {ran:?}");
}

#[test]
fn a_working_directory_that_is_a_descriptor_is_refused_before_the_job_runs() {
    for number in NUMBERS {
        let place = format!("/proc/self/fd/{number}");
        let ran = finish(with_directories(ironcell(&["run", "--cwd", &place, "--", "echo", "ran"])));
        assert_eq!((ran.code, ran.out.as_str()), (125, ""), "{ran:?}");
        assert!(ran.err.contains(&place) && ran.err.lines().count() == 1, "{ran:?}");
    }
    let mut outside = Command::new("sh");
    outside.args(["-c", "cd -P /proc/self/fd/7/.. && cat etc/hostname"]).stdin(Stdio::null());
    assert_eq!(finish(with_directories(outside)).code, 0, "the control: without a cell it is one");
}

#[test]
fn a_file_that_is_shown_read_only_cannot_be_opened_again_to_write() {
    let directory = scratch();
    let file = directory.path().join("file");
    fs::write(&file, "old\n").expect("written");
    fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("open to all");
    let script = "exec 3< /d/file; echo new > /proc/self/fd/3; echo new > /dev/fd/3; cat /d/file";
    let bind = format!("{}:/d", text(directory.path()));
    for user in ["1000", "0"] {
        let ran = run(&["--user", user, "--ro", &bind, "--", "sh", "-c", script]);
        assert_eq!(ran.out, "old\n", "{ran:?}");
        assert_eq!(ran.err.matches("Read-only file system").count(), 2, "{ran:?}");
    }
    assert_eq!(run(&["--rw", &bind, "--", "sh", "-c", script]).out, "new\n", "the control: a writable one can");
}

#[test]
fn no_socket_of_the_hosts_is_in_sight() {
    let names = ["/run/ironcell-test-socket", "/tmp/ironcell-test-socket"];
    let listeners = names.map(|name| UnixListener::bind(name).expect("it listens"));
    let find = ["find", "/", "/dev/shm", "/run", "/tmp", "-xdev", "-type", "s"];
    let ran = run(&[&["--"], &find[..]].concat());
    let mut bubblewrap = Command::new("bwrap");
    let outside = finish({
        bubblewrap.args(["--unshare-all", "--bind", "/", "/"]).args(find).stdin(Stdio::null());
        bubblewrap
    });
    drop(listeners);
    names.iter().for_each(|name| fs::remove_file(name).expect("removed"));
    assert_eq!(ran.out, "", "{ran:?}");
    assert!(names.iter().all(|name| outside.out.contains(name)), "the control: bubblewrap shows them: {outside:?}");
}
