//! Every answer of a kernel beside its verdict.

use super::super::expect::Expect;
use super::super::promises::{Promise, Proof};
use super::*;
use crate::plan::{Plan, host};
use crate::spec::{Resource, Rlimit, RlimitValue, User};
use proptest::prelude::*;

static REFUSED: Promise = Promise {
    name: "refused",
    sentence: "It is refused.",
    proofs: &[Proof { attempt: "a", rule: Rule::Refused }, Proof { attempt: "b", rule: Rule::RefusedAlso(12) }],
    given_up: GivenUp::ByHostNetwork,
};

static SEEN: Promise = Promise {
    name: "seen",
    sentence: "It is so.",
    proofs: &[Proof { attempt: "a", rule: Rule::Is(is_right) }],
    given_up: GivenUp::Never,
};

fn is_right(facts: &[u8], _: &Expect) -> std::result::Result<(), String> {
    if facts == b"right" { Ok(()) } else { Err("it is wrong".to_owned()) }
}

fn spec() -> JobSpec {
    JobSpec::command("true").build().expect("a job")
}

fn expect() -> Expect {
    let order = Plan::of(&spec(), &host::example()).expect("a plan").order;
    Expect { order, holds_oom_score: true, host_namespaces: Vec::new() }
}

/// The verdict when these are told of `a` and `b` inside, and everything succeeds outside.
fn judged(promise: &'static Promise, a: Option<Seen>, b: Option<Seen>) -> Finding {
    let inside = |name: &str| if name == "a" { a.clone() } else { b.clone() };
    finding(promise, &spec(), &expect(), |_| "it", inside, |_| Some(Seen::Allowed("it did".to_owned())))
}

fn refused(errno: i32) -> Option<Seen> {
    Some(Seen::Refused(errno))
}

#[test]
fn a_promise_is_held_when_nothing_succeeds() {
    for seen in [Seen::Refused(1), Seen::Refused(38), Seen::Killed(31), Seen::Absent("none".to_owned())] {
        assert_eq!(judged(&REFUSED, Some(seen), refused(1)).verdict, Verdict::Held);
    }
    assert_eq!(judged(&SEEN, Some(Seen::Facts(b"right".to_vec())), None).verdict, Verdict::Held);
}

#[test]
fn one_success_breaks_a_promise_whatever_else_is_not_known() {
    let allowed = Some(Seen::Allowed("it returned 0".to_owned()));
    for other in [refused(1), None, Some(Seen::Hung)] {
        assert_eq!(judged(&REFUSED, other, allowed.clone()).verdict, Verdict::Broken("it: it returned 0".to_owned()));
    }
    let wrong = Some(Seen::Facts(b"left".to_vec()));
    assert_eq!(judged(&SEEN, wrong, None).verdict, Verdict::Broken("it: it is wrong".to_owned()));
}

#[test]
fn what_does_not_tell_proves_nothing() {
    for seen in [
        None,
        Some(Seen::Hung),
        Some(Seen::Killed(9)),
        Some(Seen::Unclear("no room".to_owned())),
        refused(12),
        refused(24),
        Some(Seen::Facts(b"right".to_vec())),
    ] {
        let found = judged(&REFUSED, seen.clone(), refused(1));
        assert!(matches!(found.verdict, Verdict::Unproven(_)), "{seen:?}: {:?}", found.verdict);
        assert!(!found.verdict.is_good());
    }
    for seen in [None, refused(13), Some(Seen::Allowed(String::new())), Some(Seen::Killed(31))] {
        let found = judged(&SEEN, seen.clone(), None);
        assert!(matches!(found.verdict, Verdict::Unproven(_)), "{seen:?}: {:?}", found.verdict);
    }
}

#[test]
fn an_errno_that_is_a_refusal_of_one_attempt_alone_counts_there_alone() {
    assert_eq!(judged(&REFUSED, refused(1), refused(12)).verdict, Verdict::Held);
    assert!(matches!(judged(&REFUSED, refused(12), refused(1)).verdict, Verdict::Unproven(_)));
}

#[test]
fn a_control_that_cannot_succeed_is_told_and_breaks_nothing() {
    for (seen, why) in [
        (Some(Seen::Refused(38)), "the host's root is refused: ENOSYS"),
        (Some(Seen::Unclear("no console".to_owned())), "no console"),
        (Some(Seen::Killed(1)), "ended by signal 1"),
        (None, "nothing was told of it"),
    ] {
        let found = finding(&REFUSED, &spec(), &expect(), |_| "it", |_| refused(1), |_| seen.clone());
        assert_eq!(found.verdict, Verdict::Held);
        assert_eq!(found.attempts[0].control, Outside::NotPossible(why.to_owned()));
    }
}

#[test]
fn a_look_has_a_control_that_shows_what_is_wrong() {
    let control = |facts: &[u8]| {
        let outside = Some(Seen::Facts(facts.to_vec()));
        finding(&SEEN, &spec(), &expect(), |_| "it", |_| None, |_| outside.clone()).attempts[0].control.clone()
    };
    assert_eq!(control(b"left"), Outside::Succeeded);
    assert_eq!(control(b"right"), Outside::NotPossible("it is so on the host, too".to_owned()));
}

#[test]
fn an_option_that_gives_a_promise_up_is_named() {
    let bind = |access| MountSpec::Bind { source: "/a".into(), target: "/etc".into(), access };
    let with = |walls: Isolation| JobSpec::command("true").isolation(walls).build().expect("a job");
    let bare = Isolation::default();
    let root = Root::Dir { path: "/r".into(), access: Access::ReadWrite };
    for (by, walls, flag) in [
        (GivenUp::ByHostNetwork, Isolation { net: Net::Host, ..bare.clone() }, "--net host"),
        (GivenUp::ByRootUser, Isolation { user: User::new(0, 1000).expect("a user"), ..bare.clone() }, "--user 0"),
        (GivenUp::ByWriting, Isolation { mounts: vec![bind(Access::ReadWrite)], ..bare.clone() }, "--rw /etc"),
        (GivenUp::ByWriting, Isolation { root: root.clone(), ..bare.clone() }, "--rootfs-rw"),
        (GivenUp::ByShowing("/etc/x"), Isolation { root, ..bare.clone() }, "--rootfs /r"),
        (GivenUp::ByShowing("/etc/x"), Isolation { mounts: vec![bind(Access::ReadOnly)], ..bare.clone() }, "--ro /etc"),
    ] {
        assert_eq!(given_up(by, &with(walls.clone())).as_deref(), Some(flag));
        assert_eq!(given_up(by, &with(bare.clone())), None, "{by:?}");
        assert_eq!(given_up(GivenUp::Never, &with(walls)), None);
    }
    let elsewhere = with(Isolation { mounts: vec![bind(Access::ReadOnly)], ..bare });
    assert_eq!(given_up(GivenUp::ByShowing("/etcetera"), &elsewhere), None);
    assert_eq!(given_up(GivenUp::ByWriting, &elsewhere), None);
    let mut limits = crate::spec::Limits::default();
    let unlimited = RlimitValue::Unlimited;
    limits.rlimits.push(Rlimit { resource: Resource::Core, soft: unlimited, hard: unlimited });
    let cores = JobSpec::command("true").limits(limits).build().expect("a job");
    assert_eq!(given_up(GivenUp::ByLimit(Resource::Core), &cores).as_deref(), Some("--rlimit core"));
    assert_eq!(given_up(GivenUp::ByLimit(Resource::Nice), &cores), None);
}

#[test]
fn what_was_given_up_is_no_failure_whatever_is_seen() {
    let host = Isolation { net: Net::Host, ..Isolation::default() };
    let spec = JobSpec::command("true").isolation(host).build().expect("a job");
    let allowed = |_: &str| Some(Seen::Allowed("it did".to_owned()));
    let found = finding(&REFUSED, &spec, &expect(), |_| "it", allowed, allowed);
    assert_eq!(found.verdict, Verdict::Relaxed("--net host".to_owned()));
    assert!(found.verdict.is_good());
    assert!(matches!(found.attempts[0].inside, Inside::Allowed { .. }), "what was seen is told all the same");
}

fn any_seen() -> impl Strategy<Value = Seen> {
    prop_oneof![
        any::<String>().prop_map(Seen::Allowed),
        (1..200_i32).prop_map(Seen::Refused),
        any::<String>().prop_map(Seen::Absent),
        any::<Vec<u8>>().prop_map(Seen::Facts),
        (1..65_u8).prop_map(Seen::Killed),
        Just(Seen::Hung),
        any::<String>().prop_map(Seen::Unclear),
    ]
}

proptest! {
    #[test]
    fn nothing_that_succeeded_or_is_not_known_is_ever_held(a in proptest::option::of(any_seen()), b in any_seen()) {
        let found = judged(&REFUSED, a.clone(), Some(b.clone()));
        let safe = |seen: &Option<Seen>, also: i32| match seen {
            Some(Seen::Refused(errno)) => *errno == also || !IN_NEED.contains(errno),
            Some(Seen::Absent(_) | Seen::Killed(SIGSYS)) => true,
            _ => false,
        };
        prop_assert_eq!(found.verdict == Verdict::Held, safe(&a, 0) && safe(&Some(b), 12));
    }
}
