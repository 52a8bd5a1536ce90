//! Jobs that had ended before this supervisor began, listed with how they ended and their output; and those that are lost.

use super::adopt::Ask;
use super::{Lasting, Recorded};
use crate::life::log::Log;
use crate::life::{Cause, Exit, Outcome, Status};
use crate::spec::Keep;
use crate::supervise::house::House;
use crate::supervise::input::Inputs;
use crate::supervise::job::{About, Shared};
use crate::supervise::registry::Hold;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};

/// One that ended, and that was written down.
pub(super) fn ended(house: &Arc<House>, ask: Ask) {
    let Some(finished) = &ask.record.ended else { return };
    let (outcome, mut info) = (finished.outcome.clone(), ask.info());
    (info.ended, info.status) = (Some(finished.when()), Status::of(&outcome));
    (info.exit, info.cause) = (Some(outcome.exit), Some(outcome.cause.clone()));
    let shared = shared(house, &ask, outcome);
    house.registry.restore(info, ask.record.request.clone(), shared, Hold::None);
}

/// One that ran, and is gone, nobody knows how: its supervisor and its keeper died together, and it with them.
pub(super) fn lost(house: &Arc<House>, lasting: &Arc<Lasting>, ask: Ask) {
    let Ask { record, spec, owner } = ask;
    let mut recorded = Recorded::again(lasting, record);
    recorded.ended(&Outcome::of(Exit::Unknown, Cause::Lost), None);
    ended(house, Ask { record: recorded.record().clone(), spec, owner });
}

/// One that nobody was told of: there is nothing to tell of it now either. But that of a named request may have begun, and
/// will be asked for again: it is not started twice.
pub(super) fn not_begun(house: &Arc<House>, lasting: &Arc<Lasting>, ask: Ask) {
    if ask.record.request.is_some() {
        return lost(house, lasting, ask);
    }
    // Its files go with whoever lets go of them; there may be none yet.
    drop(house.disk().of_ended(&ask.spec, ask.record.id, None));
    lasting.remove(ask.record.id, Keep::WithJob);
}

/// What handles of it share: nobody drives it, and nobody ever will.
fn shared(house: &Arc<House>, ask: &Ask, outcome: Outcome) -> Arc<Shared> {
    let (id, spec) = (ask.record.id, &ask.spec);
    let end = ask.record.ended.as_ref().and_then(|finished| finished.log.clone());
    let (log, spool) = house.disk().of_ended(spec, id, end).unwrap_or_else(|error| {
        tracing::error!(%id, %error, "the output of a job that has ended cannot be read");
        let mut log = Log::new(0);
        log.seal(false);
        (watch::channel(log).1, None)
    });
    let effective = ask.record.begun.as_ref().map(|begun| begun.effective.clone()).unwrap_or_default();
    Arc::new(Shared {
        id,
        pid: Arc::default(),
        effective: Arc::new(Mutex::new(effective)),
        about: About::default(),
        // Closed at once: whoever asks is told that it has ended.
        requests: mpsc::channel(1).0,
        timeline: watch::channel(outcome.evidence.timeline.clone()).1,
        sink: Mutex::new(None),
        outcome: watch::channel(Some(outcome)).1,
        log,
        spool,
        inputs: Inputs::default(),
    })
}
