//! What a job used, as the kernel counted it over the job's whole tree.
//!
//! Source: cgroup-v2.rst (`cpu.stat`, `memory.peak`, `pids.peak`, `io.stat`, `*.pressure`).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// The job's use of the machine. `None` is "the kernel could not say", never 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// From the target's exec to the leader's end, monotonic.
    #[serde(serialize_with = "seconds", deserialize_with = "of_seconds")]
    pub wall: Duration,
    /// `cpu.stat` `user_usec`.
    #[serde(serialize_with = "maybe_seconds", deserialize_with = "maybe_of_seconds")]
    pub cpu_user: Option<Duration>,
    /// `cpu.stat` `system_usec`.
    #[serde(serialize_with = "maybe_seconds", deserialize_with = "maybe_of_seconds")]
    pub cpu_system: Option<Duration>,
    /// `cpu.stat` `throttled_usec`: time that the job wanted to run and `cpu.max` did not let it.
    #[serde(serialize_with = "maybe_seconds", deserialize_with = "maybe_of_seconds")]
    pub cpu_throttled: Option<Duration>,
    /// `cpu.stat` `nr_throttled`: periods in which it was held back.
    pub cpu_throttled_periods: Option<u64>,
    /// `memory.peak`, bytes (kernel 5.19).
    pub memory_peak: Option<u64>,
    /// The most memory that one process had resident, bytes: `ru_maxrss` of wait4(2), over the leader and the descendants
    /// that were reaped below it.
    pub max_rss: Option<u64>,
    /// Context switches of the same processes because they waited: `ru_nvcsw`.
    pub switches_voluntary: Option<u64>,
    /// Context switches of the same processes because others were to run: `ru_nivcsw`.
    pub switches_forced: Option<u64>,
    /// `memory.swap.peak`, bytes (kernel 6.5).
    pub swap_peak: Option<u64>,
    /// `pids.peak` (kernel 6.1).
    pub pids_peak: Option<u64>,
    /// `io.stat` summed over all disks.
    pub io: Option<IoUsage>,
    /// `cpu.pressure`.
    pub cpu_pressure: Option<Pressure>,
    /// `memory.pressure`.
    pub memory_pressure: Option<Pressure>,
    /// `io.pressure`.
    pub io_pressure: Option<Pressure>,
}

impl Usage {
    /// Processor time of the whole tree, in user mode and in the kernel.
    pub fn cpu(&self) -> Option<Duration> {
        Some(self.cpu_user? + self.cpu_system?)
    }
}

/// `io.stat` summed over all disks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoUsage {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Read operations.
    pub read_ops: u64,
    /// Write operations.
    pub write_ops: u64,
}

/// Pressure stall information: total time in which tasks of the job waited for the resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pressure {
    /// At least one task waited.
    #[serde(serialize_with = "seconds", deserialize_with = "of_seconds")]
    pub some: Duration,
    /// All tasks waited at once.
    #[serde(serialize_with = "seconds", deserialize_with = "of_seconds")]
    pub full: Duration,
}

/// A duration as seconds with a fraction: what every JSON reader can compute with.
pub(super) fn seconds<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(value.as_secs_f64())
}

/// The other way round; what is no time is an error.
pub(super) fn of_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The other way round for a value that may be unknown.
fn maybe_of_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(|seconds| Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)).transpose()
}

/// The same for a value that may be unknown.
fn maybe_seconds<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => seconds(value, serializer),
        None => serializer.serialize_none(),
    }
}
