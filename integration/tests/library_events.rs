//! What happens to jobs, told to any number of listeners: all of it, in order, after a list that it goes on from.

use integration::embed::{shell, with_threads};
use ironcell::life::{Status, StopKind, Stopper};
use ironcell::spec::{JobId, JobSpec, Limits, MemoryLimit, Owner, StdioSet};
use ironcell::supervise::{Change, EventReader, Heard, Supervisor};
use std::time::Duration;

/// The words for what is heard of a job, up to its end.
async fn until_end(events: &mut EventReader, id: JobId) -> Vec<&'static str> {
    let mut words = Vec::new();
    while let Some(heard) = events.next().await {
        let Heard::Event(event) = heard else { panic!("nobody is slow") };
        if event.id != id {
            continue;
        }
        words.push(match event.change {
            Change::Created => "created",
            Change::Started { pid } if pid > 0 => "started",
            Change::NotStarted { .. } => "not started",
            Change::Paused => "paused",
            Change::Resumed => "resumed",
            Change::Updated => "updated",
            Change::Oom { .. } => "oom",
            Change::Stopping { how: StopKind::Soft, .. } => "stopping",
            Change::Stopping { how: StopKind::Hard, .. } => "killing",
            Change::Removed => "removed",
            Change::Ended(_) => "ended",
            other => panic!("{other:?}"),
        });
        if matches!(words.last(), Some(&("ended" | "not started"))) {
            break;
        }
    }
    words
}

#[test]
fn a_listener_hears_the_whole_life_of_a_job() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let (before, mut events) = jobs.events();
        assert!(before.is_empty());
        let job = jobs.start(shell("trap '' TERM; sleep 1000"), StdioSet::default()).await.expect("it starts");
        job.pause().await.expect("it stands still");
        job.resume().await.expect("it goes on");
        let memory_max = Some(MemoryLimit::Bytes(64 << 20));
        job.update(Limits { memory_max, ..Limits::default() }).await.expect("another limit");
        // Until it ignores the signal.
        tokio::time::sleep(Duration::from_millis(300)).await;
        job.stop_and_wait(Stopper::Caller, Some(Duration::from_millis(100))).await.expect("it ends");
        let heard = until_end(&mut events, job.id()).await;
        assert_eq!(heard, ["created", "started", "paused", "resumed", "updated", "stopping", "killing", "ended"]);
        jobs.remove(job.id()).expect("it has ended");
        assert!(matches!(events.next().await, Some(Heard::Event(event)) if event.change == Change::Removed));
        supervisor.close();
        assert_eq!(events.next().await, None, "nothing more will happen");
    });
}

#[test]
fn a_start_that_fails_is_told_with_its_reason() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let (_, mut events) = jobs.events();
        let spec = JobSpec::command("no-such-program").build().expect("a spec");
        jobs.start(spec, StdioSet::default()).await.expect_err("refused");
        assert!(matches!(events.next().await, Some(Heard::Event(event)) if event.change == Change::Created));
        let Some(Heard::Event(event)) = events.next().await else { panic!("the reason follows") };
        assert!(matches!(event.change, Change::NotStarted { why } if why.contains("no-such-program")));
        supervisor.close();
    });
}

#[test]
fn memory_that_was_short_is_told_before_the_end() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let (_, mut events) = jobs.events();
        let limits = Limits { memory_max: Some(MemoryLimit::Bytes(16 << 20)), ..Limits::default() };
        let spec = JobSpec::command("sh").args(["-c", "tail /dev/zero"]).limits(limits).build().expect("a spec");
        let job = jobs.start(spec, StdioSet::default()).await.expect("it starts");
        job.wait().await.expect("it ends");
        let heard = until_end(&mut events, job.id()).await;
        assert!(heard.contains(&"oom") && heard.last() == Some(&"ended"), "{heard:?}");
        supervisor.close();
    });
}

#[test]
fn a_list_and_the_events_behind_it_tell_each_thing_once_while_jobs_come_and_go() {
    with_threads(4, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let jobs = supervisor.jobs_of(Owner::default());
        let many = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.start_all((0..30).map(|_| (shell("true"), StdioSet::default())).collect()).await }
        });
        let mut listeners = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            listeners.push(jobs.events());
        }
        let started: Vec<JobId> =
            many.await.expect("no panic").into_iter().map(|job| job.expect("it starts")).map(|job| job.id()).collect();
        for id in &started {
            jobs.wait(*id).await.expect("it ends");
        }
        supervisor.close();
        for (listed, mut events) in listeners {
            let mut ended: Vec<JobId> =
                listed.iter().filter(|info| info.status.is_final()).map(|info| info.id).collect();
            let mut known: Vec<JobId> = listed.iter().map(|info| info.id).collect();
            while let Some(Heard::Event(event)) = events.next().await {
                match event.change {
                    Change::Created => known.push(event.id),
                    Change::Ended(_) => ended.push(event.id),
                    _ => assert!(known.contains(&event.id), "told of before it was there"),
                }
            }
            ended.sort();
            known.sort();
            let mut all = started.clone();
            all.sort();
            assert!(ended == all && known == all, "each once");
        }
        assert!(started.iter().all(|id| jobs.info(*id).is_ok_and(|info| info.status != Status::Running)));
    });
}
