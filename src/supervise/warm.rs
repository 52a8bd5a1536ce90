//! Cells that are built ahead: as many as were asked for wait for jobs that want their walls, and when starts leave time for
//! it new ones take the place of those that have gone. No cell is ever a second job's.

mod pool;

use super::Error;
use super::house::{CellHands, Hands, House};
use super::start::Planned;
use crate::os::cell::{Shape, WarmCell};
use crate::os::keeper::Keeper;
use crate::plan::Refusal;
use crate::spec::JobSpec;
use pool::{Pool, Ready};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Cells that one supervisor has waiting at most, of all kinds: each has two processes' worth of kernel memory, a network
/// namespace and eight descriptors.
pub const WARM_MOST: usize = 256;

/// So long no start may have been asked for before another cell is built: the keeper builds one at a time, and a job that is
/// asked for now comes first.
const IDLE_FOR: Duration = Duration::from_millis(5);

/// So long a cell is put off at most: where starts never cease, each of them waits a little in place of all of them for long.
const PUT_OFF_MOST: Duration = Duration::from_millis(100);

/// The pause after a cell that could not be built: what is missing (memory, ids) comes back with time or not at all.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What one supervisor has waiting.
#[derive(Debug, Default)]
pub(super) struct Warmth {
    pools: Mutex<Vec<Arc<Pool>>>,
    /// Nothing is built ahead any more. Set and asked under the lock of the pools.
    closed: AtomicBool,
    last_start: Mutex<Option<Instant>>,
}

/// What was found for a job before its start: its plan, and a cell if there is one for it.
#[derive(Debug)]
pub(super) struct Prepared {
    /// The job's plan.
    pub planned: Planned,
    ready: Option<Ready>,
    pool: Option<Arc<Pool>>,
}

impl Prepared {
    /// Where no cells are built ahead.
    ///
    /// # Errors
    /// Why there is no such plan.
    pub fn cold(hands: &CellHands, spec: &JobSpec) -> Result<Self, Error> {
        Ok(Self { planned: Planned::of(hands, spec)?, ready: None, pool: None })
    }

    /// The random part that the job's id must have.
    pub fn random(&self) -> Option<[u8; 10]> {
        self.ready.as_ref().map(|ready| ready.random)
    }

    /// The cell for the job.
    pub fn take(&mut self) -> Option<WarmCell> {
        self.ready.take().map(|ready| ready.cell)
    }
}

impl Drop for Prepared {
    /// Its id may be known already, so it is no other job's either.
    fn drop(&mut self) {
        if let (Some(ready), Some(pool)) = (self.ready.take(), &self.pool) {
            pool.state().unfit.push(ready.cell);
            pool.changed.notify_one();
        }
    }
}

impl Warmth {
    /// The plan of a job that is to be started, and a cell that was built for such a one. Nothing where no cells are built
    /// ahead, and where there is no such plan: why, the start itself will tell.
    pub fn prepare(&self, hands: &CellHands, spec: &JobSpec) -> Option<Prepared> {
        *self.last_start.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let pools = self.pools().clone();
        // Below another manager's cgroup none was built.
        if pools.is_empty() || spec.cgroup_parent().is_some() {
            return None;
        }
        let planned = Planned::of(hands, spec).ok()?;
        let shape = Shape::of(&planned.plan);
        let found = pools.iter().find_map(|pool| pool.take(&shape).map(|ready| (ready, Arc::clone(pool))));
        let (ready, pool) = found.unzip();
        Some(Prepared { planned, ready, pool })
    }

    /// How many wait.
    pub fn ready(&self) -> usize {
        self.pools().iter().map(|pool| pool.state().ready.len()).sum()
    }

    /// No start was asked for just now.
    fn is_idle(&self) -> bool {
        let last = *self.last_start.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_none_or(|last| last.elapsed() >= IDLE_FOR)
    }

    /// Lets go of all, at once: their first processes end, and the keeper clears away what is left when it goes.
    pub fn close(&self) {
        self.shut().into_iter().for_each(|pool| drop(pool.close()));
    }

    /// Ends all, and waits until they are gone.
    pub async fn end(&self, keeper: &Keeper) {
        for pool in self.shut() {
            pool.end(keeper).await;
        }
    }

    /// All pools, when there are to be no more.
    fn shut(&self) -> Vec<Arc<Pool>> {
        let mut pools = self.pools();
        self.closed.store(true, Ordering::Relaxed);
        std::mem::take(&mut *pools)
    }

    /// Ends one pool, and waits until its cells are gone.
    async fn give_up(&self, pool: &Arc<Pool>, keeper: &Keeper) {
        self.pools().retain(|known| !Arc::ptr_eq(known, pool));
        pool.end(keeper).await;
    }

    fn pools(&self) -> MutexGuard<'_, Vec<Arc<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool for jobs like this one, which from now on has `wanted` cells; whether it is new.
    fn pool(&self, like: &JobSpec, wanted: usize) -> Result<(Arc<Pool>, bool), Error> {
        let mut pools = self.pools();
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::ShuttingDown);
        }
        let others: usize = pools.iter().filter(|pool| pool.like != *like).map(|pool| pool.state().wanted).sum();
        if others + wanted > WARM_MOST {
            return Err(Error::TooManyWarm { asked: wanted, left: WARM_MOST.saturating_sub(others) });
        }
        if let Some(pool) = pools.iter().find(|pool| pool.like == *like) {
            pool.state().wanted = wanted;
            return Ok((Arc::clone(pool), false));
        }
        let pool = Arc::new(Pool::new(like, wanted));
        pools.push(Arc::clone(&pool));
        Ok((pool, true))
    }
}

/// From now on `cells` cells for jobs like this one wait; returns when they do.
///
/// # Errors
/// When one could not be built: those that were built wait all the same.
pub(super) async fn warm(house: &Arc<House>, like: &JobSpec, cells: usize) -> Result<(), Error> {
    let hands = cell_hands(house)?;
    if let Some(parent) = like.cgroup_parent() {
        return Err(elsewhere(parent).into());
    }
    Planned::of(&hands, like)?;
    let (pool, new) = house.warmth.pool(like, cells)?;
    if new {
        tokio::spawn(tend(Arc::downgrade(house), Arc::clone(&pool)));
    }
    if cells == 0 {
        house.warmth.give_up(&pool, &hands.keeper).await;
        return Ok(());
    }
    pool.clear(&hands).await;
    while pool.lacks() {
        pool.build(&hands).await?;
    }
    Ok(())
}

/// Those that wait are in our own place: another manager may take its away at any time.
fn elsewhere(parent: &Path) -> Refusal {
    Refusal {
        field: "--cgroup-parent".to_owned(),
        value: parent.display().to_string(),
        problem: "no cells are built ahead below another manager's cgroup".to_owned(),
        remedy: "leave it out: a job that asks for it is started as ever".to_owned(),
    }
}

/// What it takes to make cells, where cells are made.
fn cell_hands(house: &House) -> Result<CellHands, Error> {
    match house.hands()? {
        Hands::Cells(hands) => Ok(hands),
        Hands::Other(backend) => Err(Error::Unsupported { backend: backend.name(), what: "build cells ahead" }),
    }
}

/// Builds new cells in the place of those that were taken, as long as the supervisor is open.
async fn tend(house: Weak<House>, pool: Arc<Pool>) {
    loop {
        pool.changed.notified().await;
        let mut put_off = Duration::ZERO;
        while pool.has_work() {
            let Some(house) = house.upgrade() else { return };
            if !house.warmth.is_idle() && put_off < PUT_OFF_MOST {
                drop(house);
                sleep(IDLE_FOR).await;
                put_off += IDLE_FOR;
                continue;
            }
            let Ok(hands) = cell_hands(&house) else { return };
            drop(house);
            pool.clear(&hands).await;
            if pool.lacks()
                && let Err(error) = pool.build(&hands).await
            {
                tracing::warn!(%error, "a cell could not be built ahead");
                drop(hands);
                sleep(AGAIN_AFTER).await;
            }
        }
        if pool.state().closed {
            return;
        }
    }
}
