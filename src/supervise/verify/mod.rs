//! `ironcell verify`: a real cell is built as `ironcell run` would build it, and what it promises is attacked from inside.
//!
//! It goes in two parts, since the controls fork and the cell needs a runtime: [`Rehearsal::hold`] makes every attempt
//! outside, in a process with one thread; [`prove`] makes them inside and judges. What is tried stands in `os::attempt`,
//! what is promised in `promises`, and how the two become a verdict in `judge`.

mod cell;
mod checks;
mod exhaust;
mod expect;
mod judge;
mod mounts;
mod promises;
mod steps;

pub use judge::{Finding, Inside, Outside, Tried, Verdict};
pub use steps::{BUILDING, SHOWN, Shown};

use super::{Error, Supervisor};
use crate::os::attempt::{self, Attempt, Seen, Stage};
use crate::os::cgroup;
use crate::plan::Lacking;
use crate::spec::JobSpec;
use expect::Expect;
use std::ffi::OsString;

/// Becomes the probe inside of a cell, if these arguments ask for it, and gives its exit code. To be asked before anything
/// else: the probe tells of its process as the cell made it.
pub fn probe(args: impl IntoIterator<Item = OsString>) -> Option<u8> {
    attempt::enter(args)
}

/// Gives this process a session keyring of its own. To be asked before the keeper is forked: a cell that inherits it is
/// found by the key that is put into it.
///
/// # Errors
/// When the kernel has no room for a keyring.
pub fn set_keyring() -> Result<(), Error> {
    attempt::own_keyring().map_err(Error::Os)
}

/// What came of every attempt outside of any cell.
#[derive(Debug)]
pub struct Rehearsal {
    stage: Stage,
    controls: Vec<(&'static str, Seen)>,
    limits: exhaust::Controls,
}

impl Rehearsal {
    /// Makes every attempt outside. Only for a process with one thread.
    ///
    /// # Errors
    /// When what is aimed at cannot be set up, or there is no cgroup v2.
    pub fn hold(spec: &JobSpec) -> Result<Self, Error> {
        let stage = Stage::set(cgroup::discover()?.mount)?;
        let controls = attempt::controls(&stage);
        let limits = exhaust::Controls::hold(spec, stage.scene());
        Ok(Self { stage, controls, limits })
    }
}

/// Builds cells and judges what the probe in them tells. Every promise is told of once.
///
/// # Errors
/// As [`Supervisor::start`], for the first cell.
pub async fn prove(supervisor: &Supervisor, spec: &JobSpec, rehearsal: &Rehearsal) -> Result<Vec<Finding>, Error> {
    let told = cell::attempts(supervisor, spec, rehearsal.stage.scene()).await?;
    let outside = |name: &str| seen(&rehearsal.controls, name);
    let host_namespaces = match outside("namespaces") {
        Some(Seen::Facts(facts)) => facts,
        _ => Vec::new(),
    };
    let holds_oom_score = !told.plan.walls.lacking.contains(&Lacking::OomScore);
    let expect = Expect { order: told.plan.order, holds_oom_score, host_namespaces };
    let inside = |name: &str| seen(&told.seen, name);
    let mut findings: Vec<Finding> =
        promises::all().map(|promise| judge::finding(promise, spec, &expect, words, inside, outside)).collect();
    findings.push(exhaust::pids(supervisor, spec, &rehearsal.limits).await);
    findings.push(exhaust::memory(supervisor, spec, &rehearsal.limits).await);
    Ok(findings)
}

/// What was seen by the attempt of this name.
fn seen<N: AsRef<str>>(all: &[(N, Seen)], name: &str) -> Option<Seen> {
    all.iter().find(|(known, _)| known.as_ref() == name).map(|(_, seen)| seen.clone())
}

/// What an attempt tries, for people.
fn words(name: &str) -> &'static str {
    attempt::all().find(|attempt: &&Attempt| attempt.name == name).map_or("", |attempt| attempt.tried)
}

#[cfg(test)]
mod tests;
