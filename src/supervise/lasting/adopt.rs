//! The next supervisor: from records and held descriptors to jobs, each running on, ended, or lost.

use super::record::{Begun as Written, Record, Recorded};
use super::runs::Runs;
use super::{Lasting, discard, ended, waits};
use crate::life::pace::Pace;
use crate::life::state::TimeLimits;
use crate::life::{Happening, Status, Timeline};
use crate::os::OsError;
use crate::os::cell::{Cell, Known, Looks};
use crate::os::cgroup;
use crate::os::keeper::{HeldJob, Release};
use crate::os::probe;
use crate::os::stdio::Ours;
use crate::plan::Plan;
use crate::plan::host::Host;
use crate::spec::{JobSpec, Keep, OnDrop, Owner};
use crate::supervise::backend::Body;
use crate::supervise::house::{CellHands, House};
use crate::supervise::job::About;
use crate::supervise::output::Files;
use crate::supervise::registry::Hold;
use crate::supervise::start::{Begun, driven, held_back, times};
use crate::supervise::{Error, JobInfo};
use std::collections::HashMap;
use std::sync::Arc;

/// Takes over every job of the supervisor before. What cannot be taken over is told, ended and removed.
///
/// # Errors
/// When the records cannot be listed, or a job cannot be taken over for want of something: then all go on under their keeper,
/// for the next try.
pub async fn adopt(
    house: &Arc<House>,
    lasting: &Arc<Lasting>,
    hands: &CellHands,
    held: Vec<HeldJob>,
) -> Result<(), Error> {
    let mut held: HashMap<String, HeldJob> = held.into_iter().map(|held| (held.name.clone(), held)).collect();
    for record in lasting.records()? {
        let held = held.remove(&record.id.short());
        one(house, lasting, hands, record, held).await?;
    }
    // Of these nothing is written down, so nobody was ever told of them, or they were removed.
    for stray in held.into_values() {
        end(hands, stray).await;
    }
    Ok(())
}

/// One job, by its record.
async fn one(
    house: &Arc<House>,
    lasting: &Arc<Lasting>,
    hands: &CellHands,
    record: Record,
    held: Option<HeldJob>,
) -> Result<(), Error> {
    let id = record.id;
    let (spec, owner) = match (record.spec(), record.owner()) {
        (Ok(spec), Ok(owner)) => (spec, owner),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%id, %error, "the record of a job has no meaning any more, and is removed with its job");
            lasting.remove(id, Keep::WithJob);
            if let Some(held) = held {
                end(hands, held).await;
            }
            return Ok(());
        }
    };
    let mut ask = Ask { record, spec, owner };
    if held.is_some() && ask.record.ended.is_none() && ask.record.begun.is_none() && !ask.record.rests() {
        // It runs, and whoever was about to write that down is gone.
        ask.record.begun = Some(Written::now());
        ask.record.runs.iter_mut().for_each(Runs::begun);
    }
    let begun = ask.record.begun.clone().filter(|_| ask.record.boot == lasting.boot && ask.record.ended.is_none());
    match (begun, held) {
        (Some(begun), Some(held)) => {
            let job = held.job;
            match running(house, lasting, hands, &ask, &begun, held) {
                // What the keeper holds is no job's.
                Err(Error::Os(error)) if error.is_nonsense() => {
                    tracing::error!(%id, %error, "a running job could not be taken over, and ends");
                    // With the last of its lease its cell ends, and the sweep removes it.
                    hands.keeper.forget(job);
                    ended::lost(house, lasting, ask);
                }
                // The host is short of something: the job runs on under its keeper, for a supervisor that has it.
                other => other?,
            }
        }
        (_, held) => over(house, lasting, hands, ask, held).await?,
    }
    Ok(())
}

/// One job that does not run any more, or never did.
async fn over(
    house: &Arc<House>,
    lasting: &Arc<Lasting>,
    hands: &CellHands,
    mut ask: Ask,
    held: Option<HeldJob>,
) -> Result<(), Error> {
    if let Some(held) = held {
        end(hands, held).await;
    }
    match (&ask.record.ended, &ask.record.begun) {
        (Some(_), _) => ended::ended(house, ask),
        _ if let Some(wait) = ask.record.runs.as_ref().and_then(Runs::wait) => {
            // A cell under a record that begins is the new run's: it may have run, and nobody can tell.
            if !ask.record.rests() && had_cell(hands, &ask) {
                ask.record.runs.iter_mut().for_each(Runs::begun);
                return waits::lost(house, lasting, hands, ask);
            }
            ask.record.runs.iter_mut().for_each(Runs::not_begun);
            return waits::on(house, lasting, hands, ask, wait);
        }
        (None, Some(_)) => {
            had_cell(hands, &ask);
            return waits::lost(house, lasting, hands, ask);
        }
        // It never ran, or nobody was told that it did.
        (None, None) => ended::not_begun(house, lasting, ask),
    }
    Ok(())
}

/// Whether there was a cell of this job. Nobody holds it for us; whoever does all the same must not go on with it unseen, so it
/// is ended and removed.
fn had_cell(hands: &CellHands, ask: &Ask) -> bool {
    let id = ask.record.id;
    let ended = match ask.spec.cgroup_parent() {
        None => cgroup::end(&hands.base, &id.short()),
        Some(parent) => cgroup::end_below(hands.base.hierarchy(), parent, &id.short()),
    };
    ended.unwrap_or_else(|error| {
        tracing::error!(%id, %error, "the cell of a lost job could not be removed");
        true
    })
}

/// What is known of a job that was asked for.
pub(super) struct Ask {
    pub record: Record,
    pub spec: JobSpec,
    pub owner: Owner,
}

impl Ask {
    /// What the list tells of it, as one that runs in this.
    fn running(&self, body: &Body) -> JobInfo {
        let status = match (&self.record.stopping, body.stands_still()) {
            (Some(_), _) => Status::Stopping,
            (None, true) => Status::Paused,
            (None, false) => Status::Running,
        };
        JobInfo { pid: Some(body.pid()), status, ..self.info() }
    }

    /// What the list tells of it, as one that runs.
    pub fn info(&self) -> JobInfo {
        let (record, spec) = (&self.record, &self.spec);
        JobInfo {
            id: record.id,
            name: spec.name().map(str::to_owned),
            argv: spec.argv().to_vec(),
            owner: self.owner.clone(),
            pid: None,
            status: Status::Running,
            created: record.created(),
            started: record.begun.as_ref().map(|begun| begun.when().0),
            ended: None,
            labels: spec.labels().clone(),
            exit: None,
            cause: None,
            output: 0..0,
            runs: record.runs.as_ref().map(|runs| runs.runs.clone()).unwrap_or_default(),
            over: record.runs.as_ref().and_then(|runs| runs.over),
        }
    }
}

/// A job that runs on.
fn running(
    house: &Arc<House>,
    lasting: &Arc<Lasting>,
    hands: &CellHands,
    ask: &Ask,
    begun: &Written,
    held: HeldJob,
) -> Result<(), Error> {
    let spec = &ask.spec;
    let host = probe::facts(spec, hands.base.hierarchy().clone())?;
    let pace = paced(spec, &host);
    let looks = Looks { cpu: pace.1.looks(), waits: pace.0.idle.is_some() };
    let (body, ours) = body(hands, held, begun, (looks, spec.cgroup_parent().is_some()))?;
    let (asked, (_, started)) = (ask.record.asked(), begun.when());
    let mut timeline = Timeline::default();
    timeline.tell(std::time::Duration::ZERO, Happening::Created);
    timeline.tell(started - asked, Happening::Started);
    let about = about(spec, &host);
    let stopping = ask.record.stopping.clone();
    let info = ask.running(&body);
    let recorded = Some(Recorded::again(lasting, ask.record.clone()));
    let files = files(house, ask);
    let again = ask.record.runs.as_ref().map(|runs| Box::new(runs.again()));
    let begun =
        Begun { about, files, started, timeline, recorded, stopping, again, ..Begun::of(body, ours, pace, asked) };
    go_on(house, ask, info, begun);
    Ok(())
}

/// Lists a job that goes on, and gives it its driver.
pub(super) fn go_on(house: &Arc<House>, ask: &Ask, info: JobInfo, begun: Begun) {
    let begun = Begun { taken_over: true, ..begun };
    let (shared, stops, driver) = driven(house, ask.record.id, ask.spec.clone(), begun);
    let hold = match ask.spec.on_drop() {
        OnDrop::Detach => Hold::Strong(stops),
        // Whoever held it is gone, and so is the job.
        OnDrop::Kill => Hold::Weak(stops.downgrade()),
    };
    // Listed before it is driven, or its end could be told before.
    house.registry.restore(info, ask.record.request.clone(), shared, hold);
    tokio::spawn(driver.run());
}

/// What its times and its looks are.
pub(super) fn paced(spec: &JobSpec, host: &Host) -> (TimeLimits, Pace) {
    let limits = times(spec);
    let pace = Pace::new(limits.cpu, limits.idle, probe::processors(host), held_back(spec));
    (limits, pace)
}

/// The same walls as then: they are what was asked for, and this host's own. One that has changed so that the same could not be
/// started any more has a job all the same.
pub(super) fn about(spec: &JobSpec, host: &Host) -> About {
    match Plan::of(spec, host) {
        Ok(plan) => About { digest: plan.digest(), walls: plan.walls, notes: plan.notes },
        Err(refusal) => About { notes: vec![refusal.to_string()], ..About::default() },
    }
}

/// Its files. Without them a job is better off than without its life: what it writes is in memory then.
pub(super) fn files(house: &House, ask: &Ask) -> Option<Files> {
    let id = ask.record.id;
    house.disk().reopen(&ask.spec, id).unwrap_or_else(|error| {
        tracing::error!(%id, %error, "the output of a job cannot be gone on with, and is kept in memory from here on");
        None
    })
}

/// The cell and our ends of its streams.
fn body(
    hands: &CellHands,
    held: HeldJob,
    begun: &Written,
    (looks, guest): (Looks, bool),
) -> Result<(Body, Ours), OsError> {
    let known = Known { effective: begun.effective.clone(), above_before: begun.above_before, looks, guest };
    let (cell, kept) = Cell::take_over(held, &hands.base, known)?;
    let mut ours = Ours::held(kept)?;
    let (keeper, job) = (&hands.keeper, cell.keeper_job());
    ours.closes(|role| Release { keeper: Arc::clone(keeper), job, role });
    Ok((Body::Cell(Box::new(cell), Arc::clone(keeper)), ours))
}

/// Ends a cell that is nobody's.
async fn end(hands: &CellHands, held: HeldJob) {
    let job = held.job;
    let known =
        Known { effective: Vec::new(), above_before: None, looks: Looks { cpu: false, waits: false }, guest: false };
    match Cell::take_over(held, &hands.base, known) {
        Ok((cell, _)) => discard(Body::Cell(Box::new(cell), Arc::clone(&hands.keeper))).await,
        Err(error) => {
            tracing::error!(%error, "a cell that is nobody's could not be ended; it ends with its lease");
            hands.keeper.forget(job);
        }
    }
}
