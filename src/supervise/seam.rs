//! For ironcell's own tests alone (feature `seam`): protections that are left out, so that it is seen that each is missed.
//!
//! Also where the feature is on, as in a build of the whole workspace, nothing is left out of a program that has not asked
//! for it by [`open`]; and what is left out is told with the walls.

use crate::plan::{Plan, Relaxed};
use std::sync::atomic::{AtomicBool, Ordering};

/// Numbers of steps of the shim, separated by commas; 0 is the guard of devices.
const VARIABLE: &str = "IRONCELL_LEFT_OUT";

/// Whether this program is one that leaves steps out.
static OPEN: AtomicBool = AtomicBool::new(false);

/// From here on this program leaves out what the environment names (`IRONCELL_LEFT_OUT`).
pub fn open() {
    OPEN.store(true, Ordering::Relaxed);
}

/// The plan without the steps that are left out.
///
/// # Panics
/// On a word that is no number: a test that leaves out nothing would show nothing.
pub(super) fn left_out(mut plan: Plan) -> Plan {
    let words = std::env::var(VARIABLE).unwrap_or_default();
    if OPEN.load(Ordering::Relaxed) && !words.is_empty() {
        plan.order.left_out = words.split(',').map(|word| word.parse().expect("a step's number")).collect();
        plan.walls.relaxed.push(Relaxed { flag: format!("{VARIABLE}={words}"), means: "a test leaves steps out" });
    }
    plan
}
