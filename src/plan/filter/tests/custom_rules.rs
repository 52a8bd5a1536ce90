//! Rules in Docker's format: what each member does, and what is refused by name.

use super::*;

fn read(text: &str) -> SeccompRules {
    serde_json::from_str::<SeccompRules>(text).expect("rules").checked("--seccomp").expect("sound rules")
}

fn says(text: &str, call: u32, args: [u64; 6]) -> u32 {
    let policy = custom::of(&read(text), (6, 1));
    run(&program::of(&policy), ARCH, call, args)
}

#[test]
fn what_no_entry_names_gets_the_default_action_and_its_number() {
    let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls":
        [{"names": ["read", "no_such_call"], "action": "SCMP_ACT_ALLOW"}]}"#;
    assert_eq!(says(text, nr::__NR_read, [0; 6]), Answer::Allow.code());
    assert_eq!(says(text, nr::__NR_write, [0; 6]), Answer::Errno(13).code());
    let kill = r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS"}"#;
    assert_eq!(says(kill, calls::all().max().expect("a call") + 1, [0; 6]), Answer::KillProcess.code());
}

#[test]
fn all_arguments_must_hold_and_two_looks_at_one_are_two_ways() {
    let both = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["ioctl"], "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 5, "op": "SCMP_CMP_GE"}]}]}"#;
    assert_eq!(says(both, nr::__NR_ioctl, [1, 5, 0, 0, 0, 0]), Answer::Allow.code());
    assert_eq!(says(both, nr::__NR_ioctl, [1, 4, 0, 0, 0, 0]), EPERM.code());
    let either = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["personality"], "action":
        "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}"#;
    assert_eq!(says(either, nr::__NR_personality, [8, 0, 0, 0, 0, 0]), Answer::Allow.code());
    assert_eq!(says(either, nr::__NR_personality, [4, 0, 0, 0, 0, 0]), EPERM.code());
}

#[test]
fn a_masked_argument_is_compared_with_the_second_value() {
    let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ALLOW",
        "args": [{"index": 0, "value": 2114060288, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]}"#;
    assert_eq!(says(text, nr::__NR_clone, [17, 0, 0, 0, 0, 0]), Answer::Allow.code());
    assert_eq!(says(text, nr::__NR_clone, [0x1000_0011, 0, 0, 0, 0, 0]), EPERM.code());
}

#[test]
fn entries_for_capabilities_other_machines_and_newer_kernels_do_not_apply() {
    let entry = |place: &str| {
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", {place}}}]}}"#
        )
    };
    let allows = |place: &str| says(&entry(place), nr::__NR_ptrace, [0; 6]) == Answer::Allow.code();
    assert!(allows(r#""includes": {}, "excludes": {}, "args": null, "comment": """#));
    assert!(allows(r#""includes": {"minKernel": "4.8"}"#) && !allows(r#""includes": {"minKernel": "6.2"}"#));
    assert!(
        !allows(r#""includes": {"caps": ["CAP_SYS_PTRACE"]}"#) && allows(r#""excludes": {"caps": ["CAP_SYS_PTRACE"]}"#)
    );
    assert!(allows(r#""includes": {"arches": ["amd64", "arm64"]}"#) && !allows(r#""includes": {"arches": ["s390x"]}"#));
    assert!(!allows(r#""excludes": {"arches": ["amd64", "arm64"]}"#));
}

#[test]
fn what_has_no_meaning_here_is_refused_by_name() {
    let refused = |text: &str, word: &str| {
        let error = match serde_json::from_str::<SeccompRules>(text) {
            Err(error) => error.to_string(),
            Ok(rules) => rules.checked("--seccomp").expect_err("refused").to_string(),
        };
        assert!(error.contains(word), "{error}");
    };
    refused(r#"{"defaultAction": "SCMP_ACT_TRACE"}"#, "SCMP_ACT_TRACE");
    refused(r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}"#, "listenerPath");
    refused(r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#, "flags");
    refused(r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOSYS"}"#, "ENOSYS");
    refused(r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 5000}"#, "5000");
    let arg = r#"{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}"#;
    let entry = format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{arg}]}}"#);
    refused(&format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{entry}]}}"#), "index 6");
}

#[test]
fn a_program_longer_than_the_kernel_takes_is_refused_before_anything_is_done() {
    let arg = |value: usize| format!(r#"{{"index": 0, "value": {value}, "op": "SCMP_CMP_EQ"}}"#);
    let args: Vec<String> = (0..1500).map(arg).collect();
    let entry = format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{}]}}"#, args.join(","));
    let start = r#"{"names": ["execve", "newfstatat", "write", "exit_group"], "action": "SCMP_ACT_ALLOW"}"#;
    let rules = read(&format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{start}, {entry}]}}"#));
    assert!(refused(rules).problem.contains("4096"));
}

fn refused(rules: SeccompRules) -> Refusal {
    let walls = Isolation { seccomp: Some(rules), ..Isolation::default() };
    let spec = JobSpec::command("true").isolation(walls).build().expect("a spec");
    of(&spec, &[], &RootFs::Fresh { size: 0, inodes: 0 }, (6, 1)).expect_err("refused")
}

#[test]
fn rules_under_which_nothing_can_start_are_refused_by_the_calls_name() {
    let nothing = read(r#"{"defaultAction": "SCMP_ACT_KILL_PROCESS"}"#);
    assert_eq!(refused(nothing).value, "execve");
    let silent = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["write"], "action": "SCMP_ACT_ERRNO",
        "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_GT"}]}]}"#;
    assert_eq!(refused(read(silent)).value, "write");
}

#[test]
fn an_entry_without_looks_decides_alone_wherever_it_stands() {
    let look =
        r#"{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]}"#;
    let whole = r#"{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}"#;
    for entries in [[look, whole], [whole, look]] {
        let text = format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#, entries.join(","));
        assert_eq!(says(&text, nr::__NR_socket, [1, 0, 0, 0, 0, 0]), Answer::Errno(5).code());
    }
}

#[test]
fn an_entry_that_does_what_happens_anyway_is_passed_over() {
    let text = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]},
        {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 1, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#;
    assert_eq!(says(text, nr::__NR_socket, [2, 1, 0, 0, 0, 0]), Answer::Allow.code());
}

#[test]
fn what_is_newer_than_the_file_is_unheard_of_unless_the_file_has_a_number_for_it() {
    let old = r#"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["statx"], "action": "SCMP_ACT_ALLOW"}]}"#;
    assert_eq!(says(old, nr::__NR_clone3, [0; 6]), ENOSYS.code());
    assert_eq!(says(old, nr::__NR_bpf, [0; 6]), EPERM.code());
    let numbered = old.replace(r#""SCMP_ACT_ERRNO","#, r#""SCMP_ACT_ERRNO", "defaultErrnoRet": 13,"#);
    assert_eq!(says(&numbered, nr::__NR_clone3, [0; 6]), Answer::Errno(13).code());
}
