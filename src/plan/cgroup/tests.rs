//! What is written for which limits, and what is refused with which words.

use super::*;
use crate::plan::host::{Controller, Disk};
use crate::spec::{CgroupFile, CpuMax, IoMax, IoTarget, MemoryLimit, PidsLimit};

const GIB: u64 = 1 << 30;

fn host() -> Host {
    crate::plan::host::example()
}

fn disk(minor: u32) -> Result<Disk, String> {
    Ok(Disk { major: 254, minor, how: format!("vd{minor}") })
}

fn line(path: &str) -> IoMax {
    IoMax { target: IoTarget::Path(path.into()), rbps: None, wbps: None, riops: None, wiops: None }
}

/// `file=value` of each setting, in order.
fn lines(settings: &[Setting]) -> Vec<String> {
    settings.iter().map(|setting| format!("{}={}", setting.file, setting.value)).collect()
}

#[test]
fn nothing_asked_gives_the_house_and_the_defaults() {
    let settings = settings(&Limits::default(), &host()).expect("settings");
    assert_eq!(
        lines(&settings),
        [
            "cgroup.max.descendants=0",
            "memory.swap.max=0",
            "memory.oom.group=1",
            "memory.max=3221225472",
            "pids.max=1024",
        ]
    );
    let origins: Vec<Origin> = settings.iter().map(|setting| setting.origin).collect();
    assert_eq!(origins, [Origin::House, Origin::House, Origin::House, Origin::Default, Origin::Default]);
}

#[test]
fn without_controllers_nothing_asked_is_still_a_cell() {
    let mut host = host();
    host.hierarchy.controllers.clear();
    assert_eq!(lines(&settings(&Limits::default(), &host).expect("settings")), ["cgroup.max.descendants=0"]);
}

#[test]
fn everything_asked_is_written_in_the_order_in_which_nothing_leaks() {
    let mut host = host();
    host.disks = vec![disk(0), disk(16), disk(0)];
    host.hierarchy.files = ["memory.swap.max", "memory.zswap.max", "memory.oom.group", "memory.high", "memory.max"]
        .into_iter()
        .chain(["pids.max", "cpu.max", "cpu.weight", "cpuset.cpus", "io.max", "io.weight", "memory.low"])
        .map(String::from)
        .collect();
    let limits = Limits {
        memory_max: Some(MemoryLimit::HostShare(5000)),
        memory_high: Some(MemoryLimit::Bytes(GIB + 5)),
        memory_swap_max: Some(MemoryLimit::Max),
        cpu_max: Some(CpuMax::Millis(1500)),
        cpu_weight: Some(200),
        cpuset_cpus: Some("3,1-2".to_owned()),
        io_max: vec![
            IoMax { rbps: Some(1000), ..line("/a") },
            IoMax { wiops: Some(7), wbps: Some(u64::MAX), ..line("/b") },
            IoMax { wbps: Some(5), rbps: Some(1000), ..line("/c") },
        ],
        io_weight: Some(50),
        pids_max: Some(PidsLimit::Max),
        rlimits: Vec::new(),
        cgroup_files: vec![CgroupFile::new("memory.low", "64M").expect("a file")],
    };
    assert_eq!(
        lines(&settings(&limits, &host).expect("settings")),
        [
            "cgroup.max.descendants=0",
            "memory.swap.max=max",
            "memory.zswap.max=0",
            "memory.oom.group=1",
            "memory.high=1073741824",
            "memory.max=2147483648",
            "pids.max=max",
            "cpu.max=150000 100000",
            "cpu.weight=200",
            "cpuset.cpus=1-3",
            "io.max=254:0 rbps=1000 wbps=5",
            "io.max=254:16 wbps=max wiops=7",
            "io.weight=50",
            "memory.low=64M",
        ]
    );
}

/// The refusal of these limits on this host.
fn refused(limits: Limits, host: &Host) -> Refusal {
    settings(&limits, host).expect_err("refused")
}

#[test]
fn a_missing_controller_is_named_with_its_hierarchy_and_the_way_out() {
    let mut host = host();
    host.hierarchy.controllers = vec![Controller::Cpu];
    host.hierarchy.on_v1 = vec![Controller::Memory];
    host.hierarchy.refused = vec![(Controller::Io, "write +io: Invalid argument (EINVAL)".to_owned())];
    let memory = refused(Limits { memory_max: Some(MemoryLimit::Bytes(GIB)), ..Limits::default() }, &host);
    assert_eq!(memory.field, "--memory");
    assert_eq!(memory.value, "1G");
    assert!(
        memory.problem.contains("memory") && memory.problem.contains("/sys/fs/cgroup") && memory.problem.contains("v1")
    );
    assert!(memory.remedy.contains("unified_cgroup_hierarchy=1") && memory.remedy.contains("ironcell doctor"));
    let pids = refused(Limits { pids_max: Some(PidsLimit::Max), ..Limits::default() }, &host);
    assert!(pids.remedy.contains("Delegate=yes") && !pids.problem.contains("v1"));
    let io = refused(Limits { io_weight: Some(5), ..Limits::default() }, &host);
    assert!(io.problem.contains("EINVAL"), "{io}");
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let limits = Limits {
        memory_max: Some(MemoryLimit::Bytes(GIB)),
        memory_high: Some(MemoryLimit::Bytes(2 * GIB)),
        ..Limits::default()
    };
    assert_eq!(refused(limits, &host()).field, "--memory-high");
    let past_default = Limits { memory_high: Some(MemoryLimit::HostShare(8000)), ..Limits::default() };
    assert!(refused(past_default, &host()).problem.contains("default"));
    let mut host = host();
    host.disks = vec![disk(0), disk(0)];
    let twice = vec![IoMax { rbps: Some(1), ..line("/a") }, IoMax { rbps: Some(2), ..line("/b") }];
    assert!(refused(Limits { io_max: twice, ..Limits::default() }, &host).problem.contains("differently"));
}

#[test]
fn what_the_kernel_would_take_and_not_enforce_is_refused() {
    let foreign = Limits { cpuset_cpus: Some("3-4".to_owned()), ..Limits::default() };
    assert!(refused(foreign, &host()).problem.contains("0-3"));
    let unheard = Host { io_weight_heard: Some(false), ..host() };
    assert!(refused(Limits { io_weight: Some(5), ..Limits::default() }, &unheard).remedy.contains("io.cost.qos"));
    let mut uncounted = Host { swap_total: GIB, ..host() };
    uncounted.hierarchy.files = vec!["memory.max".to_owned()];
    let limits = Limits { memory_max: Some(MemoryLimit::Bytes(GIB)), ..Limits::default() };
    assert!(refused(limits.clone(), &uncounted).problem.contains("leak into swap"));
    uncounted.swap_total = 0;
    assert!(settings(&limits, &uncounted).is_ok(), "there is nothing to leak into");
}

#[test]
fn values_without_meaning_are_refused() {
    let limits = |limits: Limits| refused(limits, &host()).field;
    assert_eq!(limits(Limits { memory_max: Some(MemoryLimit::Bytes(4096)), ..Limits::default() }), "--memory");
    assert_eq!(limits(Limits { memory_high: Some(MemoryLimit::Bytes(0)), ..Limits::default() }), "--memory-high");
    assert_eq!(limits(Limits { pids_max: Some(PidsLimit::Count(1)), ..Limits::default() }), "--pids");
    assert_eq!(limits(Limits { cpu_max: Some(CpuMax::Millis(9)), ..Limits::default() }), "--cpus");
    assert_eq!(limits(Limits { cpu_weight: Some(0), ..Limits::default() }), "--cpu-weight");
    assert_eq!(limits(Limits { io_weight: Some(10_001), ..Limits::default() }), "--io-weight");
    let disks = Host { disks: vec![disk(0), Err("it is on tmpfs".to_owned())], ..host() };
    let zero = vec![IoMax { rbps: Some(0), ..line("/a") }];
    assert!(refused(Limits { io_max: zero, ..Limits::default() }, &disks).problem.contains("rate of 0"));
    let lines = vec![IoMax { rbps: Some(1), ..line("/a") }, IoMax { rbps: Some(1), ..line("/t") }];
    let error = refused(Limits { io_max: lines, ..Limits::default() }, &disks);
    assert_eq!((error.value.as_str(), error.problem.as_str()), ("/t:rbps=1", "it is on tmpfs"));
}

#[test]
fn another_file_takes_the_place_of_a_default_and_contradicts_no_ask() {
    let file = |file: &str, value: &str| CgroupFile::new(file, value).expect("a file");
    let limits = Limits { cgroup_files: vec![file("pids.max", "9")], ..Limits::default() };
    let all = lines(&settings(&limits, &host()).expect("settings"));
    assert!(all.ends_with(&["pids.max=9".to_owned()]) && !all.contains(&"pids.max=1024".to_owned()));
    let twice = Limits { pids_max: Some(PidsLimit::Max), ..limits };
    assert!(refused(twice, &host()).problem.contains("--pids"));
    let group = Limits { cgroup_files: vec![file("memory.oom.group", "0")], ..Limits::default() };
    assert_eq!(refused(group, &host()).field, "--cgroup memory.oom.group");
    let two_disks = vec![file("io.latency", "8:0 target=1"), file("io.latency", "8:16 target=1")];
    assert!(settings(&Limits { cgroup_files: two_disks, ..Limits::default() }, &host()).is_ok());
    let mut host = host();
    host.hierarchy.files = vec!["memory.max".to_owned()];
    let none = Limits { cgroup_files: vec![file("misc.max", "x 4")], ..Limits::default() };
    assert!(refused(none, &host).problem.contains("no file misc.max"));
}

#[test]
fn a_share_of_a_huge_host_does_not_overflow() {
    let host = Host { memory_total: u64::MAX, ..host() };
    let limits = Limits { memory_max: Some(MemoryLimit::HostShare(u32::MAX)), ..Limits::default() };
    assert!(settings(&limits, &host).is_ok());
}

#[test]
fn a_change_writes_what_is_asked_for_and_checks_it_with_what_stays() {
    let current = Limits { memory_max: Some(MemoryLimit::Bytes(GIB)), ..Limits::default() };
    let high = |bytes| Limits { memory_high: Some(MemoryLimit::Bytes(bytes)), ..Limits::default() };
    assert_eq!(lines(&change(&current, &high(GIB / 2), &host()).expect("below")), ["memory.high=536870912"]);
    let refusal = change(&current, &high(GIB * 2), &host()).expect_err("it would never be reached");
    assert!(refusal.field == "--memory-high" && refusal.problem.contains("1073741824"), "{refusal}");
    let pids = Limits { pids_max: Some(PidsLimit::Count(7)), ..Limits::default() };
    assert_eq!(lines(&change(&current, &pids, &host()).expect("fine")), ["pids.max=7"]);
    assert_eq!(lines(&change(&current, &Limits::default(), &host()).expect("nothing")), [""; 0]);
}

#[test]
fn a_limit_of_each_process_is_refused_by_name_when_they_run_already() {
    use crate::spec::{Resource, Rlimit, RlimitValue};
    let rlimit = Rlimit { resource: Resource::Nofile, soft: RlimitValue::Is(9), hard: RlimitValue::Is(9) };
    let asked = Limits { rlimits: vec![rlimit], ..Limits::default() };
    let refusal = change(&Limits::default(), &asked, &host()).expect_err("too late");
    assert!(refusal.field == "--rlimit" && refusal.value.contains("Nofile"), "{refusal}");
}
