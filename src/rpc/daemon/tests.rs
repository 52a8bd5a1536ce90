//! What is true of the unit without systemd.

use super::*;

/// The value of a key of the unit.
fn unit(key: &str) -> Vec<&'static str> {
    UNIT.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_unit_lets_jobs_outlive_the_daemon() {
    assert_eq!(unit("Type"), ["notify"]);
    assert_eq!(unit("KillMode"), ["process"], "systemd ends the daemon alone");
    assert!(unit("Delegate").is_empty(), "its cells are elsewhere");
    assert_eq!(unit("RuntimeDirectoryPreserve"), ["yes"], "the records of jobs stay");
    assert_eq!(unit("Restart"), ["on-failure"]);
    assert_eq!((unit("FileDescriptorStoreMax").len(), unit("WatchdogSec").len()), (1, 1));
    assert_eq!(unit("ExecStart"), [PROGRAM]);
}

#[test]
fn the_unit_has_no_hardening_that_jobs_would_inherit() {
    // A mount namespace of the daemon's own would be what jobs see in place of the host; a filter, or a limit, would be theirs.
    for key in [
        "ProtectSystem",
        "ProtectHome",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectKernelTunables",
        "ProtectControlGroups",
        "DevicePolicy",
        "DeviceAllow",
        "SystemCallFilter",
        "RestrictNamespaces",
        "RestrictAddressFamilies",
        "MemoryDenyWriteExecute",
        "LockPersonality",
        "RestrictSUIDSGID",
        "MemoryMax",
    ] {
        assert!(unit(key).is_empty(), "{key}");
    }
}
