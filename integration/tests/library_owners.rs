//! Whose jobs are whose, and what becomes of all of them when the supervisor goes.

use integration::embed::{shell, with_threads};
use ironcell::life::{Cause, StopKind, Stopper};
use ironcell::spec::{JobSpec, Limits, OnDrop, Owner, Signal, StdioSet, Target};
use ironcell::supervise::{Change, Error, Filter, Heard, Shutdown, Supervisor};
use std::time::Duration;

fn owner(name: &str) -> Owner {
    Owner::new(name).expect("a word")
}

#[test]
fn no_verb_of_another_owner_reaches_a_job_or_tells_that_it_is_there() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let (alice, bob) = (supervisor.jobs_of(owner("alice")), supervisor.jobs_of(owner("bob")));
        let job = alice.start(shell("sleep 1000"), StdioSet::default()).await.expect("it starts");
        let id = job.id();
        let errors = [
            bob.get(id).map(drop),
            bob.info(id).map(drop),
            bob.find(&id.short()).map(drop),
            bob.stop(id, None).await.map(drop),
            bob.kill(id).await.map(drop),
            bob.wait(id).await.map(drop),
            bob.signal(id, Signal::KILL, Target::All).await,
            bob.pause(id).await,
            bob.resume(id).await,
            bob.update(id, Limits::default()).await.map(drop),
            bob.stats(id).await.map(drop),
            bob.processes(id).await.map(drop),
            bob.remove(id).map(drop),
        ];
        for (index, answer) in errors.into_iter().enumerate() {
            assert!(matches!(answer, Err(Error::NotFound { .. })), "verb {index}: {answer:?}");
        }
        assert!(bob.stop_all(&Filter::default(), None).await.is_empty() && bob.events().0.is_empty());
        assert!(job.try_wait().is_none(), "it runs on");
        let all = supervisor.all_jobs();
        assert_eq!(all.list(&Filter::default())[0].owner, owner("alice"));
        assert!(all.kill(id).await.expect("who administers all may").was_running);
        supervisor.close();
    });
}

#[test]
fn a_shutdown_asks_all_jobs_and_kills_those_that_do_not_hear() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(owner("alice"));
        let hears =
            jobs.start(shell("trap 'exit 4' TERM; sleep 1000 & wait"), StdioSet::default()).await.expect("a job");
        let deaf = jobs.start(shell("trap '' TERM; sleep 1000"), StdioSet::default()).await.expect("a job");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let left =
            supervisor.shutdown(Shutdown::Soft { grace: Some(Duration::from_secs(1000)) }, Duration::from_secs(2));
        assert!(left.await.is_empty(), "nothing is left");
        let stopped = |how| Cause::Stopped { by: Stopper::Caller, how };
        assert_eq!(hears.try_wait().expect("it has ended").cause, stopped(StopKind::Soft));
        assert_eq!(deaf.try_wait().expect("it has ended").cause, stopped(StopKind::Hard));
        let error = jobs.start(shell("true"), StdioSet::default()).await.expect_err("it is closed");
        assert!(matches!(error, Error::ShuttingDown), "{error}");
        assert_eq!(jobs.counts().ended(), 2, "what has ended can still be looked at");
    });
}

#[test]
fn nothing_is_started_any_more_from_the_first_moment_of_a_shutdown() {
    with_threads(4, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(owner("alice"));
        let (_, mut events) = jobs.events();
        let many = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.start_all((0..40).map(|_| (shell("sleep 1000"), StdioSet::default())).collect()).await }
        });
        // In the middle of it.
        while let Some(Heard::Event(event)) = events.next().await {
            if matches!(event.change, Change::Started { .. }) {
                break;
            }
        }
        assert!(supervisor.shutdown(Shutdown::Hard, Duration::from_secs(60)).await.is_empty());
        let answers = many.await.expect("no panic");
        for answer in &answers {
            match answer {
                Ok(job) => assert!(job.try_wait().is_some(), "{job:?} outlives the shutdown"),
                Err(error) => assert!(matches!(error, Error::ShuttingDown), "{error}"),
            }
        }
        assert!(answers.iter().any(|answer| answer.is_err()), "some came too late");
        assert_eq!(jobs.counts().live(), 0);
    });
}

#[test]
fn a_supervisor_that_is_dropped_ends_all_jobs_whoever_holds_them() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let detached = JobSpec::command("sleep").arg("1000").on_drop(OnDrop::Detach).build().expect("a spec");
        let jobs = supervisor.jobs_of(owner("alice"));
        let held = jobs.start(shell("trap '' TERM; sleep 1000"), StdioSet::default()).await.expect("it starts");
        let id = jobs.start(detached, StdioSet::default()).await.expect("it starts").id();
        drop(supervisor);
        assert_eq!(held.wait().await.expect("it ends").cause, Cause::OwnerGone);
        assert_eq!(jobs.wait(id).await.expect("it ends").cause, Cause::OwnerGone);
    });
}

#[test]
fn closing_ends_detached_jobs_and_not_those_that_somebody_holds() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(owner("alice"));
        let detached = JobSpec::command("sleep").arg("1000").on_drop(OnDrop::Detach).build().expect("a spec");
        let id = jobs.start(detached, StdioSet::default()).await.expect("it starts").id();
        let held = jobs.start(shell("sleep 1; exit 5"), StdioSet::default()).await.expect("it starts");
        let (_, mut events) = jobs.events();
        supervisor.close();
        let mut ended = Vec::new();
        while let Some(heard) = events.next().await {
            if let Heard::Event(event) = heard
                && let Change::Ended(outcome) = event.change
            {
                ended.push((event.id, outcome.cause.clone()));
            }
        }
        assert_eq!(ended, [(id, Cause::OwnerGone), (held.id(), Cause::Itself)], "and then the events end");
    });
}
