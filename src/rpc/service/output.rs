//! StreamOutput: what a job has written, and writes, from any offset on. A stream is a cursor: nothing is read ahead of its
//! client, and one that does not read costs nothing but itself.

use super::caller::Caller;
use super::pulled::{Frames, pulled};
use super::reach::Reach;
use super::{Daemon, StreamRoom};
use crate::life::Chunk;
use crate::rpc::convert;
use crate::rpc::errors::{Reason, Told, status};
use crate::rpc::proto::output_frame::Frame;
use crate::rpc::proto::stream_output_request::Start;
use crate::rpc::proto::{self, OutputFrame, StreamOutputRequest};
use crate::supervise::{Error, Item, Job, JobInfo, OutputFrom, OutputReader};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tonic::Status;

/// Silence after which a follower hears that all is well.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where a stream is.
pub struct Following {
    reader: OutputReader,
    reach: Reach,
    /// As it stood when the stream was begun: it may be out of the list at its end.
    info: JobInfo,
    /// Ends here, whether the job has ended or not.
    until: Option<u64>,
    /// Bytes that may still be told.
    left: Option<u64>,
    /// Which streams; none is both.
    only: Vec<proto::Stream>,
    fail_on_gap: bool,
    over: bool,
    _room: StreamRoom,
}

pub async fn stream(
    daemon: &Arc<Daemon>,
    caller: Caller,
    request: StreamOutputRequest,
) -> Result<Frames<OutputFrame>, Status> {
    let id = caller.find(&request.id)?;
    let job = caller.reach.begun(id).await.map_err(status)?;
    let info = caller.reach.info(id).map_err(status)?;
    let only = streams(&request.streams, &job)?;
    let from = from(request.start, &info)?;
    let mut following = Following::new(daemon, caller.reach, &job, info, from)?;
    following.only = only;
    following.left = Some(request.max_bytes).filter(|most| *most > 0);
    following.fail_on_gap = request.fail_on_gap;
    if !request.follow {
        following.stop_at_present();
    }
    Ok(pulled(following, |mut following| async move { Some((following.next().await?, following)) }))
}

/// Where to begin.
fn from(start: Option<Start>, info: &JobInfo) -> Result<OutputFrom, Told> {
    let (begin, end) = (info.output.start, info.output.end);
    Ok(match start {
        None => OutputFrom::Start,
        Some(Start::Offset(offset)) if offset > end => {
            let said = format!("offset {offset} is beyond the end: {end} bytes were written");
            return Err(Told::new(Reason::OffsetBeyondEnd, said).with("begin", begin).with("end", end));
        }
        Some(Start::Offset(offset)) => OutputFrom::Offset(offset),
        Some(Start::TailLines(lines)) => OutputFrom::TailLines(lines),
        Some(Start::TailBytes(bytes)) => OutputFrom::TailBytes(bytes),
        Some(Start::Since(at)) => {
            let at = convert::moment(&at).unwrap_or(SystemTime::UNIX_EPOCH);
            OutputFrom::Since(at.duration_since(info.created).unwrap_or_default())
        }
    })
}

/// Which streams are wanted, of those that the job has.
fn streams(said: &[i32], job: &Job) -> Result<Vec<proto::Stream>, Told> {
    let one = |number: &i32| match proto::Stream::try_from(*number) {
        Ok(proto::Stream::Stderr) if job.terminal().is_some() => {
            Err(Told::new(Reason::StreamUnavailable, "the job has a terminal, which shows one stream alone: stdout"))
        }
        Ok(stream @ (proto::Stream::Stdout | proto::Stream::Stderr)) => Ok(stream),
        _ => Err(Told::new(
            Reason::InvalidField,
            format!("streams: there is no stream {number}; write stdout or stderr"),
        )),
    };
    said.iter().map(one).collect()
}

impl Following {
    /// One that follows a job to its end.
    pub fn new(daemon: &Daemon, reach: Reach, job: &Job, info: JobInfo, from: OutputFrom) -> Result<Self, Status> {
        Ok(Self {
            reader: job.output(from),
            reach,
            info,
            until: None,
            left: None,
            only: Vec::new(),
            fail_on_gap: false,
            over: false,
            _room: daemon.stream()?,
        })
    }

    /// Ends with what is there now.
    fn stop_at_present(&mut self) {
        self.until = Some(self.info.output.end);
    }

    /// The same, and after so many bytes at the latest.
    pub fn bounded(&mut self, most: u64) {
        self.stop_at_present();
        self.left = Some(most);
    }

    /// The offset of what comes next.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    /// The next frame; none after the last. Cancel-safe: a wait that is given up has taken nothing.
    pub async fn next(&mut self) -> Option<Result<OutputFrame, Status>> {
        if self.over {
            return None;
        }
        loop {
            let told = self.until.is_some_and(|until| self.reader.offset() >= until) || self.left == Some(0);
            if told {
                let job = self.reach.detail(self.info.id).unwrap_or_else(|_| convert::job(&self.info));
                return Some(Ok(self.ended(job)));
            }
            let Ok(item) = tokio::time::timeout(HEARTBEAT, self.reader.next()).await else {
                let end_offset = self.reader.offset();
                return Some(Ok(frame(Frame::Heartbeat(proto::Heartbeat { end_offset }))));
            };
            match item {
                None => {
                    self.over = true;
                    return Some(Err(status(Error::RuntimeEnded)));
                }
                Some(Item::Ended(end)) => {
                    let info = self.reach.info(self.info.id).unwrap_or_else(|_| self.info.clone());
                    return Some(Ok(self.ended(convert::detail(&info, Some(&end.outcome)))));
                }
                Some(Item::Gap { from, to }) => return Some(self.gap(from, to)),
                Some(Item::Chunk(chunk)) => {
                    if let Some(frame) = self.chunk(chunk) {
                        return Some(Ok(frame));
                    }
                }
            }
        }
    }

    /// The last frame.
    fn ended(&mut self, job: proto::Job) -> OutputFrame {
        self.over = true;
        frame(Frame::Ended(proto::Ended { job: Some(job), end_offset: self.reader.offset() }))
    }

    fn gap(&mut self, from: u64, to: u64) -> Result<OutputFrame, Status> {
        if !self.fail_on_gap {
            return Ok(frame(Frame::Gap(proto::Gap { from, to })));
        }
        self.over = true;
        let said = format!("the bytes {from} to {to} are not kept any more");
        Err(Told::new(Reason::OutputGap, said).with("from", from).with("to", to).into())
    }

    /// A chunk, if its stream is wanted, and as much of it as may be told.
    fn chunk(&mut self, chunk: Chunk) -> Option<OutputFrame> {
        let Chunk { offset, stream, at, mut bytes } = chunk;
        let stream = convert::stream(stream);
        if !self.only.is_empty() && !self.only.contains(&stream) {
            return None;
        }
        if let Some(left) = &mut self.left {
            // A chunk is small.
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            if bytes.len() > most {
                bytes.truncate(most);
                self.reader.seek(OutputFrom::Offset(offset + *left));
            }
            *left -= bytes.len() as u64;
        }
        let time = convert::timestamp(self.info.created + at);
        Some(frame(Frame::Chunk(proto::OutputChunk { offset, stream: stream as i32, data: bytes.into(), time })))
    }
}

/// A frame of what is in it.
pub fn frame(frame: Frame) -> OutputFrame {
    OutputFrame { frame: Some(frame) }
}
