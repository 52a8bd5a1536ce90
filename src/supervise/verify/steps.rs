//! PURE: which promise would be found broken if a step of building a cell were left out: as it was seen when each was left
//! out in turn. A step that is in neither list is found by a test.

use init_shim::step::Step;

/// What shows that a step was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Without it one of these promises is found broken.
    By(&'static [&'static str]),
    /// Without it a later step fails, and there is no cell; half done, one of these promises is found broken.
    NoCell(&'static [&'static str]),
    /// Without it nothing changes that could be seen in a finished cell, for this reason.
    Behind(&'static str),
}

/// The steps that protect.
pub const SHOWN: &[(Step, Shown)] = &[
    (
        Step::ProtectSource,
        Shown::By(&["no_set_id_mounts", "no_device_mounts", "planned_mounts", "host_read_only", "private_mounts"]),
    ),
    (Step::TakeJobIdentity, Shown::By(&["own_kernel_limits"])),
    (Step::CloneCell, Shown::By(&["own_namespaces", "own_network", "own_processes"])),
    (Step::WriteIdMaps, Shown::NoCell(&["nobody_outside"])),
    (Step::RaiseOomScore, Shown::By(&["oom_score"])),
    (
        Step::CloseForeign,
        Shown::Behind("the target closes all but its three (307) and PID 1 all but its own (217) once more"),
    ),
    (Step::BecomeCellRoot, Shown::NoCell(&["nobody_outside"])),
    (Step::SetHostname, Shown::By(&["host_name"])),
    (
        Step::MakePrivate,
        Shown::Behind(
            "mounts of another user's namespace send no events (mount_namespaces(7)), what comes from the host is made \
             private by itself (103), and the old root is detached (211)",
        ),
    ),
    (Step::AttachMount, Shown::By(&["own_processes", "no_set_id_mounts", "no_device_mounts", "no_exec_mounts"])),
    (Step::EnterRoot, Shown::NoCell(&["planned_mounts", "host_files"])),
    (Step::LeaveOldRoot, Shown::By(&["planned_mounts"])),
    (Step::SealRoot, Shown::By(&["planned_mounts", "host_read_only"])),
    (Step::JoinKeyring, Shown::By(&["own_keyring"])),
    (Step::DropBounding, Shown::NoCell(&["no_capabilities", "secure_bits"])),
    (Step::NoNewPrivs, Shown::NoCell(&["no_new_privs"])),
    (Step::DropShim, Shown::NoCell(&["first_process"])),
    (Step::ForbidNested, Shown::By(&["no_namespaces"])),
    (Step::SeeOwnCgroup, Shown::By(&["own_cgroup"])),
    (Step::NewSession, Shown::By(&["own_session"])),
    (Step::PlaceStdio, Shown::NoCell(&["descriptors"])),
    (Step::SetRlimit, Shown::By(&["no_core_files", "resource_limits"])),
    (Step::BecomeUser, Shown::By(&["ids", "no_groups"])),
    (
        Step::ClearCapabilities,
        Shown::Behind("with the sets and secure bits of 214 the exec gives none, whatever was there before it"),
    ),
    (Step::EnterDirectory, Shown::By(&["directory"])),
    (Step::CloseRest, Shown::Behind("all that is left open is closed by the exec (O_CLOEXEC)")),
    (Step::ResetSignals, Shown::By(&["own_signals"])),
    (Step::InstallFilter, Shown::By(&["system_call_filter"])),
    (Step::MakeRuleset, Shown::By(&["file_rules"])),
    (Step::RestrictFiles, Shown::By(&["file_rules"])),
    (Step::FilterShim, Shown::By(&["first_process"])),
];

/// The steps that build: without one of them there is no cell, or not the one that was asked for.
pub const BUILDING: &[Step] = &[
    Step::ReadOrder,
    Step::OpenSource,
    Step::MapOwner,
    Step::AwaitCell,
    Step::ReleaseCell,
    Step::AwaitRelease,
    Step::LoopbackUp,
    Step::MakeRoot,
    Step::MakeEntry,
    Step::AwaitJob,
    Step::ResizeTmpfs,
    Step::ForkTarget,
    Step::OpenTerminal,
    Step::SetNice,
    Step::Exec,
    Step::ExecInterpreter,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::verify::promises;

    #[test]
    fn every_step_either_protects_or_builds() {
        for step in Step::ALL {
            let protects = SHOWN.iter().filter(|(known, _)| known == step).count();
            let builds = BUILDING.iter().filter(|known| *known == step).count();
            assert_eq!(protects + builds, 1, "{} {}", *step as u16, step.name());
        }
    }

    #[test]
    fn every_step_that_protects_is_shown_by_promises_that_there_are() {
        for (step, shown) in SHOWN {
            match shown {
                Shown::By(names) | Shown::NoCell(names) => {
                    assert!(!names.is_empty(), "{}", step.name());
                    for name in *names {
                        assert!(promises::all().any(|promise| promise.name == *name), "{}: {name}", step.name());
                    }
                }
                Shown::Behind(why) => assert!(!why.is_empty(), "{}", step.name()),
            }
        }
    }
}
