//! Asks systemd for a scope of our own with delegation: where systemd manages the hierarchy, only what it hands over
//! may be written to (systemd's CGROUP_DELEGATION.md, "Three Different Trees").

use super::hierarchy::{Who, name_of};
use super::wait::Tries;
use crate::os::{Doing, OsError};
use crate::spec::JobId;
use rustix::io::Errno;
use std::time::Duration;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedObjectPath, Value};

/// Fixed: an address from the environment would let whoever started us answer in systemd's name.
const BUS: &str = "/run/dbus/system_bus_socket";
/// How long one answer may take: systemd answers in milliseconds, or is reloading, which takes seconds on large hosts.
const ANSWER_MOST: Duration = Duration::from_secs(10);
/// How long the scope's job may take after it was accepted.
const JOB_MOST: Duration = Duration::from_secs(10);
/// systemd's name on the bus.
const SYSTEMD: &str = "org.freedesktop.systemd1";
const REMEDY: &str = "start ironcell in a unit with Delegate=yes: systemd-run --scope -p Delegate=yes ironcell …";

/// Properties of a unit, as StartTransientUnit takes them.
type Properties<'v> = Vec<(&'static str, Value<'v>)>;

/// Moves these processes into a fresh scope, and waits until the first of them is in it.
pub(super) fn move_into_scope(all: &[Who]) -> Result<(), OsError> {
    let name = scope_name()?;
    let bus = Builder::address(format!("unix:path={BUS}").as_str())
        .map(|builder| builder.method_timeout(ANSWER_MOST))
        .and_then(Builder::build)
        .map_err(|error| failed("a connection", &error))?;
    let auxiliary: Vec<(&str, Properties<'_>)> = Vec::new();
    let body = (name.as_str(), "fail", properties(all), auxiliary);
    let manager = Some("org.freedesktop.systemd1.Manager");
    let job: OwnedObjectPath = bus
        .call_method(Some(SYSTEMD), "/org/freedesktop/systemd1", manager, "StartTransientUnit", &body)
        .and_then(|reply| reply.body().deserialize())
        .map_err(|error| failed(&format!("the scope {name}"), &error))?;
    await_job(&bus, &job)?;
    match all.first().map(|first| name_of(*first)).transpose()? {
        Some(own) if own.ends_with(&name) => Ok(()),
        _ => Err(not_moved(&name, Errno::SRCH, "its job ended and did not move us; its log may say why")),
    }
}

/// A name that no other run has, ever: a scope that failed keeps its name until it is reset.
fn scope_name() -> Result<String, OsError> {
    let id = JobId::of(crate::os::unix_millis(), crate::os::random()?);
    Ok(format!("ironcell-{}.scope", id.short()))
}

/// What makes the scope ours: delegation, our processes in it, no limit of systemd's own, and no trace when it ends.
fn properties(all: &[Who]) -> Properties<'static> {
    let number = |who: &Who| match who {
        Who::Ourselves => Some(std::process::id()),
        Who::Process(pid) => u32::try_from(*pid).ok(),
    };
    let mut pids: Vec<u32> = Vec::new();
    for pid in all.iter().filter_map(number).filter(|pid| *pid != 0) {
        if !pids.contains(&pid) {
            pids.push(pid);
        }
    }
    vec![
        ("Description", Value::from("ironcell: cells and their supervisor")),
        ("Slice", Value::from("system.slice")),
        ("Delegate", Value::from(true)),
        ("CollectMode", Value::from("inactive-or-failed")),
        // DefaultTasksMax would be a second pids.max that nobody asked for.
        ("TasksMax", Value::from(u64::MAX)),
        ("PIDs", Value::from(pids)),
    ]
}

/// Waits until systemd is done with the job: only then is the scope's set-up complete and are its processes in it.
fn await_job(bus: &Connection, job: &OwnedObjectPath) -> Result<(), OsError> {
    let mut tries = Tries::within(JOB_MOST);
    loop {
        let query = ("org.freedesktop.systemd1.Job", "State");
        let properties = "org.freedesktop.DBus.Properties";
        match bus.call_method(Some(SYSTEMD), job.as_str(), Some(properties), "Get", &query) {
            // A job that is done has no object any more.
            Err(zbus::Error::MethodError(..)) => return Ok(()),
            Err(error) => return Err(failed("the state of the scope", &error)),
            Ok(_) if tries.again() => {}
            Ok(_) => return Err(not_moved("of ironcell's", Errno::TIMEDOUT, "its job did not end")),
        }
    }
}

/// The scope was promised and did not come.
fn not_moved(name: &str, errno: Errno, said: &str) -> OsError {
    OsError::new(Doing::Wait, BUS, errno).value(format!("the scope {name}")).said(said).remedy(REMEDY)
}

/// What systemd or the bus said, with the number that fits best.
fn failed(what: &str, error: &zbus::Error) -> OsError {
    let errno = match error {
        zbus::Error::InputOutput(error) => error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error),
        zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.DBus.Error.AccessDenied" => {
            Errno::ACCESS
        }
        _ => Errno::PROTO,
    };
    OsError::new(Doing::Ask, BUS, errno).value(what).said(error.to_string()).remedy(REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_scopes_never_have_the_same_name() {
        let (one, two) = (scope_name().expect("a name"), scope_name().expect("a name"));
        assert_ne!(one, two);
        assert!(one.len() < 256 && one.ends_with(".scope"));
    }

    #[test]
    fn each_process_is_named_once() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        let all = properties(&[Who::Ourselves, Who::Process(own), Who::Process(7), Who::Process(0), Who::Process(-3)]);
        let pids = all.iter().find(|(name, _)| *name == "PIDs").map(|(_, value)| value.to_string());
        assert_eq!(pids, Some(Value::from(vec![std::process::id(), 7]).to_string()));
    }
}
