//! PURE: what the target is executed with: files to try, arguments, environment, resource limits.

use super::host::{Controller, Host};
use crate::spec::{JobSpec, Limits, Resource, RlimitValue};
use init_shim::wire::Rlimit;
use std::os::unix::ffi::OsStrExt;

/// Where a program is looked for when the job's environment has no PATH: as execvp(3), without the current directory.
const PATH_WITHOUT_PATH: &[u8] = b"/bin:/usr/bin";
/// Directories of PATH that are tried at most; each is one execve(2).
const PATH_MOST_ENTRIES: usize = 64;

/// The files to try to execute, in order: as execvp(3), but an empty entry of PATH is nothing, not the current directory.
pub fn programs(spec: &JobSpec) -> Vec<Vec<u8>> {
    let program = spec.argv()[0].as_bytes();
    if program.contains(&b'/') {
        return vec![program.to_vec()];
    }
    let path = spec.env().get("PATH").map_or(PATH_WITHOUT_PATH, |path| path.as_bytes());
    let found: Vec<Vec<u8>> = path
        .split(|b| *b == b':')
        .filter(|directory| !directory.is_empty())
        .take(PATH_MOST_ENTRIES)
        .map(|directory| [directory, b"/", program].concat())
        .collect();
    // With an empty PATH nothing is found, and the error still names the program.
    if found.is_empty() { vec![[b"/", program].concat()] } else { found }
}

/// argv as bytes.
pub fn argv(spec: &JobSpec) -> Vec<Vec<u8>> {
    spec.argv().iter().map(|arg| arg.as_bytes().to_vec()).collect()
}

/// envp as bytes.
pub fn env(spec: &JobSpec) -> Vec<Vec<u8>> {
    spec.env().iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()).collect()
}

/// RLIM_INFINITY.
const NO_LIMIT: u64 = u64::MAX;

/// Every resource of setrlimit(2), so that nothing is inherited from the caller: ironcell's values, then the ask's.
pub fn rlimits(limits: &Limits, host: &Host) -> Vec<Rlimit> {
    let counted = host.hierarchy.controllers.contains(&Controller::Pids);
    let house = |resource| match resource {
        // 1 byte and not 0: a piped core_pattern runs its handler as the host's root also at 0 (core(5)).
        Resource::Core => (1, 1),
        // The soft limit is what select(2) can bear, the hard one what systemd gives.
        Resource::Nofile => (1024, 524_288),
        Resource::Stack => (8 << 20, NO_LIMIT),
        Resource::Memlock => (8 << 20, 8 << 20),
        // The kernel's default (mq_overview(7)).
        Resource::Msgqueue => (819_200, 819_200),
        Resource::Sigpending => (4096, 4096),
        Resource::Nice | Resource::Rtprio => (0, 0),
        // pids.max counts what this would; where there is none, the job's own host user id is counted.
        Resource::Nproc if !counted => (u64::from(super::DEFAULT_PIDS_MAX), u64::from(super::DEFAULT_PIDS_MAX)),
        _ => (NO_LIMIT, NO_LIMIT),
    };
    Resource::ALL
        .iter()
        .map(|resource| {
            let asked = limits.rlimits.iter().rev().find(|limit| limit.resource == *resource);
            let (soft, hard) = asked.map_or_else(|| house(*resource), |limit| (number(limit.soft), number(limit.hard)));
            Rlimit { resource: *resource as u32, soft, hard, exact: asked.is_some() }
        })
        .collect()
}

/// The kernel's number for a value.
fn number(value: RlimitValue) -> u64 {
    match value {
        RlimitValue::Is(value) => value,
        RlimitValue::Unlimited => NO_LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Env, EnvName};
    use std::ffi::OsStr;

    fn with_path(program: &str, path: &str) -> Vec<String> {
        let mut env = Env::default();
        env.set(EnvName::new(OsStr::new("PATH")).expect("a name"), OsStr::new(path)).expect("set");
        let spec = JobSpec::command(program).env(env).build().expect("a spec");
        programs(&spec).into_iter().map(|path| String::from_utf8(path).expect("text")).collect()
    }

    #[test]
    fn a_program_with_a_slash_is_taken_as_it_is() {
        assert_eq!(with_path("./a", "/bin"), ["./a"]);
    }

    #[test]
    fn a_bare_name_is_looked_for_in_each_directory_of_path() {
        assert_eq!(with_path("a", "/x:/y"), ["/x/a", "/y/a"]);
    }

    #[test]
    fn an_empty_entry_of_path_is_not_the_current_directory() {
        assert_eq!(with_path("a", ":/y:"), ["/y/a"]);
        assert_eq!(with_path("a", ""), ["/a"]);
    }
}
