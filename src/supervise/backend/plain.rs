//! The backend `plain`: what it refuses, since only a cell can do it, and how its failures are told.

use crate::life::{Refused, StartFailure};
use crate::os::plain::{Plain, PlainError};
use crate::os::stdio::Theirs;
use crate::plan::{Lacking, Refusal, Relaxed, Walls};
use crate::spec::{Isolation, JobSpec, Limits};
use crate::supervise::Error;
use init_shim::step::Step;
use std::io;

/// Its name.
pub const NAME: &str = "plain";
/// SIGKILL.
pub const KILL: u8 = 9;

/// Refuses whatever takes a cell.
///
/// # Errors
/// Names the first field.
pub fn check(spec: &JobSpec) -> Result<(), Refusal> {
    let others = [
        (spec.cpu_time().is_some(), "--cpu-time"),
        (spec.idle().is_some(), "--idle"),
        (spec.terminal().is_some(), "--terminal"),
        (spec.nice().is_some(), "--nice"),
    ];
    let asked = limits(spec.limits()).into_iter().chain(walls_asked(spec.isolation())).chain(others);
    let mut asked = asked.filter_map(|(asked, field)| asked.then_some(field));
    asked.next().map_or(Ok(()), |field| Err(refusal(NAME, field)))
}

/// Which limits were asked for.
fn limits(limits: &Limits) -> [(bool, &'static str); 11] {
    // Whole, so that a limit that is added is not forgotten here.
    let Limits {
        memory_max,
        memory_high,
        memory_swap_max,
        cpu_max,
        cpu_weight,
        cpuset_cpus,
        io_max,
        io_weight,
        pids_max,
        rlimits,
        cgroup_files,
    } = limits;
    [
        (memory_max.is_some(), "--memory"),
        (memory_high.is_some(), "--memory-high"),
        (memory_swap_max.is_some(), "--swap"),
        (cpu_max.is_some(), "--cpus"),
        (cpu_weight.is_some(), "--cpu-weight"),
        (cpuset_cpus.is_some(), "--cpuset"),
        (!io_max.is_empty(), "--io-max"),
        (io_weight.is_some(), "--io-weight"),
        (pids_max.is_some(), "--pids"),
        (!rlimits.is_empty(), "--rlimit"),
        (!cgroup_files.is_empty(), "--cgroup"),
    ]
}

/// Which parts of the walls are not as they are without an ask.
fn walls_asked(asked: &Isolation) -> [(bool, &'static str); 7] {
    let Isolation { root, mounts, net, hostname, user, profile, seccomp } = Isolation::default();
    [
        (asked.root != root, "--rootfs"),
        (asked.mounts != mounts, "--ro, --rw or --tmpfs"),
        (asked.net != net, "--net"),
        (asked.hostname != hostname, "--hostname"),
        (asked.user != user, "--user"),
        (asked.profile != profile, "--profile"),
        (asked.seccomp != seccomp, "--seccomp"),
    ]
}

/// A field that a backend cannot enforce.
pub fn refusal(backend: &str, field: &str) -> Refusal {
    Refusal {
        field: field.to_owned(),
        value: "as asked for".to_owned(),
        problem: format!("the backend {backend} makes no cell"),
        remedy: "leave it out, or open the supervisor with `Supervisor::open`".to_owned(),
    }
}

/// A verb that takes a cell.
pub fn unsupported(what: &'static str) -> Error {
    Error::Unsupported { backend: NAME, what }
}

/// What stands around a job that runs in no cell.
pub fn walls(backend: &'static str) -> Walls {
    Walls {
        profile: backend,
        lacking: vec![Lacking::Landlock, Lacking::OomScore],
        relaxed: vec![Relaxed {
            flag: format!("the backend {backend}"),
            means: "no cell: no namespace, no cgroup, no filter of system calls; nothing is protected",
        }],
        ..Walls::default()
    }
}

/// Starts a process.
///
/// # Errors
/// In the words of a cell, as far as there are any: which program, and why not.
pub fn start(spec: &JobSpec, theirs: Theirs) -> Result<Plain, Error> {
    Plain::start(spec, theirs).map_err(|error| match error {
        PlainError::Os(error) => Error::Os(error),
        PlainError::Exec(error) => {
            let program = spec.argv().first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
            let refused = match error.kind() {
                io::ErrorKind::NotFound => Refused::NotFound,
                _ => Refused::NotExecutable,
            };
            Error::Start(StartFailure {
                step: Step::Exec as u16,
                name: Step::Exec.name(),
                errno: error.raw_os_error().unwrap_or_default(),
                message: format!("{program} cannot be executed, or its directory not entered: {error}"),
                refused,
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{JobSpecBuilder, Net, PidsLimit, Window};
    use std::time::Duration;

    fn refused(change: impl FnOnce(JobSpecBuilder) -> JobSpecBuilder) -> Option<String> {
        let spec = change(JobSpec::command("true")).build().expect("a spec");
        check(&spec).err().map(|refusal| refusal.field)
    }

    #[test]
    fn what_takes_a_cell_is_refused_by_its_name_and_nothing_else_is() {
        let limits = Limits { pids_max: Some(PidsLimit::Max), ..Limits::default() };
        assert_eq!(refused(|job| job.limits(limits)).as_deref(), Some("--pids"));
        let isolation = Isolation { net: Net::Host, ..Isolation::default() };
        assert_eq!(refused(|job| job.isolation(isolation)).as_deref(), Some("--net"));
        assert_eq!(refused(|job| job.idle(Duration::from_secs(1))).as_deref(), Some("--idle"));
        assert_eq!(refused(|job| job.terminal(Window { rows: 24, columns: 80 })).as_deref(), Some("--terminal"));
        assert_eq!(refused(|job| job.time(Duration::from_secs(1)).output_limit(1).cwd("/").arg("x")), None);
    }
}
