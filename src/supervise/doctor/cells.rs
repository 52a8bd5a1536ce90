//! Where cells' cgroups will be made, and what can be limited there.

use super::kernel::call;
use super::{Check, good, limited, missing};
use crate::os::cgroup::{Discovery, Seat};
use crate::os::doctor::Sight;
use crate::plan::host::Controller;

/// All about cgroups.
pub(super) fn checks(sight: &Sight) -> Vec<Check> {
    let item = "cgroup v2";
    let found = match &sight.cgroups {
        Ok(found) => found,
        Err(error) => return vec![missing(item, error.to_string(), "boot with systemd.unified_cgroup_hierarchy=1")],
    };
    let mount = found.mount.display();
    let mut checks = vec![match found.read_only {
        true => missing(
            item,
            format!("mounted read-only at {mount}"),
            "run the container with --privileged --cgroupns=private, or run ironcell outside of it",
        ),
        false => good(item, format!("mounted at {mount}")),
    }];
    checks.push(seat(found));
    checks.extend(Controller::ALL.into_iter().map(|controller| one(controller, found, sight)));
    checks.push(kill(sight));
    checks.push(call("clone into a cgroup", sight.clone_into, "boot 5.7 or newer"));
    checks.push(swap(sight));
    checks.push(pressure(sight));
    checks
}

/// How the place for cells comes about.
fn seat(found: &Discovery) -> Check {
    let item = "place for cells";
    match &found.seat {
        Seat::Root(dir) => good(item, format!("{}/ironcell: nobody else manages this hierarchy", dir.display())),
        Seat::Delegated(dir) => good(
            item,
            format!("{}/ironcell: this cgroup was given to us; its processes move into a leaf", dir.display()),
        ),
        Seat::Systemd => good(item, "a scope of its own for each start, which systemd is asked for"),
    }
}

/// One controller: there, on v1, or not given to us.
fn one(controller: Controller, found: &Discovery, sight: &Sight) -> Check {
    let item = format!("controller {}", controller.name());
    if found.on_v1.contains(&controller) {
        return limited(
            item,
            format!("bound to cgroup v1, so no {}", flags(controller)),
            "boot with systemd.unified_cgroup_hierarchy=1, or with cgroup_no_v1=all",
        );
    }
    if sight.controllers.contains(&controller) {
        return good(item, "there");
    }
    match found.at_mount.contains(&controller) {
        true => limited(
            item,
            format!("not delegated to us, so no {}", flags(controller)),
            "start ironcell in a unit with Delegate=yes",
        ),
        false => limited(
            item,
            format!("not to be had here, so no {}", flags(controller)),
            "boot a kernel that has it, or give it to this container",
        ),
    }
}

/// What there is not without a controller.
fn flags(controller: Controller) -> &'static str {
    match controller {
        Controller::Cpu => "--cpus or --cpu-weight",
        Controller::Cpuset => "--cpuset",
        Controller::Io => "--io-max or --io-weight",
        Controller::Memory => "--memory, --memory-high or --swap",
        Controller::Pids => "--pids",
    }
}

/// `cgroup.kill`, which ends a cell for sure.
fn kill(sight: &Sight) -> Check {
    let item = "cgroup.kill";
    match &sight.sample {
        Some((_, files)) if files.iter().any(|file| file == item) => good(item, "there"),
        Some((dir, _)) => missing(item, format!("not in {}", dir.display()), "boot 5.14 or newer"),
        None => good(item, "no cgroup to look at yet; the kernel's version says yes"),
    }
}

/// Without swap accounting a memory limit leaks into swap.
fn swap(sight: &Sight) -> Check {
    let item = "swap accounting";
    if !sight.controllers.contains(&Controller::Memory) {
        return limited(item, "no memory controller", "see there");
    }
    let counted = sight.sample.as_ref().map(|(_, files)| {
        let has = |name: &str| files.iter().any(|file| file == name);
        (has("memory.max"), has("memory.swap.max"))
    });
    match counted {
        Some((true, true)) => good(item, "there"),
        Some((true, false)) if sight.swap == 0 => good(item, "not there, and there is no swap to leak into"),
        Some((true, false)) => limited(
            item,
            "not there, so --memory is refused while swap is on",
            "boot without swapaccount=0, or swapoff -a",
        ),
        _ => good(item, "no cgroup to look at yet"),
    }
}

fn pressure(sight: &Sight) -> Check {
    let item = "pressure (PSI)";
    match sight.pressure {
        true => good(item, "measured"),
        false => limited(item, "not measured; reports are without it", "boot with psi=1"),
    }
}
