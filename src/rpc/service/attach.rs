//! Attach: a job's input and its output in one call. One holds the input, any number look on.

use super::Daemon;
use super::caller::Caller;
use super::desk::Seat;
use super::input::Input;
use super::output::{Following, frame};
use super::pulled::{Frames, pulled};
use super::reach::Reach;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::attach_request::Frame as Ask;
use crate::rpc::proto::attach_start::Mode;
use crate::rpc::proto::output_frame::Frame;
use crate::rpc::proto::{AttachRequest, AttachStart, Attached, Detached, OutputFrame, detached};
use crate::spec::{JobId, Signal, Target, Window};
use crate::supervise::{Error, OutputFrom};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tonic::{Status, Streaming};

/// An attachment: what it tells, until it is told to end.
struct Attachment {
    output: Following,
    /// The first frame.
    begin: Option<Attached>,
    /// Why it ends before the job does.
    end: watch::Receiver<Option<Detached>>,
    /// What the client had asked and could not be done.
    failed: watch::Receiver<Option<Told>>,
    over: bool,
    _pump: Pump,
}

/// The reading of what the client sends; ends with the attachment.
struct Pump(AbortHandle);

impl Drop for Pump {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub async fn attach(
    daemon: &Arc<Daemon>,
    caller: Caller,
    mut asks: Streaming<AttachRequest>,
) -> Result<Frames<OutputFrame>, Status> {
    let first = asks.message().await?.and_then(|ask| ask.frame);
    let Some(Ask::Start(start)) = first else {
        return Err(Told::new(Reason::InvalidField, "the first frame says what to attach to: start").into());
    };
    let id = caller.find(&start.id)?;
    let job = caller.reach.begun(id).await.map_err(status)?;
    let info = caller.reach.info(id).map_err(status)?;
    let from = start.offset.map_or(OutputFrom::Offset(info.output.start), OutputFrom::Offset);
    let output = Following::new(daemon, caller.reach.clone(), &job, info, from)?;
    let (tell_end, end) = watch::channel(None);
    let (tell_failed, failed) = watch::channel(None);
    let mode = Mode::try_from(start.mode).unwrap_or_default();
    let writes = mode != Mode::ReadOnly && job.try_wait().is_none();
    let seat = match writes {
        true => {
            Some(daemon.desk.take(id, caller.connection.peer.owner.as_str(), mode == Mode::Steal, tell_end.clone())?)
        }
        false => None,
    };
    let input = if writes { Input::of(&job) } else { None };
    let terminal = matches!(input, Some(Input::Terminal(_)));
    resized(&input, &start)?;
    let offset = daemon.offsets.of(id, |id| daemon.supervisor.all_jobs().info(id).is_ok());
    // One who writes in this moment holds it until he is done or gives up.
    let stdin_offset = offset.try_lock().map_or(0, |offset| *offset);
    let begin = Some(Attached { terminal, output_offset: output.offset(), stdin_offset });
    let sending = Sending { id, reach: caller.reach, input, offset, writes, _seat: seat, end: end.clone() };
    let pump = tokio::spawn(sending.pump(asks, tell_end, tell_failed)).abort_handle();
    let attachment = Attachment { output, begin, end, failed, over: false, _pump: Pump(pump) };
    Ok(pulled(attachment, |mut attachment| async move { Some((attachment.next().await?, attachment)) }))
}

/// The size of the client's terminal, to begin with.
fn resized(input: &Option<Input>, start: &AttachStart) -> Result<(), Status> {
    if start.window.is_empty() {
        return Ok(());
    }
    let window = Window::read("window", &start.window).map_err(status)?;
    match input {
        Some(Input::Terminal(terminal)) => terminal.resize(window).map_err(status),
        _ => Ok(()),
    }
}

impl Attachment {
    async fn next(&mut self) -> Option<Result<OutputFrame, Status>> {
        if self.over {
            return None;
        }
        if let Some(begin) = self.begin.take() {
            return Some(Ok(frame(Frame::Attached(begin))));
        }
        // Their senders are gone with the pump, as when the client has no more to say: then nothing ends this but the job.
        let end = async {
            let end = self.end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
            match end {
                Some(end) => end,
                None => std::future::pending().await,
            }
        };
        let failed = async {
            if self.failed.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            end = end => {
                self.over = true;
                return Some(Ok(frame(Frame::Detached(end))));
            }
            () = failed => {}
            next = self.output.next() => return next,
        }
        self.over = true;
        let failed = self.failed.borrow();
        let told = failed.as_ref().map(|told| Told::new(told.reason(), told.message()));
        told.map(|told| Err(told.into()))
    }
}

/// What a client sends.
struct Sending {
    id: JobId,
    reach: Reach,
    input: Option<Input>,
    offset: Arc<Mutex<u64>>,
    writes: bool,
    _seat: Option<Seat>,
    end: watch::Receiver<Option<Detached>>,
}

impl Sending {
    /// Does what the client asks for, until he is detached, or says no more.
    async fn pump(
        self,
        mut asks: Streaming<AttachRequest>,
        tell_end: watch::Sender<Option<Detached>>,
        tell_failed: watch::Sender<Option<Told>>,
    ) {
        let mut end = self.end.clone();
        loop {
            let ask = tokio::select! {
                biased;
                _ = end.wait_for(Option::is_some) => return,
                ask = asks.message() => ask,
            };
            // An error is the end of the connection.
            let Ok(Some(ask)) = ask else { return };
            if matches!(ask.frame, Some(Ask::Detach(true))) {
                let reason = detached::Reason::Requested as i32;
                tell_end.send_replace(Some(Detached { reason, by: String::new() }));
                return;
            }
            let done = tokio::select! {
                biased;
                _ = end.wait_for(Option::is_some) => return,
                done = self.done(ask.frame) => done,
            };
            if let Err(told) = done {
                tell_failed.send_replace(Some(told));
                return;
            }
        }
    }

    async fn done(&self, ask: Option<Ask>) -> Result<(), Told> {
        if !self.writes && !matches!(ask, Some(Ask::Detach(_)) | None) {
            return Err(Told::new(Reason::StdinNotRequested, "this attachment is for reading alone"));
        }
        match ask {
            Some(Ask::Stdin(bytes)) => {
                let none = || Told::new(Reason::StdinNotRequested, "the job was started without an input");
                let input = self.input.as_ref().ok_or_else(none)?;
                // What is not read any more is not missed: the job's end is told by its output.
                let _ = input.write_all(&bytes, &mut *self.offset.lock().await).await;
            }
            Some(Ask::CloseStdin(true)) => {
                if let Some(input) = &self.input {
                    // As above.
                    let _ = input.close().await;
                }
            }
            Some(Ask::Resize(size)) => {
                let window = Window::read("resize", &size)?;
                let Some(Input::Terminal(terminal)) = &self.input else {
                    return Err(Told::new(Reason::NoTerminal, "the job was started without a terminal"));
                };
                terminal.resize(window)?;
            }
            Some(Ask::Signal(name)) => {
                match self.reach.signal(self.id, Signal::read("signal", &name)?, Target::Leader).await {
                    // As above.
                    Err(Error::Ended(_)) => {}
                    other => other?,
                }
            }
            Some(Ask::Start(_)) => {
                return Err(Told::new(Reason::InvalidField, "start is the first frame, and no other is"));
            }
            Some(Ask::CloseStdin(false) | Ask::Detach(_)) | None => {}
        }
        Ok(())
    }
}
