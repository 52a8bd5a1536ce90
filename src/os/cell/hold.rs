//! What is done to a running cell on request: held still, signalled as a whole, looked at, limited anew.

use super::processes::Roll;
use super::{Cell, LOOK_AGAIN};
use crate::life::Stats;
use crate::os::cgroup::{ApplyError, Effective};
use crate::os::watch::Watch;
use crate::os::{Doing, OsError};
use crate::plan::Setting;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::time::Duration;
use tokio::time::{sleep, timeout};

impl Cell {
    /// Holds every process still, and waits until all stand; lets them go on when `within` is over before.
    ///
    /// # Errors
    /// ETIMEDOUT, or as the kernel refuses it.
    pub async fn freeze(&mut self, within: Duration) -> Result<(), OsError> {
        self.cgroup.frozen = true;
        self.cgroup.freeze(true)?;
        if timeout(within, self.frozen()).await.is_ok() {
            return Ok(());
        }
        self.thaw()?;
        let remedy = "a process of it waits for a device, and stands still when that has answered: try again";
        Err(OsError::new(Doing::Wait, self.cgroup.path().join("cgroup.events"), Errno::TIMEDOUT).remedy(remedy))
    }

    /// Lets every process go on.
    ///
    /// # Errors
    /// As the kernel refuses it.
    pub fn thaw(&mut self) -> Result<(), OsError> {
        self.cgroup.freeze(false)?;
        self.cgroup.frozen = false;
        Ok(())
    }

    /// Waits until every process stands still; the kernel tells a change by POLLPRI, but not soon.
    async fn frozen(&self) {
        let changes = self.cgroup.events_fd().ok().and_then(|fd| Watch::changed(fd).ok());
        let (mut pause, longest) = LOOK_AGAIN;
        while let Ok(false) = self.cgroup.is_frozen() {
            match &changes {
                Some(changes) => drop(timeout(pause, changes.once()).await),
                None => sleep(pause).await,
            }
            pause = (pause * 2).min(longest);
        }
    }

    /// Sends a signal to every process but PID 1. To be called while the cell stands still: then none is born, and none
    /// ends but by SIGKILL, so all are reached and none is another's.
    ///
    /// # Errors
    /// The first that the kernel refused; the others are sent all the same.
    pub fn signal_all(&self, signal: u8) -> Result<(), OsError> {
        let failed = |errno| OsError::new(Doing::Write, self.cgroup.path(), errno).value(format!("signal {signal}"));
        // SAFETY: the number was checked to be 1 to 64. The kernel takes each of them, and glibc's use of two for threads
        // concerns who receives them in this process, which sends only.
        let signal = unsafe { Signal::from_raw_unchecked(i32::from(signal)) };
        let mut result = Ok(());
        for pid in self.cgroup.pids()?.into_iter().filter(|pid| *pid != self.pid) {
            let Some(number) = Pid::from_raw(pid) else { continue };
            let Ok(pidfd) = pidfd_open(number, PidfdFlags::empty()) else { continue };
            // Killed from outside meanwhile, the number may be another's; the descriptor then is that other's from the
            // first, and he is not in this cell.
            if !super::leftovers::is_in(pid, self.cgroup.name()) {
                continue;
            }
            match pidfd_send_signal(&pidfd, signal) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(errno) => result = result.and(Err(failed(errno))),
            }
        }
        result
    }

    /// What it uses now. Wall time is the caller's to fill in.
    pub fn stats(&self) -> Stats {
        self.cgroup.stats()
    }

    /// Who is in it, to be looked at elsewhere: that takes a while.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn roll(&self) -> Result<Roll, OsError> {
        Ok(Roll { pids: self.cgroup.pids()?, cell: self.cgroup.name().to_owned() })
    }

    /// Changes limits, all or none; all that are in force then.
    ///
    /// # Errors
    /// As [`crate::os::cgroup::CellCgroup::change`].
    pub fn change(&mut self, settings: &[Setting]) -> Result<Vec<Effective>, ApplyError> {
        for new in self.cgroup.change(settings)? {
            // A file with a line for each disk is read back whole, so one entry of it is enough.
            self.effective.retain(|old| old.file != new.file || old.field != new.field);
            self.effective.push(new);
        }
        Ok(self.effective.clone())
    }
}
