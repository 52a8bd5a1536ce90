//! Sockets of families that ordinary programs have no use for. Each is a large part of the kernel, and some are where the
//! latest holes were (CVE-2026-31431: AF_ALG; CVE-2026-43500: AF_RXRPC).

use super::{Around, Attempt, Scene, Seen, inside};

pub(super) const ALL: &[Attempt] = &[
    inside("packet_socket", "socket(2): AF_PACKET, raw", packet, Around::Process),
    inside("raw_socket", "socket(2): AF_INET, raw ICMP", raw, Around::Process),
    inside("raw6_socket", "socket(2): AF_INET6, raw ICMP", raw6, Around::Process),
    inside("vsock_socket", "socket(2): AF_VSOCK, to the hypervisor", vsock, Around::Process),
    inside("alg_socket", "socket(2): AF_ALG, the kernel's ciphers", alg, Around::Process),
    inside("rxrpc_socket", "socket(2): AF_RXRPC", rxrpc, Around::Process),
    inside("key_socket", "socket(2): AF_KEY", key, Around::Process),
    inside("xdp_socket", "socket(2): AF_XDP", xdp, Around::Process),
    inside("tipc_socket", "socket(2): AF_TIPC", tipc, Around::Process),
    inside("bluetooth_socket", "socket(2): AF_BLUETOOTH", bluetooth, Around::Process),
    inside("netlink_uevent", "socket(2): AF_NETLINK, NETLINK_KOBJECT_UEVENT", uevent, Around::Process),
    inside("netlink_audit", "socket(2): AF_NETLINK, NETLINK_AUDIT", audit, Around::Process),
    inside("netlink_xfrm", "socket(2): AF_NETLINK, NETLINK_XFRM", xfrm, Around::Process),
    inside("netlink_netfilter", "socket(2): AF_NETLINK, NETLINK_NETFILTER", netfilter, Around::Process),
    inside("netlink_generic", "socket(2): AF_NETLINK, NETLINK_GENERIC", generic, Around::Process),
];

/// AF_XDP and AF_RXRPC of linux/socket.h, which not every C library has.
const AF_XDP: libc::c_int = 44;
const AF_RXRPC: libc::c_int = 33;
/// PF_KEY_V2 of linux/pfkeyv2.h.
const PF_KEY_V2: libc::c_int = 2;

/// The socket goes with the process.
fn socket(family: libc::c_int, kind: libc::c_int, protocol: libc::c_int) -> Seen {
    // SAFETY: numbers only.
    Seen::of(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }.into())
}

fn netlink(protocol: libc::c_int) -> Seen {
    socket(libc::AF_NETLINK, libc::SOCK_RAW, protocol)
}

fn packet(_: &Scene) -> Seen {
    socket(libc::AF_PACKET, libc::SOCK_RAW, 0)
}

fn raw(_: &Scene) -> Seen {
    socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)
}

fn raw6(_: &Scene) -> Seen {
    socket(libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6)
}

fn vsock(_: &Scene) -> Seen {
    socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)
}

fn alg(_: &Scene) -> Seen {
    socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)
}

fn rxrpc(_: &Scene) -> Seen {
    socket(AF_RXRPC, libc::SOCK_DGRAM, libc::AF_INET)
}

fn key(_: &Scene) -> Seen {
    socket(libc::AF_KEY, libc::SOCK_RAW, PF_KEY_V2)
}

fn xdp(_: &Scene) -> Seen {
    socket(AF_XDP, libc::SOCK_RAW, 0)
}

fn tipc(_: &Scene) -> Seen {
    socket(libc::AF_TIPC, libc::SOCK_SEQPACKET, 0)
}

fn bluetooth(_: &Scene) -> Seen {
    socket(libc::AF_BLUETOOTH, libc::SOCK_RAW, 1)
}

fn uevent(_: &Scene) -> Seen {
    netlink(libc::NETLINK_KOBJECT_UEVENT)
}

fn audit(_: &Scene) -> Seen {
    netlink(libc::NETLINK_AUDIT)
}

fn xfrm(_: &Scene) -> Seen {
    netlink(libc::NETLINK_XFRM)
}

fn netfilter(_: &Scene) -> Seen {
    netlink(libc::NETLINK_NETFILTER)
}

fn generic(_: &Scene) -> Seen {
    netlink(libc::NETLINK_GENERIC)
}
