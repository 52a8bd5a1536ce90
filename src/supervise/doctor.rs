//! Whether this host can hold cells: each thing that ironcell needs, whether it is there, and what to do if not. Changes
//! nothing on the host.

mod cells;
mod kernel;

use crate::os::doctor::{Sight, look};

/// One thing that ironcell needs or can use.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at.
    pub item: String,
    /// Whether it is there.
    pub state: State,
    /// What was found, for people.
    pub found: String,
    /// What to do, where there is something to do.
    pub remedy: Option<String>,
}

/// Whether a thing is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There.
    Good,
    /// There in part, or without it some asks are refused; cells work.
    Limited,
    /// Not there, and no cell can be made.
    Missing,
}

/// Examines this host.
pub fn examine() -> Vec<Check> {
    checks(&look())
}

/// All checks, in the order in which they are read.
fn checks(sight: &Sight) -> Vec<Check> {
    let mut checks = vec![kernel::version(sight), kernel::privilege(sight)];
    checks.extend(cells::checks(sight));
    checks.extend(kernel::checks(sight));
    checks
}

/// It is there.
fn good(item: impl Into<String>, found: impl Into<String>) -> Check {
    Check { item: item.into(), state: State::Good, found: found.into(), remedy: None }
}

/// It is there in part.
fn limited(item: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { item: item.into(), state: State::Limited, found: found.into(), remedy: Some(remedy.into()) }
}

/// It is not there, and no cell can be made without it.
fn missing(item: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { item: item.into(), state: State::Missing, found: found.into(), remedy: Some(remedy.into()) }
}

#[cfg(test)]
mod tests;
