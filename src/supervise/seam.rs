//! For ironcell's own tests alone (feature `seam`): protections that are left out, so that it is seen that each is missed.

use crate::plan::Plan;

/// Numbers of steps of the shim, and `devices`, separated by commas.
const VARIABLE: &str = "IRONCELL_LEFT_OUT";

/// The plan without the steps that the environment names.
///
/// # Panics
/// On a word that is neither a number nor known: a test that leaves out nothing would show nothing.
pub fn left_out(mut plan: Plan) -> Plan {
    let words = std::env::var(VARIABLE).unwrap_or_default();
    for word in words.split(',').filter(|word| !word.is_empty() && *word != DEVICES) {
        plan.order.left_out.push(word.parse().expect("a step's number"));
    }
    plan
}

/// The guard of devices, which is left out where it is attached.
const DEVICES: &str = "devices";
