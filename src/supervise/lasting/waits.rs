//! Jobs of which nothing runs, and which go on all the same: they wait for their next run.

use super::adopt::{Ask, about, files, go_on, paced};
use super::{Lasting, Recorded, ended};
use crate::life::restart::{Next, next};
use crate::life::{Cause, Exit, Outcome, Over, Status};
use crate::os::probe;
use crate::os::stdio::Ours;
use crate::supervise::backend::Body;
use crate::supervise::driver::Wait;
use crate::supervise::house::{CellHands, House};
use crate::supervise::start::Begun;
use crate::supervise::{Error, JobInfo};
use std::sync::Arc;
use tokio::time::Instant;

/// Goes on with its wait. A boot ends it: nothing that ran before another is gone on with.
///
/// # Errors
/// When the host is short of something.
pub(super) fn on(
    house: &Arc<House>,
    lasting: &Arc<Lasting>,
    hands: &CellHands,
    mut ask: Ask,
    wait: Wait,
) -> Result<(), Error> {
    if ask.record.boot != lasting.boot {
        let mut recorded = Recorded::again(lasting, ask.record);
        recorded.change(|record| record.runs.iter_mut().for_each(|runs| runs.over = Some(Over::HostRestarted)));
        recorded.ended(&wait.last, None);
        ask.record = recorded.record().clone();
        ended::ended(house, ask);
        return Ok(());
    }
    let host = probe::facts(&ask.spec, hands.base.hierarchy().clone())?;
    let (about, pace, asked) = (about(&ask.spec, &host), paced(&ask.spec, &host), ask.record.asked());
    let again = ask.record.runs.as_ref().map(|runs| Box::new(runs.again()));
    let recorded = Some(Recorded::again(lasting, ask.record.clone()));
    let info = JobInfo { status: Status::Starting, ..ask.info() };
    let (files, wait) = (files(house, &ask), Some(Box::new(wait)));
    let begun = Begun { about, files, recorded, again, wait, ..Begun::of(Body::Nothing, Ours::default(), pace, asked) };
    go_on(house, &ask, info, begun);
    Ok(())
}

/// A run that is gone, nobody knows how: another follows, if its policy says so.
///
/// # Errors
/// As [`on`].
pub(super) fn lost(house: &Arc<House>, lasting: &Arc<Lasting>, hands: &CellHands, mut ask: Ask) -> Result<(), Error> {
    let last = Outcome::of(Exit::Unknown, Cause::Lost);
    let again = ask.record.runs.as_ref().filter(|_| ask.record.boot == lasting.boot).map(|runs| runs.again());
    let (Some(mut again), None) = (again, &ask.record.stopping) else {
        ended::lost(house, lasting, ask);
        return Ok(());
    };
    let Some(Next::Again { after, in_a_row }) = next(ask.spec.restart(), again.in_a_row, &last) else {
        ended::lost(house, lasting, ask);
        return Ok(());
    };
    again.ended(&last);
    again.in_a_row = in_a_row;
    let until = Instant::now() + after;
    let mut recorded = Recorded::again(lasting, ask.record);
    recorded.waits(&again, &last, until);
    ask.record = recorded.record().clone();
    on(house, lasting, hands, ask, Wait { until, last })
}
