//! PURE: the system call filter of a job: from its profile, or its caller's own rules, to the program for the kernel.
//!
//! `calls` and `rules` say what a profile lets pass, `custom` reads the caller's rules, `policy` is what both come to, and
//! `program` is that for the kernel. A profile's program is made once, whatever the number of jobs.

mod calls;
mod custom;
mod policy;
mod program;
mod rules;

use super::Refusal;
use crate::spec::{JobSpec, Profile, Resource};
use init_shim::wire::{Entry, Instruction, RootFs};
use policy::Policy;
use std::sync::OnceLock;

/// The filter of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The program, never empty.
    pub program: Vec<Instruction>,
    /// How many calls it lets pass, with the right arguments.
    pub allowed: usize,
}

/// Walls that stand in every filter, the caller's own included, where there is something to guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guards {
    /// No call may set a set-user-id or set-group-id bit: the job can write to the host's files.
    set_id: bool,
    /// The limit of core files stays as it is, unless the ask has one of its own.
    core: bool,
}

/// The filter of a job with these mounts, on a kernel of this version.
///
/// # Errors
/// When the caller's own rules do not let the command start, or make a longer program than the kernel takes.
pub fn of(spec: &JobSpec, entries: &[Entry], root: &RootFs, kernel: (u32, u32)) -> Result<Filter, Refusal> {
    let asked = spec.limits().rlimits.iter().any(|limit| limit.resource == Resource::Core);
    let guards = Guards { set_id: can_write(entries, root), core: !asked };
    let walls = spec.isolation();
    let Some(rules) = &walls.seccomp else { return Ok(shipped(walls.profile, guards).clone()) };
    let policy = custom::of(rules, kernel);
    starts(&policy)?;
    let filter = compiled(policy, guards);
    if filter.program.len() > program::MOST_INSTRUCTIONS {
        return Err(refusal(
            format!("{} instructions", filter.program.len()),
            format!("the kernel takes a filter of {} at most", program::MOST_INSTRUCTIONS),
            "leave out rules that look at arguments",
        ));
    }
    Ok(filter)
}

/// What the shim calls behind the filter: the start of the command, and, should that fail, why it was not there, the word
/// of it, and the end.
const TO_START: [&str; 4] = ["execve", "newfstatat", "write", "exit_group"];

/// Whether the command can be started at all, and a failure be told, under the caller's own rules.
fn starts(policy: &Policy) -> Result<(), Refusal> {
    let lacks = |name: &&&str| calls::number(name).is_some_and(|number| !policy.always_allows(number));
    match TO_START.iter().find(lacks) {
        None => Ok(()),
        Some(name) => Err(refusal(
            (*name).to_string(),
            "the rules do not allow this call in every case, and without it no command can be started".to_owned(),
            "allow execve, newfstatat, write and exit_group",
        )),
    }
}

fn refusal(value: String, problem: String, remedy: &str) -> Refusal {
    Refusal { field: "--seccomp".to_owned(), value, problem, remedy: remedy.to_owned() }
}

/// The filter of a shipped profile, made when it is first asked for.
fn shipped(profile: Profile, guards: Guards) -> &'static Filter {
    const WAYS: usize = 4;
    static MADE: [[OnceLock<Filter>; WAYS]; Profile::ALL.len()] =
        [const { [const { OnceLock::new() }; WAYS] }; Profile::ALL.len()];
    let way = usize::from(guards.set_id) + 2 * usize::from(guards.core);
    MADE[profile as usize][way].get_or_init(|| compiled(rules::of(profile), guards))
}

/// The filter of every cell's PID 1, made when it is first asked for.
pub fn of_init() -> &'static [Instruction] {
    static MADE: OnceLock<Vec<Instruction>> = OnceLock::new();
    MADE.get_or_init(|| program::of(&rules::init()))
}

/// The program of a policy with its guards.
fn compiled(mut policy: Policy, guards: Guards) -> Filter {
    if guards.set_id {
        rules::guard(&mut policy);
    }
    if guards.core {
        rules::keep_core_limit(&mut policy);
    }
    Filter { program: program::of(&policy), allowed: policy.allowed(calls::all()) }
}

/// Whether the job can write to anything of the host's.
fn can_write(entries: &[Entry], root: &RootFs) -> bool {
    let tree = matches!(root, RootFs::Tree(source) if source.writable);
    tree || entries.iter().any(|entry| entry.what.source().is_some_and(|source| source.writable))
}

#[cfg(test)]
mod tests;
