//! Whether a job's description has a meaning: each part by itself, and what execve(2) takes as a whole.

use super::JobSpec;
use crate::spec::mounts::check_path_bytes;
use crate::spec::{Restart, RestartPolicy, SpecError, Store};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// MAX_ARG_STRLEN of execve(2): 32 pages, with the closing NUL.
const ARG_MOST_BYTES: usize = 128 * 1024 - 1;
/// Arguments and environment together: a quarter of the usual 8 MiB stack, as execve(2) allows.
const ARGS_MOST_BYTES: usize = 2 * 1024 * 1024;
/// The cgroup whose children are cells, below whichever it is.
pub const CELLS: &str = "ironcell";
/// A name or a label's key or value.
const LABEL_MOST_BYTES: usize = 128;
/// A log that keeps less would be given up while a pipe is read once or twice; one that keeps more is no work for memory, and
/// the memory is the supervising program's own.
const LOG_BYTES: RangeInclusive<u64> = 64 << 10..=1 << 30;

/// The kernel's MAX_NICE. Below 0 are privileges, which no job has.
pub(super) const NICE_MOST: u8 = 19;

/// A spool is cut into eight files, each of which has a few pieces of output at least; one that is larger is a slip of the pen.
const SPOOL_BYTES: RangeInclusive<u64> = 1 << 20..=1 << 40;

/// A program, and no NUL or overlong string that execve(2) would refuse or cut.
pub(super) fn argv(argv: &[OsString]) -> Result<(), SpecError> {
    if argv.first().is_none_or(|program| program.is_empty()) {
        return Err(SpecError::new("argv[0]", "", "there is no program", "name a program after --"));
    }
    for (index, arg) in argv.iter().enumerate() {
        let bytes = arg.as_bytes();
        if bytes.contains(&0) {
            return Err(SpecError::new(
                format!("argv[{index}]"),
                bytes,
                "it has a NUL byte",
                "an argument ends at the first NUL",
            ));
        }
        if bytes.len() > ARG_MOST_BYTES {
            let problem = format!("it has {} bytes, the kernel takes {ARG_MOST_BYTES} an argument", bytes.len());
            return Err(SpecError::new(
                format!("argv[{index}]"),
                bytes,
                problem,
                "pass long input by a file or standard input",
            ));
        }
    }
    Ok(())
}

/// What execve(2) counts: every string with its NUL and its pointer.
pub(super) fn exec_size(spec: &JobSpec) -> Result<(), SpecError> {
    let cost = |s: &OsStr| s.as_bytes().len() + 1 + size_of::<usize>();
    for (name, value) in spec.env.iter() {
        if name.len() + value.len() + 1 > ARG_MOST_BYTES {
            let field = format!("--env {}", name.to_string_lossy());
            return Err(SpecError::new(
                field,
                value.as_bytes(),
                "longer than the kernel takes",
                "pass long input by a file",
            ));
        }
    }
    let args: usize = spec.argv.iter().map(|arg| cost(arg)).sum();
    let env: usize = spec.env.iter().map(|(name, value)| cost(name) + 1 + value.len()).sum();
    if args + env > ARGS_MOST_BYTES {
        let problem = format!("arguments and environment have {} bytes, at most {ARGS_MOST_BYTES} fit", args + env);
        return Err(SpecError::new(
            "argv",
            format!("{} arguments", spec.argv.len()),
            problem,
            "pass long input by a file",
        ));
    }
    Ok(())
}

/// A path from the root of cgroup v2, and no other cell's: cells are not nested.
pub(super) fn cgroup_parent(path: Option<&Path>) -> Result<(), SpecError> {
    let Some(path) = path else { return Ok(()) };
    check_path_bytes("--cgroup-parent", path)?;
    let refused = |problem, expected| {
        Err(SpecError::new("--cgroup-parent", path.as_os_str().as_encoded_bytes(), problem, expected))
    };
    let mut parts = path.components();
    if parts.next() != Some(Component::RootDir) || !parts.clone().all(|part| matches!(part, Component::Normal(_))) {
        return refused(
            "not a path from the root of cgroup v2",
            "write it as /proc/PID/cgroup has it: /a.slice/b.service",
        );
    }
    if parts.clone().next().is_none() {
        return refused("the root is nobody's", "leave it out");
    }
    if parts.any(|part| part.as_os_str() == CELLS) {
        return refused("a cell, or the place of cells", "name a cgroup that has none above it");
    }
    Ok(())
}

/// A policy that can be kept. One that never starts anything again is as by default.
pub(super) fn restart(spec: &mut JobSpec) -> Result<(), SpecError> {
    if spec.restart.when == Restart::Never {
        spec.restart = RestartPolicy::default();
        return Ok(());
    }
    if spec.terminal.is_some() {
        let problem = "the job has a terminal, which goes with its first run";
        let expected = "leave one of the two out";
        return Err(SpecError::new("--restart", spec.restart.when.word(), problem, expected));
    }
    spec.restart.check()
}

/// What setpriority(2) takes without privilege.
pub(super) fn nice(nice: Option<u8>) -> Result<(), SpecError> {
    match nice {
        Some(nice) if nice > NICE_MOST => {
            let expected = format!("write 0 to {NICE_MOST}");
            Err(SpecError::new("--nice", nice.to_string(), "nobody is that nice", expected))
        }
        _ => Ok(()),
    }
}

/// No time is nothing: a job could not even begin.
pub(super) fn times(spec: &JobSpec) -> Result<(), SpecError> {
    for (field, time) in [("--time", spec.time), ("--cpu-time", spec.cpu_time), ("--idle", spec.idle)] {
        if time.is_some_and(|time| time.is_zero()) {
            let expected = "write a duration, as 30s, or leave it out";
            return Err(SpecError::new(field, "0", "a job needs time to run", expected));
        }
    }
    Ok(())
}

/// Within what memory is for.
pub(super) fn log_max(bytes: u64) -> Result<(), SpecError> {
    if LOG_BYTES.contains(&bytes) {
        return Ok(());
    }
    let expected = format!("ask for {} to {} bytes", LOG_BYTES.start(), LOG_BYTES.end());
    Err(SpecError::new(
        "log_max",
        bytes.to_string(),
        "a log is kept in memory, and not in so much or so little",
        expected,
    ))
}

/// As much as a disk has, and not less than a few pieces of output.
pub(super) fn store(store: Store) -> Result<(), SpecError> {
    match store {
        Store::Spool { max, .. } if !SPOOL_BYTES.contains(&max) => {
            let expected = format!("ask for {} to {} bytes", SPOOL_BYTES.start(), SPOOL_BYTES.end());
            Err(SpecError::new("store", max.to_string(), "a spool is not so large or so small", expected))
        }
        Store::Spool { .. } | Store::Memory => Ok(()),
    }
}

/// One line of ordinary characters, so that a name is safe in any listing.
pub(super) fn name(name: Option<&str>) -> Result<(), SpecError> {
    name.map_or(Ok(()), |name| word("--name", name))
}

/// The same of any field that is a name.
pub(in crate::spec) fn word(field: &str, word: &str) -> Result<(), SpecError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:/@".contains(&b);
    if word.is_empty() || word.len() > LABEL_MOST_BYTES || !word.bytes().all(allowed) {
        let expected = format!("write 1 to {LABEL_MOST_BYTES} letters, digits or any of -_.:/@");
        return Err(SpecError::new(field, word, "not a name", expected));
    }
    Ok(())
}

/// Keys as names; values any one line.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> Result<(), SpecError> {
    for (key, value) in labels {
        name(Some(key)).map_err(|error| SpecError { field: format!("--label {key}"), ..error })?;
        if value.len() > LABEL_MOST_BYTES || value.chars().any(char::is_control) {
            let expected = format!("write one line of at most {LABEL_MOST_BYTES} bytes");
            return Err(SpecError::new(format!("--label {key}"), value, "not a label's value", expected));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Keep;

    #[test]
    fn a_parent_is_a_path_from_the_root_of_all_cgroups_and_no_cells() {
        let build = |path: &str| JobSpec::command("true").cgroup_parent(path).build();
        for good in ["/a", "/system.slice/ci.service", "/x:y/é"] {
            assert_eq!(build(good).expect(good).cgroup_parent(), Some(Path::new(good)));
        }
        for bad in ["", "a", "/", "//", "/a/../b", "/a\0", "/a/ironcell", "/a/ironcell/x", "/ironcell"] {
            assert_eq!(build(bad).expect_err(bad).field, "--cgroup-parent", "{bad:?}");
        }
    }

    #[test]
    fn a_spool_that_is_too_small_is_refused_with_its_range() {
        let build = |max| JobSpec::command("true").store(Store::Spool { max, keep: Keep::WithJob }).build();
        assert!(build(1 << 20).is_ok() && build(1 << 40).is_ok());
        for max in [0, (1 << 20) - 1, u64::MAX] {
            let error = build(max).expect_err("out of range");
            assert_eq!((error.field.as_str(), error.value), ("store", max.to_string()));
        }
    }

    #[test]
    fn a_log_that_memory_is_not_for_is_refused_with_its_range() {
        let build = |bytes| JobSpec::command("true").log_max(bytes).build().map(|spec| spec.log_max());
        assert_eq!(build(*LOG_BYTES.start()), Ok(64 << 10));
        assert_eq!(build(*LOG_BYTES.end()), Ok(1 << 30));
        assert_eq!(JobSpec::command("true").build().map(|spec| spec.log_max()), Ok(4 << 20));
        for bytes in [0, LOG_BYTES.start() - 1, LOG_BYTES.end() + 1, u64::MAX] {
            let error = build(bytes).expect_err("out of range");
            assert!(error.to_string().contains("log_max") && error.expected.contains("65536 to 1073741824"), "{error}");
        }
    }
}
