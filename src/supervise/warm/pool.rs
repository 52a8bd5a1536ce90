//! The cells that wait for one kind of job.

use crate::os;
use crate::os::cell::{CellError, Shape, WarmCell};
use crate::os::keeper::Keeper;
use crate::spec::{JobId, JobSpec};
use crate::supervise::Error;
use crate::supervise::house::CellHands;
use crate::supervise::start::Planned;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The cells for one kind of job.
#[derive(Debug)]
pub struct Pool {
    pub like: JobSpec,
    state: Mutex<State>,
    /// Told when there may be work.
    pub changed: Notify,
}

#[derive(Debug, Default)]
pub struct State {
    pub wanted: usize,
    pub closed: bool,
    pub ready: VecDeque<Ready>,
    /// Those that show what the host has no more, and those whose job was not to be.
    pub unfit: Vec<WarmCell>,
}

/// A cell that waits, and what its job's id will end with: by that its cgroup is named.
#[derive(Debug)]
pub struct Ready {
    pub random: [u8; 10],
    pub cell: WarmCell,
}

impl Pool {
    pub fn new(like: &JobSpec, wanted: usize) -> Self {
        let state = Mutex::new(State { wanted, ..State::default() });
        Self { like: like.clone(), state, changed: Notify::new() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cell of this shape that shows what the host has now. Those that do not are for nobody.
    pub fn take(&self, shape: &Shape) -> Option<Ready> {
        let mut state = self.state();
        // Built one after the other, so nearly always all of them fit or none.
        let at = state.ready.iter().position(|ready| ready.cell.fits(shape))?;
        let found = state.ready.remove(at)?;
        self.changed.notify_one();
        if found.cell.is_current() {
            return Some(found);
        }
        let stale: Vec<WarmCell> = state.ready.drain(..).map(|ready| ready.cell).collect();
        state.unfit.push(found.cell);
        state.unfit.extend(stale);
        None
    }

    pub fn has_work(&self) -> bool {
        let state = self.state();
        !state.closed && (state.ready.len() != state.wanted || !state.unfit.is_empty())
    }

    pub fn lacks(&self) -> bool {
        let state = self.state();
        !state.closed && state.ready.len() < state.wanted
    }

    /// Ends what is for nobody, and what is more than was asked for.
    pub async fn clear(&self, hands: &CellHands) {
        let unfit: Vec<WarmCell> = {
            let mut state = self.state();
            let most = state.wanted.min(state.ready.len());
            let surplus: Vec<WarmCell> = state.ready.split_off(most).into_iter().map(|ready| ready.cell).collect();
            state.unfit.drain(..).chain(surplus).collect()
        };
        for cell in unfit {
            cell.dismiss(&hands.keeper).await;
        }
    }

    /// Builds one more.
    pub async fn build(&self, hands: &CellHands) -> Result<(), Error> {
        let Planned { plan, base, .. } = Planned::of(hands, &self.like)?;
        let random = os::random()?;
        let id = JobId::of(os::unix_millis(), random);
        let name = (id.short(), id.as_uuid().as_u128());
        let told = |error: CellError| Error::of(error, &plan);
        let CellHands { keeper, devices, .. } = hands;
        let cell = WarmCell::build(&base, devices, (&name.0, name.1), &plan, keeper).await.map_err(told)?;
        let late = {
            let mut state = self.state();
            if state.closed {
                Some(cell)
            } else {
                state.ready.push_back(Ready { random, cell });
                if state.ready.len() > state.wanted {
                    // Another was building as well.
                    self.changed.notify_one();
                }
                None
            }
        };
        if let Some(cell) = late {
            cell.dismiss(keeper).await;
        }
        Ok(())
    }

    /// Nothing waits here any more, and nothing will; returns when all that did is gone.
    pub async fn end(&self, keeper: &Keeper) {
        for cell in self.close() {
            cell.dismiss(keeper).await;
        }
    }

    /// Nothing waits here any more, and nothing will.
    pub fn close(&self) -> Vec<WarmCell> {
        let mut state = self.state();
        state.closed = true;
        self.changed.notify_one();
        let State { ready, unfit, .. } = &mut *state;
        ready.drain(..).map(|ready| ready.cell).chain(unfit.drain(..)).collect()
    }
}
