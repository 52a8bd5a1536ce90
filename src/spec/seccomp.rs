//! Which system calls a job may make: a profile that is shipped, or rules of the caller's own in Docker's format.

use super::SpecError;
use serde::{Deserialize, Serialize};

/// How much of the kernel a job can reach. seccomp(2), kernel 3.17; proc(5), sysfs(5).
///
/// Every profile refuses what it does not name, ends a process that calls by another architecture's numbers, and has no
/// way to namespaces, mounts, keyrings, BPF, `io_uring` or modules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// What a program that only computes and writes its answer needs: no sockets but pairs, no locks on files, no
    /// inotify, no IPC; at most 120 calls.
    Strict,
    /// What ordinary programs need; at most 250 calls.
    #[default]
    Default,
    /// The default, and what compilers, debuggers and test suites need: tracing of the job's own processes, asynchronous
    /// I/O, a choice of the memory node, memory that is not placed at random.
    Build,
    /// As `build`, with the whole of `/proc` and `/sys`, masked as Docker does: for programs that look at the machine.
    Compat,
}

impl Profile {
    /// All of them, from the narrowest.
    pub const ALL: [Self; 4] = [Self::Strict, Self::Default, Self::Build, Self::Compat];

    /// The word for it in flags and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Default => "default",
            Self::Build => "build",
            Self::Compat => "compat",
        }
    }
}

/// Rules of the caller's own, as in the JSON files that Docker and Podman read with `--security-opt seccomp=FILE`: they
/// take the place of the profile's calls. Members without a meaning here are refused by name.
///
/// Other architectures than the machine's own are never let in, whatever `architectures` and `archMap` say. Entries that
/// are there for capabilities (`includes.caps`) never apply, since a job has none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeccompRules {
    /// What happens to a call that no entry names.
    pub default_action: SeccompAction,
    /// The error number of a default action `SCMP_ACT_ERRNO`; EPERM unless given.
    #[serde(default)]
    pub default_errno_ret: Option<u16>,
    /// The same by name, as Podman writes it beside the number; without effect of its own.
    #[serde(default)]
    default_errno: Option<String>,
    /// Without effect: see above.
    #[serde(default)]
    architectures: Option<Vec<String>>,
    /// Without effect: see above.
    #[serde(default)]
    arch_map: Option<Vec<ArchMap>>,
    /// The entries. One without `args` decides for its calls alone; of several with `args` the first that fits.
    #[serde(default)]
    pub syscalls: Vec<SeccompEntry>,
}

/// An architecture and those that a kernel of it can also run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "read so that a file of Docker's is understood, and without effect")]
struct ArchMap {
    architecture: String,
    #[serde(default)]
    sub_architectures: Option<Vec<String>>,
}

/// What happens to some calls.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeccompEntry {
    /// The calls, by the kernel's names; one that this machine does not have is passed over.
    pub names: Vec<String>,
    /// What happens to them.
    pub action: SeccompAction,
    /// The error number of an action `SCMP_ACT_ERRNO`; EPERM unless given.
    #[serde(default)]
    pub errno_ret: Option<u16>,
    /// The same by name, as Podman writes it beside the number; without effect of its own.
    #[serde(default)]
    errno: Option<String>,
    /// All must hold; when two look at the same argument, one of all is enough, as with runc.
    #[serde(default)]
    pub args: Option<Vec<SeccompArg>>,
    /// For people.
    #[serde(default)]
    comment: Option<String>,
    /// When the entry applies.
    #[serde(default)]
    pub includes: SeccompWhere,
    /// When it does not.
    #[serde(default)]
    pub excludes: SeccompWhere,
}

/// Where an entry applies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeccompWhere {
    /// For a job with one of these capabilities.
    #[serde(default)]
    pub caps: Option<Vec<String>>,
    /// On one of these architectures, by Go's names.
    #[serde(default)]
    pub arches: Option<Vec<String>>,
    /// From this kernel on: `4.8`.
    #[serde(default)]
    pub min_kernel: Option<String>,
}

/// What happens to a call; the names are libseccomp's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum SeccompAction {
    /// It is made.
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
    /// It is made, and told in the host's audit log.
    #[serde(rename = "SCMP_ACT_LOG")]
    Log,
    /// It fails with an error number.
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Errno,
    /// The process gets SIGSYS.
    #[serde(rename = "SCMP_ACT_TRAP")]
    Trap,
    /// The thread ends.
    #[serde(rename = "SCMP_ACT_KILL_THREAD", alias = "SCMP_ACT_KILL")]
    KillThread,
    /// The process ends, as by SIGSYS.
    #[serde(rename = "SCMP_ACT_KILL_PROCESS")]
    KillProcess,
}

/// A look at one argument of a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeccompArg {
    /// Which: 0 to 5.
    pub index: u32,
    /// What it is compared with; the mask of a masked comparison.
    pub value: u64,
    /// What a masked argument is compared with.
    #[serde(default)]
    pub value_two: u64,
    /// How.
    pub op: SeccompOperator,
}

/// How an argument is compared, all 64 bits of it, without sign; the names are libseccomp's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[allow(missing_docs, reason = "seccomp_rule_add(3) documents each under this very name")]
pub enum SeccompOperator {
    #[serde(rename = "SCMP_CMP_NE")]
    Ne,
    #[serde(rename = "SCMP_CMP_LT")]
    Lt,
    #[serde(rename = "SCMP_CMP_LE")]
    Le,
    #[serde(rename = "SCMP_CMP_EQ")]
    Eq,
    #[serde(rename = "SCMP_CMP_GE")]
    Ge,
    #[serde(rename = "SCMP_CMP_GT")]
    Gt,
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEq,
}

impl SeccompRules {
    /// Entries of a file at most: Docker's own has about 30.
    pub const MOST_ENTRIES: usize = 4096;
    /// Names and looks at arguments in all: as many as fit into the kernel's longest filter (BPF_MAXINSNS, 4096).
    pub const MOST_ITEMS: usize = 16384;
    /// seccomp(2): the kernel cuts an error number to this.
    pub const MOST_ERRNO: u16 = 4095;

    /// Checks what the format alone does not say.
    ///
    /// # Errors
    /// Names what is out of its range, under the given field.
    pub fn checked(self, field: &str) -> Result<Self, SpecError> {
        let refuse =
            |value: String, problem: &str, expected: &str| Err(SpecError::new(field, value, problem, expected));
        let items: usize = self.syscalls.iter().map(|entry| entry.names.len() + entry.args().len()).sum();
        if self.syscalls.len() > Self::MOST_ENTRIES || items > Self::MOST_ITEMS {
            return refuse(format!("{items} names and args"), "too many rules", "a filter has room for a few thousand");
        }
        let errnos = self.syscalls.iter().filter_map(|entry| entry.errno_ret).chain(self.default_errno_ret);
        if let Some(errno) = errnos.into_iter().find(|errno| *errno > Self::MOST_ERRNO) {
            return refuse(errno.to_string(), "not an error number", "write 0 to 4095");
        }
        let unnumbered = |name: &Option<String>, number: Option<u16>| name.clone().filter(|_| number.is_none());
        let by_name = self.syscalls.iter().find_map(|entry| unnumbered(&entry.errno, entry.errno_ret));
        if let Some(name) = by_name.or_else(|| unnumbered(&self.default_errno, self.default_errno_ret)) {
            return refuse(name, "an error by name alone", "give its number as errnoRet or defaultErrnoRet");
        }
        for entry in &self.syscalls {
            if let Some(arg) = entry.args().iter().find(|arg| arg.index > 5) {
                return refuse(format!("index {}", arg.index), "no call has that argument", "write 0 to 5");
            }
            for place in [&entry.includes, &entry.excludes] {
                if let Some(kernel) = place.min_kernel.as_ref().filter(|kernel| version(kernel).is_none()) {
                    return refuse(kernel.clone(), "not a kernel's version", "write minKernel as 5.10");
                }
            }
        }
        Ok(self)
    }
}

impl SeccompEntry {
    /// The looks at arguments.
    pub fn args(&self) -> &[SeccompArg] {
        self.args.as_deref().unwrap_or_default()
    }
}

impl SeccompWhere {
    /// The version in `min_kernel`.
    pub fn kernel(&self) -> Option<(u32, u32)> {
        self.min_kernel.as_deref().and_then(version)
    }
}

/// `MAJOR.MINOR` of a kernel.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
