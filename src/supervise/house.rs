//! What all handles of one supervisor share: the list of its jobs, and what a start needs as long as it is open.

use super::lasting::Lasting;
use super::output::Disk;
use super::registry::Registry;
use super::warm::Warmth;
use super::{Backend, Bounds, Error};
use crate::os::cgroup::{Base, DeviceGuard};
use crate::os::keeper::Keeper;
use crate::plan::host::Hierarchy;
use std::sync::{Arc, Mutex, PoisonError};

/// An open supervisor's insides; a closed one's list.
#[derive(Debug)]
pub(super) struct House {
    pub registry: Registry,
    hierarchy: Option<Hierarchy>,
    backend: &'static str,
    /// Where output is written, beside its logs.
    disk: Mutex<Arc<Disk>>,
    /// `None` once it is closed.
    hands: Mutex<Option<Hands>>,
    /// The cells that were built ahead.
    pub warmth: Warmth,
    /// Where it is written down what becomes of jobs that outlive it.
    pub lasting: Option<Arc<Lasting>>,
}

/// What a start needs of its supervisor.
#[derive(Debug, Clone)]
pub(super) enum Hands {
    /// To make cells.
    Cells(CellHands),
    /// To do without.
    Other(Backend),
}

/// What it takes to make cells.
#[derive(Debug, Clone)]
pub(super) struct CellHands {
    // The order matters: the base is let go before the keeper is told to close, so that the keeper can remove it.
    pub base: Arc<Base>,
    pub keeper: Arc<Keeper>,
    pub devices: Arc<DeviceGuard>,
}

impl House {
    /// One that is open and empty.
    pub fn new(hands: Hands, bounds: Bounds, lasting: Option<Arc<Lasting>>) -> Self {
        let (hierarchy, backend) = match &hands {
            Hands::Cells(cells) => (Some(cells.base.hierarchy().clone()), "cell"),
            Hands::Other(backend) => (None, backend.name()),
        };
        Self {
            registry: Registry::new(bounds, lasting.clone()),
            hierarchy,
            backend,
            disk: Mutex::default(),
            hands: Mutex::new(Some(hands)),
            warmth: Warmth::default(),
            lasting,
        }
    }

    /// Where its cells are made.
    ///
    /// # Errors
    /// When it makes none.
    pub fn hierarchy(&self) -> Result<&Hierarchy, Error> {
        let none = Error::Unsupported { backend: self.backend, what: "plan a cell" };
        self.hierarchy.as_ref().ok_or(none)
    }

    /// What a start needs.
    ///
    /// # Errors
    /// When it is closed.
    pub fn hands(&self) -> Result<Hands, Error> {
        let hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        hands.clone().ok_or(Error::ShuttingDown)
    }

    /// Gives it a place for spools.
    pub fn spool_in(&self, disk: Disk) {
        *self.disk.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(disk);
    }

    /// Where output is written.
    pub fn disk(&self) -> Arc<Disk> {
        Arc::clone(&self.disk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Closes it, once: the keeper goes, and the place for cells, if nobody else has one there. Whether it was open.
    pub fn close(&self) -> bool {
        self.registry.close();
        self.warmth.close();
        let hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner).take();
        let CellHands { base, keeper, devices: _ } = match hands {
            None => return false,
            Some(Hands::Other(_)) => return true,
            Some(Hands::Cells(hands)) => hands,
        };
        // The base is let go first: the keeper removes it as soon as nobody holds it.
        let place = Arc::into_inner(base).map(Base::let_go);
        if place.is_some() {
            // Else a start is under way, and the keeper hears of the end when that has ended, too.
            keeper.close();
        }
        drop(keeper);
        // Had the keeper died before, it would still be there. One that is in use is the next one's to remove.
        let _ = place.map(|place| place.remove_if_empty());
        true
    }

    /// The supervisor goes, and its jobs stay: nothing that is dropped from now on is any job's end.
    pub fn leave(&self) {
        self.registry.leave();
        self.warmth.close();
        if let Ok(Hands::Cells(hands)) = self.hands() {
            hands.keeper.leave();
        }
    }

    /// The supervisor is gone without being closed: every job ends.
    pub fn abandon(&self) {
        self.registry.abandon();
        self.close();
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}
