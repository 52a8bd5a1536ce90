//! From an ask to a running job and its driver.

mod begun;
mod cell;
mod planned;
mod runs;

use super::backend::Body;
use super::driver::{Driver, Ends, Listed, Seen};
use super::house::{CellHands, Hands, House};
use super::input::Inputs;
use super::job::{About, Job, Shared};
use super::lasting::{self, Recorded};
use super::output::{self, Recording};
use super::registry::Asked;
use super::request::{REQUESTS_MOST, StopRequest};
use super::warm::Prepared;
use super::{Backend, Error};
use crate::life::pace::Pace;
use crate::life::state::TimeLimits;
use crate::life::{Happening, Timeline};
use crate::os::cell::Looks;
use crate::os::stdio::Wired;
use crate::os::{self, stdio};
use crate::spec::{CpuMax, JobId, JobSpec, Owner, Stdio, StdioSet};
pub(super) use begun::Begun;
pub(super) use planned::{Planned, foreseen};
use std::sync::atomic::AtomicI32;
use std::sync::{Arc, Mutex};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Starts a job of an owner's. Returns when the target was executed; an error means that nothing is left of it.
pub(super) async fn start(
    house: &Arc<House>,
    owner: &Owner,
    spec: JobSpec,
    stdio: StdioSet,
    request: Option<Asked>,
) -> Result<Job, Error> {
    let hands = house.hands()?;
    let prepared = match &hands {
        Hands::Cells(cells) => house.warmth.prepare(cells, &spec),
        Hands::Other(_) => None,
    };
    // A cell that was built ahead has its name already, which is the random part of its job's id.
    let random = prepared.as_ref().and_then(Prepared::random).map_or_else(os::random, Ok)?;
    let id = JobId::of(os::unix_millis(), random);
    house.registry.enter(owner, &spec, id, request.as_ref())?;
    let mut seat = Seat { house: Arc::clone(house), id, taken: false, recorded: None };
    if let Some(lasting) = &house.lasting {
        seat.recorded = Some(Recorded::intend(lasting, id, owner, &spec, request.as_ref())?);
    }
    // In a task of its own: a caller that goes away in the middle must not leave half a cell.
    match tokio::spawn(seated(seat, hands, prepared, spec, stdio)).await {
        Ok(started) => started,
        // A panic is a bug of ours and goes on in the caller; the other way to lose a task is the runtime's end.
        Err(lost) => match lost.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::RuntimeEnded),
        },
    }
}

/// A place in the list for a job that is being started: given back with a start that is lost.
struct Seat {
    house: Arc<House>,
    id: JobId,
    taken: bool,
    /// Of a job that outlives its supervisor: that it is to be started.
    recorded: Option<Recorded>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.taken {
            self.house.registry.not_started(self.id, Error::RuntimeEnded.to_string());
        }
        self.recorded.take().into_iter().for_each(Recorded::not_begun);
    }
}

/// A start that is listed, to its answer.
async fn seated(
    mut seat: Seat,
    hands: Hands,
    prepared: Option<Prepared>,
    spec: JobSpec,
    stdio: StdioSet,
) -> Result<Job, Error> {
    let (house, id) = (Arc::clone(&seat.house), seat.id);
    let begun = begin(&mut seat, hands, prepared, spec, stdio).await;
    // Whatever became of it is told here.
    seat.taken = true;
    if let Err(error) = &begun {
        house.registry.not_started(id, error.to_string());
    }
    begun?
}

/// From spec to a running job; the inner error is that of one that runs and is let go again at once.
async fn begin(
    seat: &mut Seat,
    hands: Hands,
    prepared: Option<Prepared>,
    spec: JobSpec,
    stdio: StdioSet,
) -> Result<Result<Job, Error>, Error> {
    let (house, id) = (Arc::clone(&seat.house), seat.id);
    output::enforceable(&spec, &stdio)?;
    let (stdio, again) = runs::runs(&spec, stdio, seat.recorded.is_some())?;
    if let (Some(recorded), Some(again)) = (&mut seat.recorded, &again) {
        recorded.begins(again);
    }
    let files = house.disk().files(&spec, id)?;
    let mut begun = one(id, hands, prepared, &spec, stdio, seat.recorded.as_mut()).await?;
    begun.files = files;
    begun.recorded = seat.recorded.take();
    begun.again = again.map(Box::new);
    Ok(drive(&house, id, spec, begun))
}

/// One run: from a spec to what runs, and that it does written down where it outlives us.
pub(super) async fn one(
    id: JobId,
    hands: Hands,
    prepared: Option<Prepared>,
    spec: &JobSpec,
    stdio: StdioSet,
    recorded: Option<&mut Recorded>,
) -> Result<Begun, Error> {
    let asked = Instant::now();
    let stdio = match stdio.stdin {
        // What is written bit by bit would be cut when we die.
        Stdio::Bytes(bytes) if recorded.is_some() => StdioSet { stdin: Stdio::Fd(stdio::whole(&bytes)?), ..stdio },
        stdin => StdioSet { stdin, ..stdio },
    };
    let mut begun = match hands {
        Hands::Cells(hands) => in_cell(id, hands, prepared, spec, stdio, asked).await?,
        Hands::Other(backend) => in_none(id, &backend, spec, stdio, asked)?,
    };
    if let Some(recorded) = recorded
        && let Err(error) = lasting::outlive(&mut begun, recorded)
    {
        lasting::discard(begun.body).await;
        return Err(error);
    }
    Ok(begun)
}

/// A cell with the job in it.
async fn in_cell(
    id: JobId,
    hands: CellHands,
    prepared: Option<Prepared>,
    spec: &JobSpec,
    stdio: StdioSet,
    asked: Instant,
) -> Result<Begun, Error> {
    let mut prepared = match prepared {
        Some(prepared) => prepared,
        None => Prepared::cold(&hands, spec)?,
    };
    let limits = times(spec);
    let pace = Pace::new(limits.cpu, limits.idle, prepared.planned.processors, held_back(spec));
    let Wired { theirs, ours } = stdio::wire(stdio, spec.terminal().is_some())?;
    let name = (id.short(), id.as_uuid().as_u128());
    // Who waits to run matters for idleness alone; reading it has the kernel add up every processor's part.
    let looks = Looks { cpu: pace.looks(), waits: limits.idle.is_some() };
    let mut timeline = Timeline::default();
    let created = || {
        timeline.tell(asked.elapsed(), Happening::Created);
    };
    let warm = prepared.take();
    let (planned, name) = (&prepared.planned, (name.0.as_str(), name.1));
    let cell = cell::launched(&hands, warm, planned, name, looks, theirs, created).await;
    let plan = &planned.plan;
    let cell = cell.map_err(|error| Error::of(error, plan))?;
    timeline.tell(asked.elapsed(), Happening::Started);
    let about = About { digest: plan.digest(), walls: plan.walls.clone(), notes: plan.notes.clone() };
    let body = Body::Cell(Box::new(cell), hands.keeper);
    Ok(Begun { about, timeline, ..Begun::of(body, ours, (limits, pace), asked) })
}

/// The job in what is no cell.
fn in_none(id: JobId, backend: &Backend, spec: &JobSpec, stdio: StdioSet, asked: Instant) -> Result<Begun, Error> {
    backend.check(spec)?;
    let Wired { theirs, ours } = stdio::wire(stdio, false)?;
    let mut timeline = Timeline::default();
    timeline.tell(asked.elapsed(), Happening::Created);
    let body = backend.start(id, spec, theirs)?;
    timeline.tell(asked.elapsed(), Happening::Started);
    let limits = times(spec);
    // Nothing is looked at: there are no counters.
    let pace = Pace::new(None, None, 1, false);
    let (walls, notes) = backend.walls();
    // Without a plan there is no digest of one.
    let about = About { digest: String::new(), walls, notes };
    Ok(Begun { about, timeline, ..Begun::of(body, ours, (limits, pace), asked) })
}

/// The times that a job has.
pub(super) fn times(spec: &JobSpec) -> TimeLimits {
    TimeLimits { wall: spec.time(), cpu: spec.cpu_time(), idle: spec.idle() }
}

/// Lists a job that runs, and gives it its driver.
fn drive(house: &Arc<House>, id: JobId, spec: JobSpec, begun: Begun) -> Result<Job, Error> {
    let on_drop = spec.on_drop();
    let (shared, stops, driver) = driven(house, id, spec, begun);
    if let Some(again) = &driver.again {
        house.registry.runs_first(id, again.runs.clone());
    }
    // Before it is driven, or its end could be told before its beginning.
    let started = house.registry.started(&shared, &stops, on_drop);
    tokio::spawn(driver.run());
    // One that came too late for a supervisor that is closing is let go of here, and killed by that.
    started.map(|()| Job::new(shared, Some(stops)))
}

/// What is shared of a job, what holds it, and its driver, which is to run once it is listed.
type Driven = (Arc<Shared>, mpsc::Sender<StopRequest>, Driver);

/// Gives a job that runs its driver.
pub(super) fn driven(house: &Arc<House>, id: JobId, spec: JobSpec, begun: Begun) -> Driven {
    let Begun { body: mut cell, about, pace, limits, mut ours, files, asked, .. } = begun;
    let Begun { started, timeline, recorded, stopping, again, wait, .. } = begun;
    let (inputs, held) = Inputs::begin(ours.inlet, cell.take_terminal(), &mut ours.intakes);
    let spool = files.as_ref().and_then(|files| files.spool.clone());
    let record = if begun.taken_over { Recording::resume } else { Recording::begin };
    let (mut recording, log) = record(&spec, ours.intakes, files, asked);
    let ((stops, stops_heard), (asks, requests)) = (mpsc::channel(REQUESTS_MOST), mpsc::channel(REQUESTS_MOST));
    let ((timeline, happened), (outcome, told)) = (watch::channel(timeline), watch::channel(None));
    let listed = Listed { house: Arc::clone(house), id };
    let (effective, pid) = (Arc::new(Mutex::new(cell.effective())), Arc::new(AtomicI32::new(cell.pid())));
    let shared = Arc::new(Shared {
        id,
        pid: Arc::clone(&pid),
        effective: Arc::clone(&effective),
        about,
        requests: asks,
        timeline: happened,
        sink: Mutex::new(recording.sink(told.clone())),
        outcome: told,
        log,
        spool,
        inputs: inputs.clone(),
    });
    let driver = Driver {
        listed,
        grace: spec.grace(),
        ends: Ends { stops: stops_heard, requests, timeline, outcome },
        paused: cell.stands_still(),
        started,
        stopping,
        recorded,
        seen: Seen::default(),
        effective,
        cell,
        spec,
        relays: ours.relays,
        tail: ours.tail,
        inputs,
        held,
        recording,
        limits,
        pace,
        asked,
        again,
        wait,
        pid,
    };
    (shared, stops, driver)
}

/// Whether `cpu.max` can hold the job back.
pub(super) fn held_back(spec: &JobSpec) -> bool {
    matches!(spec.limits().cpu_max, Some(CpuMax::Millis(_)))
}
