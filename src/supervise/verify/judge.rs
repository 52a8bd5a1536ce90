//! PURE: from what was seen inside and outside to a verdict.
//!
//! A promise is held when every attempt came to nothing inside. That outside the same attempt succeeds is what makes it
//! worth anything; where the host lets nobody succeed, that is told, and the promise is held all the same.

use super::expect::Expect;
use super::promises::{GivenUp, Promise, Proof, Rule};
use crate::os::attempt::{Seen, errno_name};
use crate::spec::{Access, Isolation, JobSpec, MountSpec, Net, Profile, Root};
use serde::Serialize;
use std::path::Path;

/// What became of one promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The promise's name.
    pub promise: &'static str,
    /// What is promised.
    pub sentence: &'static str,
    /// Whether it is kept.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was tried.
    pub attempts: Vec<Tried>,
}

/// Whether a promise is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    /// No attempt succeeded.
    Held,
    /// The options give it up, and so it was not given: which of them.
    Relaxed(String),
    /// The host cannot keep it, or nobody asked for it, and so it was not given: why.
    NotAsked(String),
    /// What came of an attempt does not tell: which, and why.
    Unproven(String),
    /// An attempt succeeded: which, and what shows it.
    Broken(String),
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        match self {
            Self::Held | Self::Relaxed(_) | Self::NotAsked(_) => true,
            Self::Unproven(_) | Self::Broken(_) => false,
        }
    }
}

/// One attempt, inside and outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The attempt's name.
    pub attempt: &'static str,
    /// What was tried.
    pub tried: &'static str,
    /// What came of it inside.
    pub inside: Inside,
    /// What came of it outside.
    pub control: Outside,
}

/// What came of an attempt inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Inside {
    /// It succeeded.
    Allowed {
        /// What shows it.
        detail: String,
    },
    /// The kernel refused it.
    Refused {
        /// The error's name, as `EPERM`.
        errno: String,
    },
    /// There was nothing to try it on, or it had no effect.
    Absent {
        /// What shows it.
        detail: String,
    },
    /// What was looked at is as it should be.
    AsPromised,
    /// A signal ended who tried.
    Killed {
        /// Its number, 1 to 64.
        signal: u8,
    },
    /// It does not tell.
    Unclear {
        /// Why.
        detail: String,
    },
}

/// What came of an attempt outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", content = "why", rename_all = "snake_case")]
pub enum Outside {
    /// It succeeded: inside, only the cell can be what stopped it.
    Succeeded,
    /// Nobody can succeed on this host, for this reason.
    NotPossible(String),
}

/// The signal by which a filter ends who makes a forbidden call: SIGSYS.
const SIGSYS: u8 = 31;
/// Errors that say that the host or the probe is in need, and nothing of what is allowed: EINTR, EAGAIN, ENOMEM, EFAULT,
/// ENFILE, EMFILE.
const IN_NEED: [i32; 6] = [4, 11, 12, 14, 23, 24];

/// The verdict on one promise. `inside` and `outside` give what was seen by the attempt's name.
pub fn finding(
    promise: &'static Promise,
    spec: &JobSpec,
    expect: &Expect,
    tried: impl Fn(&str) -> &'static str,
    inside: impl Fn(&str) -> Option<Seen>,
    outside: impl Fn(&str) -> Option<Seen>,
) -> Finding {
    let judged = |proof: &Proof| Tried {
        attempt: proof.attempt,
        tried: tried(proof.attempt),
        inside: result(proof.rule, inside(proof.attempt), expect),
        control: control(proof.rule, outside(proof.attempt), expect),
    };
    let attempts: Vec<Tried> = promise.proofs.iter().map(judged).collect();
    let lacks = promise.given_up == GivenUp::ByHostWithoutResource && !expect.holds_oom_score;
    let verdict = match given_up(promise.given_up, spec) {
        Some(flag) => Verdict::Relaxed(flag),
        None if lacks => Verdict::NotAsked("ironcell has no CAP_SYS_RESOURCE here".to_owned()),
        None => verdict(&attempts),
    };
    Finding { promise: promise.name, sentence: promise.sentence, verdict, attempts }
}

/// One success breaks a promise, whatever else is not known.
fn verdict(attempts: &[Tried]) -> Verdict {
    let told = |tried: &Tried, detail: &str| format!("{}: {detail}", tried.tried);
    let broken = attempts.iter().find_map(|tried| match &tried.inside {
        Inside::Allowed { detail } => Some(Verdict::Broken(told(tried, detail))),
        _ => None,
    });
    let unproven = attempts.iter().find_map(|tried| match &tried.inside {
        Inside::Unclear { detail } => Some(Verdict::Unproven(told(tried, detail))),
        Inside::Killed { signal } if *signal != SIGSYS => {
            Some(Verdict::Unproven(told(tried, &format!("ended by signal {signal}"))))
        }
        _ => None,
    });
    broken.or(unproven).unwrap_or(Verdict::Held)
}

/// What came of an attempt inside, by the rule.
fn result(rule: Rule, seen: Option<Seen>, expect: &Expect) -> Inside {
    let unclear = |detail: &str| Inside::Unclear { detail: detail.to_owned() };
    let Some(seen) = seen else { return unclear("nothing was told of it") };
    match (seen, rule) {
        (Seen::Facts(facts), Rule::Is(check) | Rule::IsOrHidden(check)) => match check(&facts, expect) {
            Ok(()) => Inside::AsPromised,
            Err(detail) => Inside::Allowed { detail },
        },
        (Seen::Facts(_), _) => unclear("something was seen, and nothing tried"),
        (Seen::Refused(errno), Rule::Is(_)) => {
            Inside::Unclear { detail: format!("it could not be looked at: {}", errno_name(errno)) }
        }
        (Seen::Refused(errno), Rule::RefusedAlso(also)) if errno == also => {
            Inside::Refused { errno: errno_name(errno) }
        }
        (Seen::Refused(errno), _) if IN_NEED.contains(&errno) => {
            Inside::Unclear { detail: format!("it could not be tried: {}", errno_name(errno)) }
        }
        (Seen::Refused(errno), _) => Inside::Refused { errno: errno_name(errno) },
        (Seen::Allowed(_) | Seen::Absent(_), Rule::Is(_) | Rule::IsOrHidden(_)) => unclear("nothing was seen"),
        (Seen::Allowed(detail), _) => Inside::Allowed { detail },
        (Seen::Absent(detail), _) => Inside::Absent { detail },
        (Seen::Killed(signal), Rule::Is(_) | Rule::IsOrHidden(_)) => {
            Inside::Unclear { detail: format!("it could not be looked at: ended by signal {signal}") }
        }
        (Seen::Killed(signal), _) => Inside::Killed { signal },
        (Seen::Hung, _) => unclear("it did not end in its time"),
        (Seen::Unclear(detail), _) => Inside::Unclear { detail },
    }
}

/// Whether the attempt, or a cell without the protection, would be told.
fn control(rule: Rule, seen: Option<Seen>, expect: &Expect) -> Outside {
    let not = |why: String| Outside::NotPossible(why);
    match (seen, rule) {
        (Some(Seen::Facts(facts)), Rule::Is(check) | Rule::IsOrHidden(check)) => match check(&facts, expect) {
            Ok(()) => not("it is so on the host, too".to_owned()),
            Err(_) => Outside::Succeeded,
        },
        (Some(Seen::Allowed(_)), Rule::Refused | Rule::RefusedAlso(_)) => Outside::Succeeded,
        (Some(Seen::Refused(errno)), _) => not(format!("the host's root is refused: {}", errno_name(errno))),
        (Some(Seen::Absent(detail) | Seen::Unclear(detail)), _) => not(detail),
        (Some(Seen::Killed(signal)), _) => not(format!("ended by signal {signal}")),
        (Some(Seen::Hung), _) => not("it did not end in its time".to_owned()),
        (Some(Seen::Facts(_) | Seen::Allowed(_)), _) | (None, _) => not("nothing was told of it".to_owned()),
    }
}

/// The option that gives a promise up, as it would be typed.
pub fn given_up(by: GivenUp, spec: &JobSpec) -> Option<String> {
    let walls = spec.isolation();
    match by {
        GivenUp::Never | GivenUp::ByHostWithoutResource => None,
        GivenUp::ByHostNetwork => (walls.net == Net::Host).then(|| "--net host".to_owned()),
        GivenUp::ByRootUser => (walls.user.uid() == 0).then(|| "--user 0".to_owned()),
        GivenUp::ByWriting => writing(walls),
        GivenUp::ByShowing(path) => showing(walls, Path::new(path)),
        GivenUp::ByCompat => profile_of(walls, Profile::Compat),
        GivenUp::ByProfile(profile) => profile_of(walls, profile).or_else(|| rules(walls)),
        GivenUp::ByProfileOrShowing(profile, path) => {
            profile_of(walls, profile).or_else(|| showing(walls, Path::new(path)))
        }
        GivenUp::ByRules => rules(walls),
        GivenUp::ByLimit(resource) => {
            let asked = spec.limits().rlimits.iter().find(|limit| limit.resource == resource)?;
            Some(format!("--rlimit {}", asked.resource.name()))
        }
    }
}

/// The profile, where it is this one or wider.
fn profile_of(walls: &Isolation, least: Profile) -> Option<String> {
    (walls.profile >= least).then(|| format!("--profile {}", walls.profile.word()))
}

/// Rules of the caller's own, which may let any call pass.
fn rules(walls: &Isolation) -> Option<String> {
    walls.seccomp.as_ref().map(|_| "--seccomp".to_owned())
}

/// The first option by which something of the host's can be written to.
fn writing(walls: &Isolation) -> Option<String> {
    if let Root::Dir { access: Access::ReadWrite, .. } = walls.root {
        return Some("--rootfs-rw".to_owned());
    }
    walls.mounts.iter().find_map(|mount| match mount {
        MountSpec::Bind { target, access: Access::ReadWrite, .. } => Some(format!("--rw {}", target.display())),
        _ => None,
    })
}

/// The first option that may have something of its own at this path.
fn showing(walls: &Isolation, path: &Path) -> Option<String> {
    if let Root::Dir { path: root, .. } = &walls.root {
        return Some(format!("--rootfs {}", root.display()));
    }
    walls.mounts.iter().find_map(|mount| match mount {
        MountSpec::Bind { target, access, .. } if path.starts_with(target) => {
            let flag = if *access == Access::ReadWrite { "--rw" } else { "--ro" };
            Some(format!("{flag} {}", target.display()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
