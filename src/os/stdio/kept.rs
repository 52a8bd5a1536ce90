//! A job's streams of a supervisor that is gone, as the keeper held them.

use super::{Inlet, Intake, Ours, WiredInlet};
use crate::life::Stream;
use crate::os::keeper::Release;
use crate::os::{Doing, OsError};
use init_shim::socket::Role;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};

impl Ours {
    /// Each descriptor that a next supervisor needs, by what it is.
    pub fn to_hold(&self) -> Vec<(Role, BorrowedFd<'_>)> {
        let outputs = self.intakes.iter().map(|(stream, intake)| {
            let role = match stream {
                Stream::Stdout => Role::Stdout,
                Stream::Stderr => Role::Stderr,
            };
            (role, intake.as_fd())
        });
        let input = self.inlet.as_ref().map(|wired| (Role::Stdin, wired.inlet.as_fd()));
        outputs.chain(input).collect()
    }

    /// When the input is closed, so is its copy.
    pub fn closes(&mut self, release: impl FnOnce(Role) -> Release) {
        if let Some(wired) = &mut self.inlet {
            wired.inlet.closes(release(Role::Stdin));
        }
    }

    /// Those that were held.
    ///
    /// # Errors
    /// Outside of a tokio runtime with IO.
    pub fn held(kept: Vec<(Role, OwnedFd)>) -> Result<Self, OsError> {
        let failed = |error| OsError::new(Doing::Watch, "a job's streams", error);
        let mut ours = Self::default();
        for (role, fd) in kept {
            match role {
                Role::Stdout => ours.intakes.push((Stream::Stdout, Intake::of(fd).map_err(failed)?)),
                Role::Stderr => ours.intakes.push((Stream::Stderr, Intake::of(fd).map_err(failed)?)),
                Role::Stdin => {
                    ours.inlet = Some(WiredInlet { inlet: Inlet::of(fd).map_err(failed)?, whole: None });
                }
                // Of the cell itself.
                Role::Status | Role::Lease | Role::PidFd | Role::Terminal => {}
            }
        }
        Ok(ours)
    }
}
