//! The removal of spools that are kept and that nobody holds any more.

use super::disk::Disk;
use crate::life::retention::{Finished, Retain};
use crate::supervise::Error;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Spools that were removed.
    pub removed: usize,
    /// Bytes of disk that they had.
    pub bytes: u64,
    /// Spools that could not be looked at, or are still there although they should have gone; why is told to the log.
    pub failed: usize,
}

impl Disk {
    /// Removes what `retain` does not keep of the spools that nobody holds.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn purge(&self, retain: &Retain) -> Result<Purged, Error> {
        let Some(dir) = self.dir() else { return Ok(Purged::default()) };
        let (free, failed) = dir.free()?;
        let mut free: Vec<_> = free.into_iter().map(Some).collect();
        let sizes: Vec<Finished> =
            free.iter().flatten().map(|spool| Finished { age: spool.age, bytes: spool.bytes }).collect();
        let mut purged = Purged { failed, ..Purged::default() };
        for victim in retain.victims(&sizes) {
            let Some(spool) = free[victim].take() else { continue };
            match spool.remove() {
                Ok(false) => {}
                Ok(true) => {
                    purged.removed += 1;
                    purged.bytes += sizes[victim].bytes;
                }
                Err(error) => {
                    tracing::warn!(%error, "a spool could not be removed");
                    purged.failed += 1;
                }
            }
        }
        Ok(purged)
    }
}
