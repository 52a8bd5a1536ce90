//! The doctor's words for made-up hosts, and that this host can be examined.

use super::*;
use crate::os::cgroup::{Discovery, Seat};
use crate::os::doctor::Answer;
use crate::os::{Doing, OsError};
use crate::plan::host::Controller;

fn sight() -> Sight {
    Sight {
        release: "6.12.95+deb12-cloud-amd64".to_owned(),
        uid: 0,
        capabilities: u64::MAX,
        cgroups: Ok(Discovery {
            mount: "/sys/fs/cgroup".into(),
            own: "/sys/fs/cgroup".into(),
            on_v1: Vec::new(),
            at_mount: Controller::ALL.to_vec(),
            seat: Seat::Root("/sys/fs/cgroup".into()),
            read_only: false,
        }),
        controllers: Controller::ALL.to_vec(),
        sample: Some((
            "/sys/fs/cgroup/x".into(),
            ["cgroup.kill", "memory.max", "memory.swap.max"].map(String::from).into(),
        )),
        swap: 0,
        pressure: true,
        user_namespaces: Some(1000),
        namespaces: ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map(String::from).into(),
        seccomp: Some("kill_process kill_thread trap errno user_notif trace log allow".to_owned()),
        memfd_noexec: None,
        filesystems: ["tmpfs", "overlay"].map(String::from).into(),
        clone_into: Answer::There,
        new_mounts: Answer::There,
        mount_setattr: Answer::There,
        pidfd: Answer::There,
        landlock: Some(6),
        devices: Ok(()),
    }
}

/// The check of this name.
fn check(sight: &Sight, item: &str) -> Check {
    checks(sight).into_iter().find(|check| check.item == item).unwrap_or_else(|| panic!("no check {item}"))
}

#[test]
fn a_host_with_everything_is_good_in_everything() {
    assert!(checks(&sight()).iter().all(|check| check.state == State::Good && check.remedy.is_none()));
}

#[test]
fn whatever_is_not_good_has_a_way_out() {
    let poor = Sight {
        release: "5.10.0".to_owned(),
        uid: 1000,
        controllers: Vec::new(),
        sample: Some(("/sys/fs/cgroup/x".into(), Vec::new())),
        pressure: false,
        user_namespaces: Some(0),
        namespaces: Vec::new(),
        seccomp: None,
        memfd_noexec: Some(2),
        filesystems: Vec::new(),
        clone_into: Answer::Otherwise(22),
        new_mounts: Answer::Absent,
        mount_setattr: Answer::Forbidden,
        pidfd: Answer::Absent,
        landlock: None,
        devices: Err(OsError::new(Doing::Make, "the guard", std::io::Error::from_raw_os_error(1))),
        ..sight()
    };
    let bad: Vec<Check> = checks(&poor).into_iter().filter(|check| check.state != State::Good).collect();
    assert!(bad.len() > 15, "{bad:?}");
    assert!(bad.iter().all(|check| check.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty())));
}

#[test]
fn a_controller_on_v1_is_told_from_one_that_is_not_delegated() {
    let mut sight = sight();
    sight.controllers = vec![Controller::Cpu];
    if let Ok(found) = &mut sight.cgroups {
        found.on_v1 = vec![Controller::Memory];
        found.at_mount = vec![Controller::Cpu, Controller::Pids];
    }
    assert!(check(&sight, "controller memory").found.contains("bound to cgroup v1"));
    assert!(check(&sight, "controller pids").found.contains("not delegated"));
    assert!(check(&sight, "controller io").found.contains("not to be had"));
    assert_eq!(check(&sight, "controller cpu").state, State::Good);
}

#[test]
fn swap_that_is_not_counted_matters_only_where_there_is_swap() {
    let uncounted = Some(("/x".into(), ["cgroup.kill", "memory.max"].map(String::from).into()));
    let without = Sight { sample: uncounted.clone(), ..sight() };
    assert_eq!(check(&without, "swap accounting").state, State::Good);
    let with = Sight { sample: uncounted, swap: 1, ..sight() };
    assert_eq!(check(&with, "swap accounting").state, State::Limited);
}

#[test]
fn an_old_kernel_is_missing_and_a_young_one_lacks_little() {
    let old = Sight { release: "5.13.19".to_owned(), ..sight() };
    assert_eq!(check(&old, "kernel").state, State::Missing);
    let young = Sight { release: "5.19.0-rc1".to_owned(), ..sight() };
    assert!(check(&young, "kernel").found.contains("pids.peak") && !check(&young, "kernel").found.contains("zswap"));
}

#[test]
fn this_host_can_be_examined() {
    let checks = examine();
    assert!(checks.len() > 5 && checks.iter().all(|check| !check.found.is_empty()));
}
