//! What will be done for a job that is started, and where.

use crate::os::cgroup::{self, Base};
use crate::os::probe;
use crate::plan::Plan;
use crate::plan::host::{Controller, Hierarchy};
use crate::spec::JobSpec;
use crate::supervise::Error;
use crate::supervise::house::CellHands;
use std::sync::Arc;

/// A plan for this host, now.
#[derive(Debug)]
pub struct Planned {
    /// What will be done.
    pub plan: Plan,
    /// The host's processors that the job may use.
    pub processors: u32,
    /// Where its cell is made.
    pub base: Arc<Base>,
}

impl Planned {
    /// The plan of a job.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(hands: &CellHands, spec: &JobSpec) -> Result<Self, Error> {
        let base = placed(spec, Arc::clone(&hands.base))?;
        let host = probe::facts(spec, base.hierarchy().clone())?;
        let mut plan = Plan::of(spec, &host)?;
        plan.notes.extend(spec.cgroup_parent().and_then(|parent| cgroup::note(base.hierarchy(), parent)));
        #[cfg(feature = "seam")]
        let plan = crate::supervise::seam::left_out(plan);
        Ok(Self { plan, processors: probe::processors(&host), base })
    }
}

/// Where its cell is made: the supervisor's own place, or one below another manager's cgroup.
fn placed(spec: &JobSpec, base: Arc<Base>) -> Result<Arc<Base>, Error> {
    let Some(parent) = spec.cgroup_parent() else { return Ok(base) };
    let needed = needed(spec, base.hierarchy())?;
    Ok(Arc::new(base.below(parent, &needed)?))
}

/// The controllers of its limits here: what is enforced here is enforced elsewhere as well, or nothing is started.
fn needed(spec: &JobSpec, hierarchy: &Hierarchy) -> Result<Vec<Controller>, Error> {
    Ok(Plan::of(spec, &probe::facts(spec, hierarchy.clone())?)?.controllers())
}

/// The plan of an ask where cells are made here, or below the cgroup that it names. Touches nothing.
///
/// # Errors
/// Why there is none.
pub fn foreseen(spec: &JobSpec, hierarchy: Hierarchy) -> Result<Plan, Error> {
    let Some(parent) = spec.cgroup_parent() else { return Ok(Plan::of(spec, &probe::facts(spec, hierarchy)?)?) };
    let hierarchy = cgroup::foretold(&hierarchy, parent, &needed(spec, &hierarchy)?)?;
    let note = cgroup::note(&hierarchy, parent);
    let mut plan = Plan::of(spec, &probe::facts(spec, hierarchy)?)?;
    plan.notes.extend(note);
    Ok(plan)
}
