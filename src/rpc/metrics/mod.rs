//! What the daemon counts, each where it happens, and shows to who scrapes it. No label has a word of a caller's: no job, no
//! owner, no address, so there are never more series than these tables have rows.

mod count;
pub mod http;
pub mod page;
mod text;

use self::count::{Counts, Times};
use super::authz::Rpc;
use super::errors::Reason;
use super::listen::{Door, Turned};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};
use tonic::Code;

/// Codes of gRPC: `OK` is 0, `UNAUTHENTICATED` 16.
const CODES: usize = 17;

/// The counts of one daemon.
#[derive(Debug)]
pub struct Metrics {
    started: SystemTime,
    /// Of each call by code; the last row is of calls that there are not.
    calls: Vec<(Counts, Times)>,
    starts_refused: Counts,
    open: Counts,
    accepted: Counts,
    turned: [Counts; 2],
    /// Streams of output and events that are open.
    streams: AtomicU64,
    events_missed: AtomicU64,
    /// How long it took until all jobs of the daemon before were there.
    adoption: OnceLock<Duration>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
            calls: (0..=Rpc::ALL.len()).map(|_| (Counts::new(CODES), Times::default())).collect(),
            starts_refused: Counts::new(Reason::ALL.len()),
            open: Counts::new(Door::ALL.len()),
            accepted: Counts::new(Door::ALL.len()),
            turned: Door::ALL.map(|_| Counts::new(Turned::ALL.len())),
            streams: AtomicU64::new(0),
            events_missed: AtomicU64::new(0),
            adoption: OnceLock::new(),
        }
    }
}

impl Metrics {
    /// A call begins; it is counted when this is dropped.
    pub fn call(self: &Arc<Self>, rpc: Option<Rpc>) -> Call {
        Call { metrics: Arc::clone(self), rpc, begun: Instant::now(), code: None }
    }

    /// A start was refused to a caller who may start.
    pub fn start_refused(&self, reason: Reason) {
        let row = Reason::ALL.iter().position(|known| *known == reason);
        row.into_iter().for_each(|row| self.starts_refused.add(row, 1));
    }

    /// A connection was let in, and is open as long as this lives.
    pub fn opened(self: &Arc<Self>, door: Door) -> Opened {
        self.accepted.add(door as usize, 1);
        self.open.add(door as usize, 1);
        Opened(Arc::clone(self), door)
    }

    /// A connection was not let in.
    pub fn turned(&self, door: Door, why: Turned) {
        self.turned[door as usize].add(why as usize, 1);
    }

    /// A stream of output or events is open as long as this lives.
    pub fn streaming(self: &Arc<Self>) -> Streaming {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Streaming(Arc::clone(self))
    }

    /// A watcher was told that so many events are not kept any more.
    pub fn events_missed(&self, count: u64) {
        self.events_missed.fetch_add(count, Ordering::Relaxed);
    }

    /// All jobs of the daemon before are there. Once.
    pub fn adopted_after(&self, time: Duration) {
        let _ = self.adoption.set(time);
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Call {
    metrics: Arc<Metrics>,
    rpc: Option<Rpc>,
    begun: Instant,
    code: Option<Code>,
}

impl Call {
    /// It was answered so.
    pub fn code(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let row = self.rpc.and_then(|rpc| Rpc::ALL.iter().position(|known| *known == rpc)).unwrap_or(Rpc::ALL.len());
        let (codes, times) = &self.metrics.calls[row];
        // A call that nobody waits for any more has no code.
        codes.add(self.code.unwrap_or(Code::Cancelled) as usize, 1);
        times.add(self.begun.elapsed());
    }
}

/// A connection that is open.
#[derive(Debug)]
pub struct Opened(Arc<Metrics>, Door);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.open.take(self.1 as usize, 1);
    }
}

/// A stream that is open.
#[derive(Debug)]
pub struct Streaming(Arc<Metrics>);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
