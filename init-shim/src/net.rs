//! The network of a cell with one of its own: the loopback interface, up, and nothing else.

use rustix::io::Result;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Brings `lo` up. The kernel gives it 127.0.0.1 and ::1 by itself.
///
/// netdevice(7): SIOCSIFFLAGS needs CAP_NET_ADMIN over the user namespace that owns the network namespace; PID 1 has it
/// over its own, and the target has not.
///
/// # Errors
/// As socket(2) and the ioctl.
pub fn loopback_up() -> Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    crate::sys::interface_up(&socket, c"lo")
}
