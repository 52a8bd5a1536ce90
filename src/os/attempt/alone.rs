//! One attempt in a process of its own: a filter may kill it, it may hang, and whatever it changes of itself is gone with
//! it.

use super::{Scene, Seen};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::{Errno, read, write};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How long one attempt may take: each is a few calls, the longest waits a second for an answer of the network. Under
/// emulation and load some ten times that.
const WITHIN: Duration = Duration::from_secs(15);
/// Bytes of one answer at most: an environment of execve(2)'s most, in hexadecimal.
const ANSWER_MOST_BYTES: usize = 5 << 20;

/// Runs an attempt in a child and says what came of it. Only for a process with one thread.
pub fn alone(scene: &Scene, deed: impl FnOnce(&Scene) -> Seen) -> Seen {
    let unclear = |what: &str, errno: Errno| Seen::Unclear(format!("{what}: {errno}"));
    let (reader, writer) = match pipe_with(PipeFlags::CLOEXEC) {
        Ok(pipe) => pipe,
        Err(errno) => return unclear("no pipe", errno),
    };
    match init_shim::sys::fork() {
        Err(errno) => unclear("no process to try it in", errno),
        Ok(init_shim::sys::Side::Child) => {
            drop(reader);
            let scene = Scene { answer: writer.as_raw_fd(), ..scene.clone() };
            // An attempt that panics must not unwind into what is its parent's: that would be run twice.
            let seen = catch_unwind(AssertUnwindSafe(|| deed(&scene)));
            tell(&writer, &seen.unwrap_or_else(|_| Seen::Unclear("the attempt panicked".to_owned())));
            init_shim::sys::exit_now(0)
        }
        Ok(init_shim::sys::Side::Parent(pid)) => {
            drop(writer);
            let told = hear(&reader, Instant::now() + WITHIN);
            end(pid, told)
        }
    }
}

/// Writes the whole answer; nobody is there to be told of an error but who reads it.
fn tell(writer: &OwnedFd, seen: &Seen) {
    let line = format!("{}\n", seen.line());
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        match write(writer, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Reads to the end of a line, of the pipe or of the time; `None` at the end of the time.
fn hear(reader: &OwnedFd, until: Instant) -> Option<Vec<u8>> {
    let mut told = Vec::new();
    let mut some = [0_u8; 4096];
    while told.last() != Some(&b'\n') && told.len() <= ANSWER_MOST_BYTES {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(reader, PollFlags::IN)], Some(&left)) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(_) => continue,
        }
        match read(reader, &mut some) {
            Ok(0) => break,
            Ok(count) => told.extend_from_slice(&some[..count]),
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    Some(told)
}

/// Ends the child and makes an answer of its words, or of how it ended.
fn end(pid: i32, told: Option<Vec<u8>>) -> Seen {
    let answer = told
        .as_deref()
        .map(|told| str::from_utf8(told).ok().and_then(|told| told.strip_suffix('\n')).and_then(Seen::parse));
    let Some(pid) = Pid::from_raw(pid) else { return Seen::Unclear("no process".to_owned()) };
    if answer.is_none() {
        // It is our own child and not waited for, so the id is still its own.
        let _ = kill_process(pid, Signal::KILL);
    }
    let status = wait(pid);
    match answer {
        None => Seen::Hung,
        Some(Some(seen)) => seen,
        Some(None) => match status.and_then(WaitStatus::terminating_signal) {
            Some(signal) => Seen::Killed(signal as u8),
            None => Seen::Unclear("the attempt ended without an answer".to_owned()),
        },
    }
}

/// Waits for a child.
pub(super) fn wait(pid: Pid) -> Option<WaitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Some(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}
