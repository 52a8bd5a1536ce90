//! How a program inside a cell tells what the kernel answered: each call is one line, its name, then `ok` and the value,
//! or the errno's name.

use std::io::Error;

/// The names that tests compare; any other is its number.
const NAMES: [(i32, &str); 27] = [
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::ESRCH, "ESRCH"),
    (libc::ENXIO, "ENXIO"),
    (libc::E2BIG, "E2BIG"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EACCES, "EACCES"),
    (libc::EFAULT, "EFAULT"),
    (libc::EEXIST, "EEXIST"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::EINVAL, "EINVAL"),
    (libc::ENFILE, "ENFILE"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::EFBIG, "EFBIG"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EROFS, "EROFS"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::ENOKEY, "ENOKEY"),
    (libc::EUSERS, "EUSERS"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::ENETUNREACH, "ENETUNREACH"),
    (libc::ENOBUFS, "ENOBUFS"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::EIO, "EIO"),
];

/// Tells of one call by what it returned, -1 for the errno.
pub fn say(call: &str, result: libc::c_long) {
    if result == -1 {
        println!("{call} {}", last_errno());
    } else {
        println!("{call} ok {result}");
    }
}

/// The name of this thread's last errno.
pub fn last_errno() -> String {
    errno_name(Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// The name of an errno.
pub fn errno_name(number: i32) -> String {
    NAMES.iter().find(|(known, _)| *known == number).map_or(format!("errno{number}"), |(_, name)| (*name).to_owned())
}
