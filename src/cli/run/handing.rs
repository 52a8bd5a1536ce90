//! The job's output handed on to the caller, where ironcell counts it (`--output-limit`). Without that the job has the
//! caller's own descriptors.
//!
//! What the caller sees is the same: every byte, in order; who does not read holds up the job's writing, and neither its
//! limits nor a signal; who leaves ends the job by its next write.

use crate::life::{Cause, Stream};
use crate::supervise::{Item, OutputSink};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

/// How long a caller may take nothing of the last output of a job that was stopped: it must not hold up the end that a limit
/// or a signal has brought.
const STALLED_AFTER: Duration = Duration::from_secs(2);
/// The pause before another attempt at a descriptor that the caller has made non-blocking.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// The handing on: one thread, since a write to the caller may block.
#[derive(Debug)]
pub struct Handing {
    /// Told at the end, with what could not be written.
    done: oneshot::Receiver<Vec<String>>,
    /// Bytes that were handed on.
    passed: Arc<AtomicU64>,
}

impl Handing {
    /// Begins to write to the caller's standard output and standard error.
    ///
    /// # Errors
    /// When there is no room for a thread or for another descriptor.
    pub fn begin(sink: OutputSink) -> io::Result<Self> {
        // Past the buffer of `io::stdout`, which waits for a newline.
        let to =
            [File::from(io::stdout().as_fd().try_clone_to_owned()?), io::stderr().as_fd().try_clone_to_owned()?.into()];
        let (tell, done) = oneshot::channel();
        let passed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&passed);
        let work = move || drop(tell.send(hand_on(sink, to, &counted)));
        thread::Builder::new().name("output".to_owned()).spawn(work)?;
        Ok(Self { done, passed })
    }

    /// Waits until all is handed on of a job that has ended for this reason; tells what was not. One that ended by itself is
    /// waited for as its own write would be; `give_up` ends that, too.
    pub async fn end(mut self, cause: &Cause, give_up: &Notify) -> Vec<String> {
        let stopped = *cause != Cause::Itself;
        loop {
            let before = self.passed.load(Ordering::Relaxed);
            tokio::select! {
                failed = &mut self.done => return failed.unwrap_or_default(),
                () = give_up.notified() => return vec!["the last of the job's output was not handed on".to_owned()],
                () = sleep(STALLED_AFTER), if stopped => {
                    if self.passed.load(Ordering::Relaxed) == before {
                        let seconds = STALLED_AFTER.as_secs();
                        return vec![format!("the last of the job's output was not handed on: nobody took it for {seconds}s")];
                    }
                }
            }
        }
    }
}

/// Writes everything to where it belongs; tells what could not be written.
fn hand_on(mut sink: OutputSink, to: [File; 2], passed: &AtomicU64) -> Vec<String> {
    let [stdout, stderr] = to;
    let (mut stdout, mut stderr, mut failed) = (Some(stdout), Some(stderr), Vec::new());
    loop {
        let chunk = match sink.next_blocking() {
            Some(Item::Chunk(chunk)) => chunk,
            Some(Item::Ended(ended)) if !ended.log.complete && stdout.is_some() && stderr.is_some() => {
                failed.push(
                    "the end of the job's output was not seen: somebody outside of the cell holds it open".to_owned(),
                );
                break;
            }
            _ => break,
        };
        let (name, to) = match chunk.stream {
            Stream::Stdout => ("standard output", &mut stdout),
            Stream::Stderr => ("standard error", &mut stderr),
        };
        let Some(file) = to else { continue };
        if let Err(error) = write_all(file, &chunk.bytes, passed) {
            // Who reads no more has enough, as head(1).
            if error.kind() != ErrorKind::BrokenPipe {
                failed.push(format!("failed to hand on the job's output to {name}: {error}"));
            }
            *to = None;
            sink.refuse(chunk.stream);
        }
    }
    failed
}

/// Writes all of it, and counts what is written.
fn write_all(mut file: &File, mut bytes: &[u8], passed: &AtomicU64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => {
                passed.fetch_add(written as u64, Ordering::Relaxed);
                bytes = &bytes[written..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN_AFTER),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
