//! The guard of the host's files: a job that can write to them sets no set-id bit, whatever its profile.

use super::*;

/// What the guarded program says of a call.
fn verdict(profile: Profile, call: u32, args: [u64; 6]) -> u32 {
    run(&shipped(profile, SET_ID).program, ARCH, call, args)
}

#[test]
fn every_way_to_set_a_set_id_bit_is_refused() {
    for profile in Profile::ALL {
        for bit in [0o4755, 0o2755, 0o6755] {
            let refused = |call, args| assert_eq!(verdict(profile, call, args), EPERM.code(), "{call}");
            refused(nr::__NR_fchmod, [3, bit, 0, 0, 0, 0]);
            refused(nr::__NR_fchmodat, [3, 1, bit, 0, 0, 0]);
            refused(nr::__NR_fchmodat2, [3, 1, bit, 0, 0, 0]);
            refused(nr::__NR_mknodat, [3, 1, bit, 0, 0, 0]);
            refused(nr::__NR_openat, [3, 1, 0o100 | 1, bit, 0, 0]);
            refused(nr::__NR_openat, [3, 1, 0o20_200_000, bit, 0, 0]);
            // The upper half of a register is not part of a mode.
            refused(nr::__NR_fchmod, [3, bit | 0xdead_0000_0000, 0, 0, 0, 0]);
        }
        assert_eq!(verdict(profile, nr::__NR_openat2, [0; 6]), ENOSYS.code());
        assert_eq!(verdict(profile, nr::__NR_io_uring_setup, [0; 6]), ENOSYS.code());
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_older_calls_of_this_architecture_are_refused_too() {
    let refused = |call, args| assert_eq!(verdict(Profile::Default, call, args), EPERM.code(), "{call}");
    refused(nr::__NR_chmod, [1, 0o4755, 0, 0, 0, 0]);
    refused(nr::__NR_mknod, [1, 0o2755, 0, 0, 0, 0]);
    refused(nr::__NR_creat, [1, 0o4755, 0, 0, 0, 0]);
    refused(nr::__NR_open, [1, 0o101, 0o4755, 0, 0, 0]);
}

#[test]
fn ordinary_modes_and_reads_with_any_mode_pass() {
    for profile in [Profile::Default, Profile::Build, Profile::Compat] {
        assert_eq!(verdict(profile, nr::__NR_fchmodat, [3, 1, 0o755, 0, 0, 0]), Answer::Allow.code());
        assert_eq!(verdict(profile, nr::__NR_openat, [3, 1, 0o101, 0o644, 0, 0]), Answer::Allow.code());
        // open(2) ignores the mode when it creates nothing.
        assert_eq!(verdict(profile, nr::__NR_openat, [3, 1, 0, 0o6777, 0, 0]), Answer::Allow.code());
    }
}

#[test]
fn the_callers_own_rules_are_guarded_too() {
    let rules: SeccompRules = serde_json::from_str(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).expect("rules");
    let walls = Isolation { seccomp: Some(rules), ..Isolation::default() };
    let spec = JobSpec::command("true").isolation(walls).build().expect("a spec");
    let tree = RootFs::Tree(Source { path: b"/data".to_vec(), writable: true, ids: IdMapping::Cell });
    let program = of(&spec, &[], &tree, (6, 1)).expect("a filter").program;
    assert_eq!(run(&program, ARCH, nr::__NR_prlimit64, [0, 4, 8, 0, 0, 0]), Answer::Errno(0).code());
    assert_eq!(run(&program, ARCH, nr::__NR_fchmod, [3, 0o4755, 0, 0, 0, 0]), EPERM.code());
    assert_eq!(run(&program, ARCH, nr::__NR_fchmod, [3, 0o755, 0, 0, 0, 0]), Answer::Allow.code());
    assert_eq!(run(&program, ARCH, nr::__NR_mount, [0; 6]), Answer::Allow.code(), "as the caller wrote");
}

proptest! {
    #[test]
    fn the_guard_refuses_nothing_else(call in 0_u32..600, args: [u64; 6]) {
        let (with, without) = (shipped(Profile::Default, SET_ID), shipped(Profile::Default, OPEN));
        let (with, without) = (run(&with.program, ARCH, call, args), run(&without.program, ARCH, call, args));
        prop_assert!(with == without || with == EPERM.code() || with == ENOSYS.code());
    }
}
