//! A job's description on the wire: its fields are the keys of a description in JSON, and go through the reader of those.

use crate::rpc::proto::{self, mount, stdin};
use crate::spec::{JobSpec, OnDrop, SpecError, Stdio};
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStringExt;

/// Does something for each key that is one text.
macro_rules! texts {
    ($do:ident) => {
        $do!(
            memory,
            memory_high,
            swap,
            cpus,
            cpu_weight,
            cpuset,
            io_weight,
            pids,
            time,
            cpu_time,
            idle,
            grace,
            net,
            profile,
            env_from,
            hostname,
            user,
            name,
            output_limit,
            terminal,
            log_max,
            spool,
            restart,
            restart_count,
            restart_delay,
            restart_min_uptime,
            nice
        )
    };
}

/// The keys that are limits of a running job.
const LIMITS: [&str; 10] =
    ["memory", "memory_high", "swap", "cpus", "cpu_weight", "cpuset", "io_max", "io_weight", "pids", "cgroup"];

/// What is asked for.
#[derive(Debug)]
pub struct Asked {
    /// The job.
    pub spec: JobSpec,
    /// What it reads.
    pub stdin: Stdio,
}

/// Reads a description; `spool` is what a log keeps in files when nothing is said.
///
/// # Errors
/// Names the first field that has no meaning.
pub fn asked(spec: proto::JobSpec, on_drop: OnDrop, spool: Option<&str>) -> Result<Asked, SpecError> {
    let stdin = match spec.stdin.as_ref().and_then(|stdin| stdin.from.clone()) {
        Some(stdin::From::Pipe(true)) => Stdio::Pipe,
        Some(stdin::From::Bytes(bytes)) => Stdio::Bytes(bytes),
        Some(stdin::From::Pipe(false)) | None => Stdio::Null,
    };
    let mut members = members(spec)?;
    members.insert("on_drop".to_owned(), on_drop.word().into());
    // Not where the daemon is: what is there is nobody's business.
    members.entry("cwd").or_insert_with(|| "/".into());
    if let Some(spool) = spool {
        members.entry("spool").or_insert_with(|| spool.into());
    }
    read(members).map(|spec| Asked { spec, stdin })
}

/// Reads the limits of an update, those that the mask names or those that are set, as a job that has nothing else.
///
/// # Errors
/// Names the first that is no limit of a running job, or has no meaning.
pub fn limits_asked(spec: proto::JobSpec, mask: &[String]) -> Result<JobSpec, SpecError> {
    let mut members = members(spec)?;
    for field in mask {
        let known = LIMITS.contains(&field.as_str());
        let problem = if known { "it is named and not set" } else { "it cannot be changed while the job runs" };
        if !known || !members.contains_key(field) {
            return Err(SpecError::new(
                "update_mask",
                field,
                problem,
                format!("name and set one of {}", LIMITS.join(", ")),
            ));
        }
    }
    if !mask.is_empty() {
        members.retain(|key, _| mask.contains(key));
    }
    if let Some((key, value)) = members.iter().find(|(key, _)| !LIMITS.contains(&key.as_str())) {
        let problem = "it cannot be changed while the job runs";
        return Err(SpecError::new(key, value.to_string(), problem, format!("change one of {}", LIMITS.join(", "))));
    }
    if members.is_empty() {
        return Err(SpecError::new("spec", "", "no limit is set", format!("set one of {}", LIMITS.join(", "))));
    }
    // A description has a program; this one is not run.
    members.insert("argv".to_owned(), json!(["/"]));
    read(members)
}

fn read(members: Map<String, Value>) -> Result<JobSpec, SpecError> {
    // The place of every key is its name: there is no file.
    let plain = |error: SpecError| {
        let field = error.field.strip_prefix("JSON: ").unwrap_or(&error.field).to_owned();
        SpecError { field, ..error }
    };
    JobSpec::from_json(&Value::Object(members).to_string()).map_err(plain)
}

/// What is set, as the members of a description in JSON.
fn members(spec: proto::JobSpec) -> Result<Map<String, Value>, SpecError> {
    let mut members = Map::new();
    let mut set = |key: &str, value: Value| {
        let said = match &value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(items) => !items.is_empty(),
            Value::Bool(on) => *on,
            _ => true,
        };
        if said {
            members.insert(key.to_owned(), value);
        }
    };
    macro_rules! set_texts {
        ($($key:ident),*) => { $(set(stringify!($key), spec.$key.into());)* };
    }
    texts!(set_texts);
    for (key, list) in [("argv", spec.argv), ("io_max", spec.io_max), ("env", spec.env)] {
        set(key, list.into_iter().map(any).collect());
    }
    for (key, table) in [("rlimit", spec.rlimit), ("cgroup", spec.cgroup), ("label", spec.label)] {
        set(key, table.into_iter().map(|(name, value)| (name, Value::from(value))).collect::<Map<_, _>>().into());
    }
    for (key, bytes) in [
        ("rootfs", spec.rootfs),
        ("cwd", spec.cwd),
        ("log_file", spec.log_file),
        ("log_dir", spec.log_dir),
        ("cgroup_parent", spec.cgroup_parent),
    ] {
        set(key, any(bytes));
    }
    set("rootfs_rw", spec.rootfs_rw.into());
    set("spool_keep", spec.spool_keep.into());
    set("mounts", spec.mounts.into_iter().map(mounted).collect::<Result<Vec<_>, _>>()?.into());
    set("seccomp", rules(&spec.seccomp)?);
    if let Some(shell) = spec.shell {
        let mut line = json!({ "script": any(shell.script) });
        if !shell.program.is_empty() {
            line["program"] = any(shell.program);
        }
        set("shell", line);
    }
    Ok(members)
}

/// Any bytes, as a description has them.
fn any(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(
        |error| {
            let digits = error.as_bytes().iter().fold(String::new(), |mut digits, byte| {
                // Writing to a String cannot fail.
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            json!({ "hex": digits })
        },
        Value::from,
    )
}

fn mounted(mount: proto::Mount) -> Result<Value, SpecError> {
    match mount.mount {
        Some(mount::Mount::Ro(bytes)) => Ok(json!({ "ro": any(bytes) })),
        Some(mount::Mount::Rw(bytes)) => Ok(json!({ "rw": any(bytes) })),
        Some(mount::Mount::Tmpfs(bytes)) => Ok(json!({ "tmpfs": any(bytes) })),
        None => Err(SpecError::new("mounts", "", "a mount says nothing", "set ro, rw or tmpfs")),
    }
}

/// The rules themselves: the wire names no file of the daemon's.
fn rules(text: &str) -> Result<Value, SpecError> {
    if text.is_empty() {
        return Ok("".into());
    }
    let refuse =
        |problem: String| SpecError::new("seccomp", text, problem, "write the JSON of a seccomp profile of Docker's");
    match serde_json::from_str(text) {
        Ok(Value::Object(rules)) => Ok(rules.into()),
        Ok(_) => Err(refuse("it is no object".to_owned())),
        Err(error) => Err(refuse(error.to_string())),
    }
}

/// A description for the wire, and what the job is to read. What has no meaning there is left out: what becomes of the job
/// without its owner is the daemon's, and nobody waits for a sink.
pub fn described(spec: &JobSpec, stdin: Option<stdin::From>) -> proto::JobSpec {
    let mut wire = proto::JobSpec { stdin: stdin.map(|from| proto::Stdin { from: Some(from) }), ..Default::default() };
    // What we have written ourselves is an object.
    let Ok(Value::Object(mut members)) = serde_json::from_str(&spec.to_json()) else { return wire };
    macro_rules! take_texts {
        ($($key:ident),*) => { $(wire.$key = text(members.remove(stringify!($key)));)* };
    }
    texts!(take_texts);
    for (key, list) in [("argv", &mut wire.argv), ("io_max", &mut wire.io_max), ("env", &mut wire.env)] {
        *list = items(members.remove(key)).map(bytes).collect();
    }
    for (key, table) in [("rlimit", &mut wire.rlimit), ("cgroup", &mut wire.cgroup), ("label", &mut wire.label)] {
        let pair = |item: Value| item.as_str()?.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        *table = items(members.remove(key)).filter_map(pair).collect();
    }
    let paths = [
        ("rootfs", &mut wire.rootfs),
        ("cwd", &mut wire.cwd),
        ("log_file", &mut wire.log_file),
        ("log_dir", &mut wire.log_dir),
        ("cgroup_parent", &mut wire.cgroup_parent),
    ];
    for (key, path) in paths {
        *path = members.remove(key).map(bytes).unwrap_or_default();
    }
    wire.rootfs_rw = members.contains_key("rootfs_rw");
    wire.spool_keep = members.contains_key("spool_keep");
    wire.mounts = items(members.remove("mounts")).filter_map(mount_of).collect();
    wire.seccomp = members.remove("seccomp").map(|rules| rules.to_string()).unwrap_or_default();
    wire
}

fn text(value: Option<Value>) -> String {
    match value {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn items(value: Option<Value>) -> impl Iterator<Item = Value> {
    match value {
        Some(Value::Array(items)) => items.into_iter(),
        _ => Vec::new().into_iter(),
    }
}

fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        other => {
            let digits = other["hex"].as_str().unwrap_or_default().as_bytes();
            let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            digits.chunks(2).filter_map(pair).collect()
        }
    }
}

fn mount_of(item: Value) -> Option<proto::Mount> {
    let Value::Object(members) = item else { return None };
    let (kind, value) = members.into_iter().next()?;
    let value = bytes(value);
    let mount = match kind.as_str() {
        "ro" => mount::Mount::Ro(value),
        "rw" => mount::Mount::Rw(value),
        _ => mount::Mount::Tmpfs(value),
    };
    Some(proto::Mount { mount: Some(mount) })
}

/// Words of the wire as a program's arguments.
pub(super) fn words(argv: &[Vec<u8>]) -> Vec<OsString> {
    argv.iter().cloned().map(OsString::from_vec).collect()
}

#[cfg(test)]
mod tests;
