//! WriteStdin and ResizeTerminal. Each input has an offset, so that a write that was sent twice is written once.

use super::Daemon;
use super::caller::Caller;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::{ResizeTerminalRequest, ResizeTerminalResponse, WriteStdinRequest, WriteStdinResponse};
use crate::spec::{JobId, Window};
use crate::supervise::{Error, Job};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::Mutex;
use tonic::Status;

/// How much was written to which input. One who writes holds his job's number, so that two do not count the same bytes;
/// neither a stop nor a close waits for it.
#[derive(Debug, Default)]
pub struct Offsets(StdMutex<HashMap<JobId, Arc<Mutex<u64>>>>);

impl Offsets {
    /// Of one job. Those of jobs that `there` does not know any more are forgotten when a new one comes.
    pub fn of(&self, id: JobId, there: impl Fn(JobId) -> bool) -> Arc<Mutex<u64>> {
        // Nobody can panic with it.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(offset) = known.get(&id) {
            return Arc::clone(offset);
        }
        known.retain(|id, _| there(*id));
        Arc::clone(known.entry(id).or_default())
    }
}

/// The input of a job, whichever it has.
pub enum Input {
    Stdin(crate::supervise::JobStdin),
    Terminal(crate::supervise::JobTerminal),
}

impl Input {
    /// What the job has; `None` when it was started without.
    pub fn of(job: &Job) -> Option<Self> {
        let terminal = job.terminal().cloned().map(Self::Terminal);
        terminal.or_else(|| job.stdin().cloned().map(Self::Stdin))
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdin(stdin) => stdin.write(bytes).await,
            Self::Terminal(terminal) => terminal.write(bytes).await,
        }
    }

    /// Writes all of it, and counts what is written while it is: given up in the middle, what was written is counted.
    pub async fn write_all(&self, bytes: &[u8], offset: &mut u64) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.write(rest).await?;
            *offset += written as u64;
            rest = &rest[written..];
        }
        Ok(())
    }

    /// Ends it. Of a terminal, as a person would.
    pub async fn close(&self) -> io::Result<()> {
        match self {
            Self::Stdin(stdin) => stdin.close(),
            Self::Terminal(terminal) => terminal.end(false).await?,
        }
        Ok(())
    }
}

pub async fn write(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: WriteStdinRequest,
) -> Result<WriteStdinResponse, Status> {
    let id = caller.find(&request.id)?;
    let job = caller.reach.begun(id).await.map_err(status)?;
    daemon.desk.free(id)?;
    if job.try_wait().is_some() {
        return Err(status(Error::Ended(id)));
    }
    let none =
        || Told::new(Reason::StdinNotRequested, "the job was started without an input: start it with stdin: pipe");
    let input = Input::of(&job).ok_or_else(none)?;
    drop(job);
    let offset = daemon.offsets.of(id, |id| daemon.supervisor.all_jobs().info(id).is_ok());
    let mut offset = offset.lock().await;
    let skipped = known(request.offset, *offset, request.data.len())?;
    input.write_all(&request.data[skipped..], &mut offset).await.map_err(closed)?;
    if request.close {
        input.close().await.map_err(closed)?;
    }
    Ok(WriteStdinResponse { stdin_offset: *offset })
}

/// How many of these bytes were written before.
fn known(said: Option<u64>, written: u64, count: usize) -> Result<usize, Told> {
    let Some(begin) = said else { return Ok(0) };
    let missing = || {
        let said = format!("the bytes {written} to {begin} were not written yet; begin with {written}");
        Told::new(Reason::StdinOffsetMismatch, said).with("end", written)
    };
    let ahead = written.checked_sub(begin).ok_or_else(missing)?;
    Ok(usize::try_from(ahead).unwrap_or(usize::MAX).min(count))
}

fn closed(error: io::Error) -> Told {
    match error.kind() {
        io::ErrorKind::BrokenPipe => {
            Told::new(Reason::StdinClosed, "the input has its end, or the job does not read it any more")
        }
        _ => Told::new(Reason::Internal, format!("failed to write to the job's input: {error}")),
    }
}

pub async fn resize(
    _: &Arc<Daemon>,
    caller: Caller,
    request: ResizeTerminalRequest,
) -> Result<ResizeTerminalResponse, Status> {
    caller.subject.asked(&request.id);
    let window = Window::read("window", &request.window).map_err(status)?;
    let id = caller.find(&request.id)?;
    let job = caller.reach.begun(id).await.map_err(status)?;
    let none = || Told::new(Reason::NoTerminal, "the job was started without a terminal: start it with one");
    let terminal = job.terminal().ok_or_else(none)?;
    terminal.resize(window).map(|()| ResizeTerminalResponse {}).map_err(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_is_not_written_again_and_nothing_is_left_out() {
        assert_eq!(known(None, 7, 3).expect("no offset"), 0);
        assert_eq!(known(Some(7), 7, 3).expect("the next"), 0);
        assert_eq!(known(Some(5), 7, 3).expect("two of three"), 2);
        assert_eq!(known(Some(0), 7, 3).expect("all of it"), 3);
        assert_eq!(known(Some(8), 7, 3).expect_err("a hole").reason(), Reason::StdinOffsetMismatch);
    }
}
