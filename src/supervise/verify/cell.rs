//! The cells of verify: the job is this very program, executed out of its own standard input.

use crate::life::{Outcome, Stopper};
use crate::os::attempt::{DONE, Mode, Scene, Seen, WORD, image, look_from_host};
use crate::plan::Plan;
use crate::spec::{JobSpec, Limits, Stdio, StdioSet};
use crate::supervise::{Error, Job, Supervisor};
use std::ffi::OsString;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// How long a start, a probe or an end may take: a hundred attempts of a few calls each take less than a second; under
/// emulation and load ten times as long.
const WITHIN: Duration = Duration::from_secs(60);
/// Bytes that a probe tells at most: its environment and its mounts, in hexadecimal, and some hundred lines.
const TOLD_MOST_BYTES: u64 = 16 << 20;
/// The job's program, which is its standard input.
const PROGRAM: &str = "/proc/self/fd/0";

/// What was told of a cell.
pub struct Told {
    /// What was seen, from inside and from the host, by the attempt's name.
    pub seen: Vec<(String, Seen)>,
    /// The plan by which the cell was built.
    pub plan: Plan,
}

/// A cell in which every attempt is made.
pub async fn attempts(supervisor: &Supervisor, spec: &JobSpec, scene: &Scene) -> Result<Told, Error> {
    let spec = probe(spec, spec.limits().clone(), Mode::Attempts, scene.words())?;
    let plan = supervisor.plan(&spec)?;
    let (job, stream) = start(supervisor, spec).await?;
    let mut seen = Vec::new();
    // What is told before the time is over counts; the rest is missing, which is told, too.
    if let Ok(stream) = timeout(WITHIN, hear(stream, &mut seen)).await {
        // It has told all and waits for the end of the stream.
        seen.extend(look_from_host(job.pid()).into_iter().map(|(name, told)| (name.to_owned(), told)));
        drop(stream);
    }
    end(job).await?;
    Ok(Told { seen, plan })
}

/// A cell in which something is used up: what was told in words, and how it ended.
pub async fn exhausted(
    supervisor: &Supervisor,
    spec: &JobSpec,
    limits: Limits,
    mode: Mode,
    words: Vec<OsString>,
) -> Result<(String, Outcome), Error> {
    let spec = probe(spec, limits, mode, words)?;
    let (job, stream) = start(supervisor, spec).await?;
    let mut told = String::new();
    // A probe that dies in the middle has told less.
    let _ = timeout(WITHIN, stream.take(TOLD_MOST_BYTES).read_to_string(&mut told)).await;
    Ok((told, end(job).await?))
}

/// The same job with the probe as its command, and these limits.
fn probe(spec: &JobSpec, limits: Limits, mode: Mode, words: Vec<OsString>) -> Result<JobSpec, Error> {
    let mut job = JobSpec::command(PROGRAM)
        .args([WORD, mode.word()])
        .args(words)
        .env(spec.env().clone())
        .limits(limits)
        .isolation(spec.isolation().clone())
        .grace(spec.grace());
    if let Some(cwd) = spec.cwd() {
        job = job.cwd(cwd);
    }
    if let Some(time) = spec.time() {
        job = job.time(time);
    }
    Ok(job.build()?)
}

/// Starts the probe; its standard output is a stream by which it also hears that the host has looked.
async fn start(supervisor: &Supervisor, spec: JobSpec) -> Result<(Job, UnixStream), Error> {
    let (ours, theirs) = StdStream::pair().map_err(Error::Runtime)?;
    ours.set_nonblocking(true).map_err(Error::Runtime)?;
    let stream = UnixStream::from_std(ours).map_err(Error::Runtime)?;
    let stdio = StdioSet { stdin: Stdio::Fd(image()?), stdout: Stdio::Fd(theirs.into()), stderr: Stdio::Null };
    match timeout(WITHIN, supervisor.start(spec, stdio)).await {
        Ok(job) => Ok((job?, stream)),
        Err(_) => Err(Error::Runtime(io::Error::new(io::ErrorKind::TimedOut, "the cell did not begin in its time"))),
    }
}

/// Reads lines up to the last; the stream comes back.
async fn hear(stream: UnixStream, seen: &mut Vec<(String, Seen)>) -> BufReader<UnixStream> {
    let mut reader = BufReader::new(stream);
    let mut left = TOLD_MOST_BYTES;
    loop {
        let mut line = String::new();
        // Bytes that are no text come from nobody of ours; what follows is missing then.
        match (&mut reader).take(left).read_line(&mut line).await {
            Ok(0) | Err(_) => break,
            Ok(count) => left -= count as u64,
        }
        let line = line.trim_end_matches('\n');
        if line == DONE {
            break;
        }
        if let Some((name, told)) = line.split_once(' ') {
            let told = Seen::parse(told).unwrap_or_else(|| Seen::Unclear("what was told is no answer".to_owned()));
            seen.push((name.to_owned(), told));
        }
    }
    reader
}

/// Waits for the end of a cell that should end by itself, and ends one that does not.
async fn end(job: Job) -> Result<Outcome, Error> {
    match timeout(WITHIN, job.wait()).await {
        Ok(outcome) => outcome,
        Err(_) => {
            job.kill(Stopper::Caller);
            job.wait().await
        }
    }
    .ok_or(Error::RuntimeEnded)
}
