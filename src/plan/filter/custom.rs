//! PURE: the caller's own rules as a policy, on this machine: what runc and libseccomp make of the same file.
//!
//! As they do: an entry that does what happens anyway is passed over; an entry without looks at arguments decides for its
//! calls alone, wherever it stands. Of several entries that look, the first that fits decides.

use super::calls;
use super::policy::{Answer, ENOSYS, Holds, Policy, Rule, Test};
use crate::spec::{SeccompAction, SeccompArg, SeccompEntry, SeccompOperator, SeccompRules, SeccompWhere};
use std::collections::{BTreeMap, BTreeSet};

/// This machine by Go's name, as Docker's files have it.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: &str = "amd64";
/// This machine by Go's name, as Docker's files have it.
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: &str = "arm64";

/// EPERM, which libseccomp takes where no number is given.
const ERRNO: u16 = 1;

/// The policy of these rules on a kernel of this version.
pub fn of(rules: &SeccompRules, kernel: (u32, u32)) -> Policy {
    let otherwise = answer(rules.default_action, rules.default_errno_ret);
    let mut named: BTreeMap<u32, Rule> = BTreeMap::new();
    let mut settled: BTreeMap<u32, Answer> = BTreeMap::new();
    for entry in rules.syscalls.iter().filter(|entry| applies(entry, kernel)) {
        let action = answer(entry.action, entry.errno_ret);
        if action == otherwise {
            continue;
        }
        for number in entry.names.iter().filter_map(|name| calls::number(name)) {
            let rule = named.entry(number).or_insert_with(|| Rule::always(otherwise));
            if entry.args().is_empty() {
                settled.entry(number).or_insert(action);
            } else {
                rule.ways.extend(ways(entry.args()).into_iter().map(|tests| (tests, action)));
            }
        }
    }
    named.extend(settled.into_iter().map(|(number, action)| (number, Rule::always(action))));
    // As runc: past the newest call that the file knows at all, a C library takes the older call on ENOSYS, where it would
    // give up on EPERM; unless the file says with which number to refuse.
    let known = rules.syscalls.iter().flat_map(|entry| &entry.names).filter_map(|name| calls::number(name));
    let unheard_of = matches!(otherwise, Answer::Errno(_)) && rules.default_errno_ret.is_none();
    let beyond = if unheard_of { ENOSYS } else { otherwise };
    Policy { rules: named, otherwise, newest: known.max().unwrap_or_default(), beyond }
}

/// An action with its number.
fn answer(action: SeccompAction, errno: Option<u16>) -> Answer {
    match action {
        SeccompAction::Allow => Answer::Allow,
        SeccompAction::Log => Answer::Log,
        SeccompAction::Errno => Answer::Errno(errno.unwrap_or(ERRNO)),
        SeccompAction::Trap => Answer::Trap,
        SeccompAction::KillThread => Answer::KillThread,
        SeccompAction::KillProcess => Answer::KillProcess,
    }
}

/// Whether an entry is there for this machine and a job without capabilities.
fn applies(entry: &SeccompEntry, kernel: (u32, u32)) -> bool {
    let here = |place: &SeccompWhere| place.arches.iter().flatten().any(|arch| arch == ARCHITECTURE);
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let (includes, excludes) = (&entry.includes, &entry.excludes);
    let included = !some(&includes.caps)
        && (!some(&includes.arches) || here(includes))
        && includes.kernel().is_none_or(|least| kernel >= least);
    // An entry that is left out for the holders of a capability is there for a job, which has none.
    let excluded = here(excludes) || excludes.kernel().is_some_and(|least| kernel >= least);
    included && !excluded
}

/// All looks at once, or, when two look at the same argument, each for itself.
fn ways(args: &[SeccompArg]) -> Vec<Vec<Test>> {
    let distinct: BTreeSet<u32> = args.iter().map(|arg| arg.index).collect();
    if distinct.len() < args.len() {
        return args.iter().map(|arg| vec![test(arg)]).collect();
    }
    vec![args.iter().map(test).collect()]
}

fn test(arg: &SeccompArg) -> Test {
    let value = arg.value;
    let holds = match arg.op {
        SeccompOperator::Ne => Holds::NotEqual(value),
        SeccompOperator::Lt => Holds::Less(value),
        SeccompOperator::Le => Holds::LessOrEqual(value),
        SeccompOperator::Eq => Holds::Masked { mask: u64::MAX, value },
        SeccompOperator::Ge => Holds::GreaterOrEqual(value),
        SeccompOperator::Gt => Holds::Greater(value),
        // Bits outside of the mask count on neither side.
        SeccompOperator::MaskedEq => Holds::Masked { mask: value, value: arg.value_two & value },
    };
    // `SeccompRules::checked` has refused any past 5.
    Test { arg: arg.index as u8, holds }
}
