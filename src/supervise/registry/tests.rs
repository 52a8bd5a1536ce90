//! The list by itself, without a cell: names, bounds, owners, what is found, what is given up.

use super::*;
use crate::life::{Cause, Exit};
use crate::supervise::Filter;
use crate::supervise::events::Heard;
use proptest::prelude::*;
use std::time::Duration;

fn owner(name: &str) -> Owner {
    Owner::new(name).expect("a word")
}

fn named(name: &str) -> JobSpec {
    JobSpec::command("true").name(name).build().expect("a spec")
}

fn unnamed() -> JobSpec {
    JobSpec::command("true").build().expect("a spec")
}

/// An id whose short form begins with eleven of this number.
fn id(number: u8) -> JobId {
    let byte = number << 5 | number;
    JobId::of(u64::from(number), [byte; 10])
}

fn done() -> Outcome {
    Outcome::of(Exit::Code { code: 0 }, Cause::Itself)
}

#[test]
fn a_name_is_one_owners_live_jobs_own() {
    let registry = Registry::new(Bounds::default(), None);
    let (alice, bob) = (owner("alice"), owner("bob"));
    registry.enter(&alice, &named("x"), id(1), None).expect("free");
    let taken = registry.enter(&alice, &named("x"), id(2), None).expect_err("taken");
    assert!(matches!(taken, Error::NameTaken { ref name, id: by } if name == "x" && by == id(1)), "{taken}");
    registry.enter(&bob, &named("x"), id(3), None).expect("another owner's is no matter");
    registry.ended(id(1), &done());
    registry.enter(&alice, &named("x"), id(4), None).expect("free again");
    assert_eq!(registry.find(Some(&alice), "x").expect("the live one"), id(4));
    registry.ended(id(4), &done());
    assert!(
        matches!(registry.find(Some(&alice), "x"), Err(Error::Ambiguous { candidates, .. }) if candidates.len() == 2)
    );
}

#[test]
fn one_job_too_many_is_refused_with_the_bound_and_an_end_makes_room() {
    let registry = Registry::new(Bounds { jobs: 2, ..Bounds::default() }, None);
    let all = owner("alice");
    registry.enter(&all, &unnamed(), id(1), None).expect("room");
    registry.enter(&all, &unnamed(), id(2), None).expect("room");
    let error = registry.enter(&all, &unnamed(), id(3), None).expect_err("none");
    assert!(matches!(error, Error::TooManyJobs { most: 2 }) && error.to_string().contains("Bounds::jobs"), "{error}");
    registry.not_started(id(2), "it failed".to_owned());
    registry.enter(&all, &unnamed(), id(3), None).expect("room again");
}

#[test]
fn what_has_ended_is_given_up_by_count_and_by_age_the_first_first() {
    let registry = Registry::new(Bounds { ended: 2, ..Bounds::default() }, None);
    let all = owner("alice");
    for number in 1..=4 {
        registry.enter(&all, &unnamed(), id(number), None).expect("room");
    }
    for number in [3, 1, 2] {
        registry.ended(id(number), &done());
    }
    let left: Vec<JobId> = registry.list(None, &Filter::default()).iter().map(|info| info.id).collect();
    assert_eq!(left, [id(1), id(2), id(4)], "the one that ended first is gone, the live one is not touched");
    registry.state().tidy(SystemTime::now() + Duration::from_secs(3601));
    assert_eq!(registry.counts(None).ended(), 0, "an hour is over");
    assert_eq!(registry.counts(None).live(), 1);
}

#[test]
fn an_id_is_found_by_the_whole_of_it_or_by_a_beginning_that_is_one_jobs_alone() {
    let registry = Registry::new(Bounds::default(), None);
    let all = owner("alice");
    let (one, other) = (JobId::of(1, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), JobId::of(2, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2]));
    registry.enter(&all, &unnamed(), one, None).expect("room");
    registry.enter(&all, &unnamed(), other, None).expect("room");
    assert_eq!(registry.find(None, &one.short()).expect("short"), one);
    assert_eq!(registry.find(None, &other.as_uuid().to_string()).expect("long"), other);
    let Err(Error::Ambiguous { candidates, .. }) = registry.find(None, &one.short()[..4]) else {
        panic!("both begin so")
    };
    assert_eq!(candidates, [one, other]);
    for said in ["", "~", "0000000000000"] {
        assert!(matches!(registry.find(None, said), Err(Error::NotFound { .. })), "{said}");
    }
    registry.ended(other, &done());
    registry.remove(None, other).expect("it has ended");
    assert_eq!(registry.find(None, &one.short()[..4]).expect("alone now"), one);
}

#[test]
fn another_owners_job_is_answered_as_one_that_is_not_there() {
    let registry = Registry::new(Bounds::default(), None);
    let (alice, bob) = (owner("alice"), owner("bob"));
    registry.enter(&alice, &named("x"), id(1), None).expect("room");
    registry.ended(id(1), &done());
    let answers = |asked: JobId| {
        [
            registry.job(Some(&bob), asked).map(drop),
            registry.info(Some(&bob), asked).map(drop),
            registry.remove(Some(&bob), asked).map(drop),
            registry.find(Some(&bob), &asked.short()).map(drop),
        ]
        .map(|answer| answer.expect_err("not his").to_string().replace(&asked.short(), "ID"))
    };
    assert_eq!(answers(id(1)), answers(id(9)), "the same words for both");
    assert!(registry.list(Some(&bob), &Filter::default()).is_empty());
    assert!(registry.purge(Some(&bob), &Filter::default()).is_empty());
    assert_eq!(registry.purge(Some(&alice), &Filter::default()), [id(1)]);
}

#[tokio::test]
async fn an_owner_hears_of_his_own_jobs_only_and_everyones_listener_of_all() {
    let registry = Registry::new(Bounds::default(), None);
    let (alice, bob) = (owner("alice"), owner("bob"));
    registry.enter(&alice, &unnamed(), id(1), None).expect("room");
    let (before, mut hers) = registry.events(Some(&alice));
    let (_, mut all) = registry.events(None);
    assert_eq!(before.len(), 1);
    registry.enter(&bob, &unnamed(), id(2), None).expect("room");
    registry.ended(id(1), &done());
    registry.ended(id(2), &done());
    registry.remove(None, id(1)).expect("it has ended");
    registry.close();
    let mut heard = [Vec::new(), Vec::new()];
    for (reader, heard) in [&mut hers, &mut all].into_iter().zip(&mut heard) {
        while let Some(Heard::Event(event)) = reader.next().await {
            heard.push((event.id, matches!(event.change, Change::Ended(_) | Change::Removed)));
        }
    }
    assert_eq!(heard[0], [(id(1), true), (id(1), true)]);
    assert_eq!(heard[1], [(id(2), false), (id(1), true), (id(2), true), (id(1), true)]);
}

#[test]
fn a_driver_that_is_lost_is_noted_unless_it_had_told_the_end() {
    let registry = Registry::new(Bounds::default(), None);
    registry.enter(&owner("alice"), &unnamed(), id(1), None).expect("room");
    registry.enter(&owner("alice"), &unnamed(), id(2), None).expect("room");
    registry.ended(id(1), &done());
    registry.lost(id(1));
    registry.lost(id(2));
    let info = |number| registry.info(None, id(number)).expect("listed");
    assert_eq!((info(1).status, info(1).cause), (Status::Completed, Some(Cause::Itself)));
    assert_eq!((info(2).status, info(2).cause), (Status::Failed, None));
}

proptest! {
    #[test]
    fn the_bounds_hold_whatever_starts_ends_and_is_removed(steps in prop::collection::vec((0_u8..4, 1_u8..8), 0..60)) {
        let bounds = Bounds { jobs: 3, ended: 2, ..Bounds::default() };
        let registry = Registry::new(bounds, None);
        let all = owner("alice");
        for (what, number) in steps {
            match what {
                0 | 1 if registry.info(None, id(number)).is_err() => drop(registry.enter(&all, &unnamed(), id(number), None)),
                2 => registry.lost(id(number)),
                _ => drop(registry.remove(None, id(number))),
            }
            let counts = registry.counts(None);
            prop_assert!(counts.live() <= bounds.jobs && counts.ended() <= bounds.ended, "{:?}", counts);
            prop_assert_eq!(*registry.live.borrow(), counts.live());
        }
    }
}

#[test]
fn what_happens_is_counted_once_and_other_bounds_hold_from_then_on() {
    let registry = Registry::new(Bounds::default(), None);
    let all = owner("alice");
    for number in 1..=3 {
        registry.enter(&all, &unnamed(), id(number), None).expect("room");
    }
    registry.not_started(id(1), "it failed".to_owned());
    registry.ended(id(2), &done());
    registry.lost(id(2));
    registry.lost(id(3));
    let tally = registry.tally();
    assert_eq!((tally.not_started, tally.ended[&("itself", "code")], tally.ended[&("lost", "unknown")]), (1, 1, 1));
    assert_eq!(tally.ended.values().sum::<u64>(), 2, "the other pairs are there, and nothing was counted twice");
    registry.bound(Bounds { jobs: 0, ended: 1, ..Bounds::default() });
    assert_eq!(registry.list(None, &Filter::default()).len(), 1);
    assert!(matches!(registry.enter(&all, &unnamed(), id(4), None), Err(Error::TooManyJobs { most: 0 })));
    assert_eq!(registry.tally().ended, tally.ended);
}
