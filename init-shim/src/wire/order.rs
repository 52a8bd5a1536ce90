//! What can be said and asked of an order as a whole.

use super::{ENTRIES_MOST, Order, SHIM_ID, What};
use crate::step::Step;

impl Order {
    /// Does a step.
    ///
    /// # Errors
    /// The step's.
    #[cfg(not(feature = "seam"))]
    pub fn step<E>(&self, _: Step, run: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        run()
    }

    /// Has the devices guarded, which is done outside of the shim.
    ///
    /// # Errors
    /// The guard's.
    pub fn guard<E>(&self, run: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        #[cfg(feature = "seam")]
        if self.left_out.contains(&0) {
            return Ok(());
        }
        run()
    }

    /// Does a step, unless a test has left it out.
    ///
    /// # Errors
    /// The step's.
    #[cfg(feature = "seam")]
    pub fn step<E>(&self, step: Step, run: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        if self.left_out.contains(&(step as u16)) { Ok(()) } else { run() }
    }

    /// What of it is the cell's and not the job's: the order for a cell that waits. Two orders with the same walls can be
    /// done in the same cell. How much a tmpfs may hold is set when the job comes.
    pub fn walls(&self) -> Self {
        let mut walls = Self {
            rlimits: Vec::new(),
            nice: None,
            umask: 0,
            cwd: b"/".to_vec(),
            programs: vec![Vec::new()],
            argv: vec![Vec::new()],
            env: Vec::new(),
            terminal: None,
            filter: Vec::new(),
            init_filter: Vec::new(),
            waits: true,
            ..self.clone()
        };
        for entry in &mut walls.entries {
            if let What::Tmpfs { size, .. } = &mut entry.what {
                *size = 0;
            }
        }
        walls
    }

    /// The order's bytes.
    ///
    /// # Panics
    /// Never: all types are plain data, which postcard can always write to a growing buffer.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("plain data encodes into memory")
    }

    /// The order in these bytes; `None` when they are not exactly one, or break a bound.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (order, rest) = postcard::take_from_bytes::<Self>(bytes).ok()?;
        let sane = rest.is_empty()
            && order.entries.len() <= ENTRIES_MOST
            && !order.argv.is_empty()
            && !order.programs.is_empty()
            && order.uid < SHIM_ID
            && order.gid < SHIM_ID;
        sane.then_some(order)
    }
}
