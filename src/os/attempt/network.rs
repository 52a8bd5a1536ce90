//! The host's network: what listens on it for the host's own programs, and what a cloud tells its machines.

use super::{Around, Attempt, Scene, Seen, inside};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::time::Duration;

pub(super) const ALL: &[Attempt] = &[
    inside(
        "host_port",
        "connect(2) to a port of the host's loopback address, where verify listens",
        port,
        Around::Process,
    ),
    inside(
        "host_socket",
        "connect(2) to an abstract socket of the host, where verify listens",
        socket,
        Around::Process,
    ),
    inside("metadata", "connect(2) to 169.254.169.254, where clouds tell their secrets", metadata, Around::Process),
    inside(
        "loopback_flags",
        "ioctl(2) SIOCSIFFLAGS: set the flags of the loopback interface",
        loopback_flags,
        Around::Namespaces,
    ),
];

/// How long an answer may take: it comes from the host itself, or from the machine below it.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// The address that every large cloud gives this service.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

fn port(scene: &Scene) -> Seen {
    connect((Ipv4Addr::LOCALHOST, scene.port).into())
}

fn metadata(_: &Scene) -> Seen {
    connect((METADATA, 80).into())
}

/// No answer is as good as a refusal: nothing was reached.
fn connect(address: SocketAddr) -> Seen {
    match TcpStream::connect_timeout(&address, ANSWER_WITHIN) {
        Ok(_) => Seen::Allowed("it is connected".to_owned()),
        Err(error) if error.raw_os_error().is_none() => Seen::Absent("nobody answered".to_owned()),
        Err(error) => Seen::of_error(&error),
    }
}

fn socket(scene: &Scene) -> Seen {
    match UnixAddr::from_abstract_name(&scene.socket).and_then(|address| UnixStream::connect_addr(&address)) {
        Ok(_) => Seen::Allowed("it is connected".to_owned()),
        Err(error) => Seen::of_error(&error),
    }
}

fn loopback_flags(_: &Scene) -> Seen {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    match socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None) {
        Ok(socket) => Seen::of_call(init_shim::sys::interface_up(&socket, c"lo"), "its flags are set"),
        Err(errno) => Seen::Refused(errno.raw_os_error()),
    }
}
