//! PURE: what a cell promises about the parts of the kernel that are closed to the job.

use super::super::checks;
use super::GivenUp::{ByProfile, ByRules, ByShowing, Never};
use super::{Promise, is, promise, refused};
use crate::spec::Profile;

/// In the order in which they are told.
pub(super) const ALL: &[Promise] = &[
    promise("network_settings", "The job cannot change the network.", &[refused("loopback_flags")], Never),
    promise(
        "raw_sockets",
        "The job can neither forge packets nor read those of others.",
        &[refused("packet_socket"), refused("raw_socket"), refused("raw6_socket")],
        Never,
    ),
    promise(
        "socket_families",
        "The job has no sockets but UNIX, IPv4, IPv6 and route netlink.",
        &[
            refused("vsock_socket"),
            refused("alg_socket"),
            refused("rxrpc_socket"),
            refused("key_socket"),
            refused("xdp_socket"),
            refused("tipc_socket"),
            refused("bluetooth_socket"),
            refused("netlink_uevent"),
            refused("netlink_audit"),
            refused("netlink_xfrm"),
            refused("netlink_netfilter"),
            refused("netlink_generic"),
        ],
        ByRules,
    ),
    promise("own_keyring", "The job finds no key of the caller's.", &[refused("find_key")], Never),
    promise(
        "no_keyrings",
        "The job has no keyrings, which would outlive it.",
        &[refused("add_key"), refused("user_keyring")],
        ByRules,
    ),
    promise(
        "terminal_input",
        "The job can push no input into a terminal.",
        &[
            refused("push_input"),
            refused("push_input_high"),
            refused("console_selection"),
            refused("console_selection_high"),
        ],
        ByRules,
    ),
    promise("no_io_uring", "The job has no io_uring.", &[refused("io_uring")], ByRules),
    promise(
        "kernel_code",
        "The job loads nothing into the kernel and measures nothing with it.",
        &[refused("bpf"), refused("perf"), refused("load_module"), refused("unload_module"), refused("kexec")],
        ByRules,
    ),
    promise(
        "no_fault_handlers",
        "The job handles no page faults, watches no file systems and moves no pages.",
        &[refused("userfaultfd"), refused("fanotify"), refused("move_pages")],
        ByRules,
    ),
    promise(
        "host_control",
        "The job cannot restart the host, nor change its swap, accounting and clock.",
        &[refused("reboot"), refused("swap"), refused("accounting"), refused("clock")],
        Never,
    ),
    promise(
        "no_personality",
        "The job cannot switch off the random placement of memory.",
        &[refused("personality")],
        ByProfile(Profile::Build),
    ),
    promise(
        "foreign_calls",
        "System calls of other architectures are not to be had.",
        &[refused("x32_call"), refused("int80_call")],
        Never,
    ),
    promise(
        "devices",
        "The job can make no device, and has none but null, zero, full, random, urandom and its terminals.",
        &[
            refused("make_disk"),
            refused("make_memory"),
            refused("make_kvm"),
            refused("open_console"),
            refused("open_fuse"),
            refused("open_kvm"),
        ],
        Never,
    ),
    promise(
        "device_guard",
        "A program on the cell's cgroup refuses every other device, should there ever be a node of one.",
        &[is("device_guard", checks::guarded)],
        Never,
    ),
    promise(
        "own_cgroup",
        "The job sees its cgroup as the root of all, and can join no other.",
        &[is("own_cgroup", checks::own_cgroup), refused("join_cgroup")],
        ByShowing("/sys"),
    ),
];
