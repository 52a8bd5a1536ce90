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
use crate::spec::{Isolation, Profile};
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
    /// Whether no call may set a set-user-id or set-group-id bit: the job can write to the host's files.
    pub guarded: bool,
}

/// The filter of a job behind these walls, with these mounts, on a kernel of this version.
///
/// # Errors
/// When the caller's own rules make a longer program than the kernel takes.
pub fn of(walls: &Isolation, entries: &[Entry], root: &RootFs, kernel: (u32, u32)) -> Result<Filter, Refusal> {
    let guarded = can_write(entries, root);
    let Some(rules) = &walls.seccomp else { return Ok(shipped(walls.profile, guarded).clone()) };
    let filter = compiled(custom::of(rules, kernel), guarded);
    if filter.program.len() > program::MOST_INSTRUCTIONS {
        return Err(Refusal {
            field: "--seccomp".to_owned(),
            value: format!("{} instructions", filter.program.len()),
            problem: format!("the kernel takes a filter of {} at most", program::MOST_INSTRUCTIONS),
            remedy: "leave out rules that look at arguments".to_owned(),
        });
    }
    Ok(filter)
}

/// The filter of a shipped profile, made when it is first asked for.
fn shipped(profile: Profile, guarded: bool) -> &'static Filter {
    static MADE: [[OnceLock<Filter>; 2]; Profile::ALL.len()] =
        [const { [const { OnceLock::new() }; 2] }; Profile::ALL.len()];
    MADE[profile as usize][usize::from(guarded)].get_or_init(|| compiled(rules::of(profile), guarded))
}

/// The filter of every cell's PID 1, made when it is first asked for.
pub fn of_init() -> &'static [Instruction] {
    static MADE: OnceLock<Vec<Instruction>> = OnceLock::new();
    MADE.get_or_init(|| program::of(&rules::init()))
}

/// The program of a policy, with the guard of the host's files where one is needed.
fn compiled(mut policy: Policy, guarded: bool) -> Filter {
    if guarded {
        rules::guard(&mut policy);
    }
    Filter { program: program::of(&policy), allowed: policy.allowed(), guarded }
}

/// Whether the job can write to anything of the host's.
fn can_write(entries: &[Entry], root: &RootFs) -> bool {
    let tree = matches!(root, RootFs::Tree(source) if source.writable);
    tree || entries.iter().any(|entry| entry.what.source().is_some_and(|source| source.writable))
}

#[cfg(test)]
mod tests;
