//! What is done to a running job on request. Each verb is asked of the job's driver and answered by it; a job that has ended
//! answers [`Error::Ended`].
//!
//! All of these are cancel-safe in this sense: given up before its answer, a verb is done whole or not at all, and nothing
//! waits for whoever asked.

use super::{Job, Stopped};
use crate::life::{Process, Stats, StopKind, Stopper};
use crate::os::cgroup::Effective;
use crate::spec::{Limits, Signal, Target};
use crate::supervise::Error;
use crate::supervise::request::{Answer, Request, StopRequest};
use std::time::Duration;
use tokio::sync::oneshot;

impl Job {
    /// Stops it softly, as [`Job::stop`] does, and waits until nothing of it is left. `grace` takes the place of the job's
    /// own; a job that is being stopped already gets no more time by it, but may get less. A paused job is let go on for it.
    /// Of one that has ended it tells the end, as often as it is asked.
    ///
    /// # Errors
    /// [`Error::RuntimeEnded`] when its end will never be known.
    pub async fn stop_and_wait(&self, by: Stopper, grace: Option<Duration>) -> Result<Stopped, Error> {
        self.end(StopRequest { by, how: StopKind::Soft, grace }).await
    }

    /// Kills the whole cell at once, and waits until nothing of it is left. Of a job that has ended it tells the end.
    ///
    /// # Errors
    /// [`Error::RuntimeEnded`] when its end will never be known.
    pub async fn kill_and_wait(&self, by: Stopper) -> Result<Stopped, Error> {
        self.end(StopRequest { by, how: StopKind::Hard, grace: None }).await
    }

    async fn end(&self, request: StopRequest) -> Result<Stopped, Error> {
        let was_running = self.ask_end(request).await;
        let outcome = self.wait().await.ok_or(Error::RuntimeEnded)?;
        Ok(Stopped { was_running, outcome })
    }

    /// Asks for the end; whether it had not ended yet.
    pub(in crate::supervise) async fn ask_end(&self, request: StopRequest) -> bool {
        let was_running = self.try_wait().is_none();
        if let Some(stops) = self.stops.as_ref().filter(|_| was_running) {
            // Closed: it has ended meanwhile.
            let _ = stops.send(request).await;
        }
        was_running
    }

    /// Sends a signal to the leader or to every process. Those of a paused job get it when they go on, but for SIGKILL to
    /// all. A program that has no handler for it may end by it: that end has the cause `itself`, since the signal was not
    /// ironcell's own.
    ///
    /// # Errors
    /// [`Error::Ended`]; to all, when they could not be held still for it within 2 s: then nobody got it.
    pub async fn signal(&self, signal: Signal, to: Target) -> Result<(), Error> {
        self.request(|answer| Request::Signal { signal, to, answer }).await
    }

    /// Holds every process of it still (`cgroup.freeze`), and returns when all stand. Its wall-clock time goes on; its idle
    /// time does not, and begins anew with [`Job::resume`]. It can be stopped and killed. Pausing a paused job is no error.
    ///
    /// # Errors
    /// [`Error::Ended`]; [`Error::Ending`] while it is being stopped, which it could not hear; when not all stood still within 2 s, as one that waits for a device: then they go on.
    pub async fn pause(&self) -> Result<(), Error> {
        self.request(|answer| Request::Pause { answer }).await
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// [`Error::Ended`], or what the kernel refused.
    pub async fn resume(&self) -> Result<(), Error> {
        self.request(|answer| Request::Resume { answer }).await
    }

    /// Changes limits while it runs: those that are `Some` or not empty; all others stay. All are written and read back, or
    /// all stay as they were. A `memory_max` below what it uses has the kernel take memory back, and kill when that is not
    /// enough. The limits in force afterwards are returned, and told by [`Job::effective`].
    ///
    /// # Errors
    /// [`Error::Ended`]; [`Error::Refused`] names a limit that this host cannot enforce or that cannot be changed while the
    /// job runs (`rlimits`); [`Error::Limit`] one that the kernel did not take.
    pub async fn update(&self, limits: Limits) -> Result<Vec<Effective>, Error> {
        let limits = Box::new(limits);
        self.request(|answer| Request::Update { limits, answer }).await
    }

    /// What it uses now.
    ///
    /// # Errors
    /// [`Error::Ended`]: then [`Job::wait`] has the whole of it.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.request(|answer| Request::Stats { answer }).await
    }

    /// Who is in it, by their process ids inside, PID 1 first; 4096 at most. Read from /proc, one after the other: a tree
    /// that changes meanwhile is seen in between.
    ///
    /// # Errors
    /// [`Error::Ended`], or what the kernel refused.
    pub async fn processes(&self) -> Result<Vec<Process>, Error> {
        let roll = self.request(|answer| Request::Processes { answer }).await?;
        // Lost with the runtime only.
        tokio::task::spawn_blocking(move || roll.call()).await.map_err(|_| Error::RuntimeEnded)
    }

    /// Asks the driver.
    async fn request<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, Error> {
        let (answer, told) = oneshot::channel();
        let ended = || Error::Ended(self.id());
        self.shared.requests.send(request(answer)).await.map_err(|_| ended())?;
        // A driver that is ending drops what is asked of it.
        told.await.unwrap_or_else(|_| Err(ended()))
    }
}
