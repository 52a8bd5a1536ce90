//! PURE: what a cell promises about who the job is, and what it may do.

use super::super::checks;
use super::GivenUp::{ByHostNetwork, ByHostWithoutResource, ByLimit, ByRootUser, Never};
use super::{Promise, Proof, Rule, is, promise, refused};
use crate::spec::Resource;

/// In the order in which they are told.
pub(super) const ALL: &[Promise] = &[
    promise(
        "no_capabilities",
        "The job has no capability in any set, and can raise none.",
        &[is("credentials", checks::no_capabilities), refused("raise_capabilities")],
        Never,
    ),
    promise(
        "secure_bits",
        "The rules by which a user gains capabilities are off, and locked.",
        &[is("secure_bits", checks::secure_bits), refused("unlock_secure_bits")],
        Never,
    ),
    promise(
        "no_new_privs",
        "No program that the job executes gains a right.",
        &[is("credentials", checks::no_new_privs)],
        Never,
    ),
    promise(
        "set_id_programs",
        "Programs with a set-user-id bit or with capabilities run without them.",
        &[refused("set_user_id"), refused("file_capabilities")],
        Never,
    ),
    promise(
        "system_call_filter",
        "A filter decides which system calls the job may make.",
        &[is("credentials", checks::filtered)],
        Never,
    ),
    promise(
        "ids",
        "The job has the ids that were asked for, in every role, and can take no others.",
        &[is("credentials", checks::ids), refused("another_user")],
        Never,
    ),
    promise(
        "not_root",
        "The job is not root, not even in its cell.",
        &[is("credentials", checks::not_root)],
        ByRootUser,
    ),
    promise(
        "no_groups",
        "The job is in no other group.",
        &[is("credentials", checks::no_groups), refused("another_group")],
        Never,
    ),
    promise(
        "nobody_outside",
        "On the host the job's ids are nobody's, and the host's root is none of them.",
        &[is("id_maps", checks::nobody_outside), is("root_owner", checks::made_inside)],
        Never,
    ),
    promise(
        "own_kernel_limits",
        "What the kernel counts by user is counted for this cell alone.",
        &[is("namespace_owner", checks::owned_by_nobody)],
        Never,
    ),
    promise(
        "own_session",
        "The job leads a session of its own and has no terminal of the caller's.",
        &[is("session", checks::own_session), refused("own_terminal")],
        Never,
    ),
    promise("own_signals", "No signal is blocked or ignored from before.", &[is("signals", checks::signals)], Never),
    promise(
        "no_core_files",
        "No core is dumped, and no program of the host's is told of a crash.",
        &[is("resource_limits", checks::no_core)],
        ByLimit(Resource::Core),
    ),
    promise(
        "resource_limits",
        "Every limit of a process is as planned.",
        &[is("resource_limits", checks::limits)],
        Never,
    ),
    promise(
        "memory_locks",
        "The job cannot lock much memory.",
        &[Proof { attempt: "lock_memory", rule: Rule::RefusedAlso(ENOMEM) }],
        ByLimit(Resource::Memlock),
    ),
    promise(
        "no_real_time",
        "The job takes no real-time scheduling.",
        &[refused("real_time")],
        ByLimit(Resource::Rtprio),
    ),
    promise("no_priority", "The job takes no higher priority.", &[refused("priority")], ByLimit(Resource::Nice)),
    promise(
        "oom_score",
        "Under pressure the kernel chooses the job before the host's services, and the job cannot change that.",
        &[is("oom_score", checks::oom_score), refused("lower_oom_score")],
        ByHostWithoutResource,
    ),
    promise("descriptors", "The job has descriptors 0, 1 and 2.", &[is("descriptors", checks::descriptors)], Never),
    promise("environment", "The job has the variables that were given.", &[is("variables", checks::variables)], Never),
    promise("directory", "The job starts in the directory of its plan.", &[is("directory", checks::directory)], Never),
    promise(
        "host_name",
        "The job sees the name of its cell, and cannot change it.",
        &[is("host_name", checks::host_name), refused("set_host_name")],
        Never,
    ),
    promise(
        "own_namespaces",
        "Processes, mounts, IPC, host name, users and cgroups are the cell's own.",
        &[is("namespaces", checks::own_namespaces)],
        Never,
    ),
    promise(
        "no_namespaces",
        "The job can make and enter no namespace.",
        &[
            refused("unshare_user"),
            refused("unshare_mount"),
            refused("unshare_pid"),
            refused("unshare_net"),
            refused("unshare_ipc"),
            refused("unshare_uts"),
            refused("unshare_cgroup"),
            refused("unshare_time"),
            refused("unshare_user_and_mount"),
            refused("clone_user"),
            refused("clone3_user"),
            refused("setns"),
        ],
        Never,
    ),
    promise("own_network", "The network is the cell's own.", &[is("namespaces", checks::own_network)], ByHostNetwork),
    promise(
        "host_network",
        "What listens on the host's loopback address and abstract sockets, and its metadata service, are out of reach.",
        &[refused("host_port"), refused("host_socket"), refused("metadata")],
        ByHostNetwork,
    ),
];

/// mlock(2): the limit is told by this number, as a lack of memory would be. The same on every architecture.
const ENOMEM: i32 = 12;
