//! The keys of the configuration, each with the place that it fills: reader, schema and manual page go by this one table.

use super::{Config, LogFormat, Shown};
use crate::spec::Profile;
use crate::supervise::WARM_MOST;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// A key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The table that it stands in; empty for the outermost.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub doc: &'static str,
    /// Whether another value waits for the daemon's next start, whatever is told it while it serves.
    pub waits: bool,
    pub(super) place: fn(&mut Config) -> Place<'_>,
}

/// Where a value goes, and what it can be.
pub(super) enum Place<'a> {
    Path(&'a mut PathBuf),
    MaybePath(&'a mut Option<PathBuf>),
    Paths(&'a mut Vec<PathBuf>),
    Address(&'a mut Option<SocketAddr>),
    Switch(&'a mut bool),
    Count(&'a mut usize, RangeInclusive<usize>),
    Small(&'a mut u32, RangeInclusive<u32>),
    /// Bounds are in seconds.
    Time(&'a mut Duration, RangeInclusive<u64>),
    Size(&'a mut u64),
    Profiles(&'a mut Vec<Profile>),
    Log(&'a mut LogFormat),
    Shown(&'a mut Option<Shown>),
}

/// A day: no wait of the daemon's is longer.
const DAY: u64 = 24 * 3600;
/// A year.
const YEAR: u64 = 365 * DAY;
/// More connections or jobs than one process has descriptors for (fs.nr_open).
const MANY: usize = 1 << 20;

const fn key(section: &'static str, name: &'static str, place: fn(&mut Config) -> Place<'_>, doc: &'static str) -> Key {
    Key { section, name, doc, place, waits: false }
}

/// One that is as it was at the daemon's start.
const fn fixed(
    section: &'static str,
    name: &'static str,
    place: fn(&mut Config) -> Place<'_>,
    doc: &'static str,
) -> Key {
    Key { waits: true, ..key(section, name, place, doc) }
}

/// All of them, in the order of the manual page.
#[rustfmt::skip]
pub const KEYS: [Key; 34] = [
    fixed("", "state_dir", |c| Place::Path(&mut c.state_dir), "Where records and output of jobs are kept, for a daemon that comes after this one."),
    fixed("", "socket", |c| Place::Path(&mut c.socket), "The Unix socket, for root of this host."),
    fixed("", "log", |c| Place::Log(&mut c.log), "How the log is written to standard error: auto, text, json or journald."),
    fixed("", "compat", |c| Place::Switch(&mut c.compat), "Whether the older Remote Job Executor's service, api.JobService, is there, too."),
    fixed("", "metrics", |c| Place::Shown(&mut c.metrics), "Where Prometheus reads GET /metrics: unix:///PATH for root, or 127.0.0.1:PORT or [::1]:PORT for all of this host; without it nowhere."),
    fixed("tls", "listen", |c| Place::Address(&mut c.remote.listen), "The address and port for callers over TLS; without it there is no port."),
    key("tls", "cert", |c| Place::MaybePath(&mut c.remote.cert), "The daemon's certificate chain, PEM."),
    key("tls", "key", |c| Place::MaybePath(&mut c.remote.key), "Its private key, PEM, not readable by everybody."),
    key("tls", "client_ca", |c| Place::MaybePath(&mut c.remote.client_ca), "The authorities of clients, PEM."),
    key("tls", "crl", |c| Place::MaybePath(&mut c.remote.crl), "Their revocation lists, PEM; with it, a client whose authority has no list or an expired one is refused."),
    key("limits", "connections", |c| Place::Count(&mut c.limits.connections, 1..=MANY), "Connections at once, at each of the two doors."),
    key("limits", "connections_of_one", |c| Place::Count(&mut c.limits.connections_of_one, 1..=MANY), "Connections at once of one key."),
    key("limits", "handshakes", |c| Place::Count(&mut c.limits.handshakes, 1..=MANY), "TLS handshakes at once; of too many the oldest is given up."),
    key("limits", "handshake", |c| Place::Time(&mut c.limits.handshake, 1..=DAY), "Time for a handshake."),
    key("limits", "streams", |c| Place::Small(&mut c.limits.streams, 1..=100_000), "Calls at once on one connection."),
    key("limits", "idle", |c| Place::Time(&mut c.limits.idle, 1..=DAY), "How long a connection may stay without a call."),
    key("limits", "call", |c| Place::Time(&mut c.limits.call, 1..=DAY), "Time for a call that waits for nothing."),
    key("limits", "recheck", |c| Place::Time(&mut c.limits.recheck, 1..=60), "How often the certificate of a connection is looked at again."),
    key("limits", "drain", |c| Place::Time(&mut c.limits.drain, 0..=DAY), "How long the daemon's end waits for calls."),
    key("jobs", "running", |c| Place::Count(&mut c.jobs.jobs, 1..=MANY), "Jobs at once that have not ended."),
    key("jobs", "ended", |c| Place::Count(&mut c.jobs.ended, 0..=MANY), "Jobs that have ended and stay listed."),
    key("jobs", "ended_for", |c| Place::Time(&mut c.jobs.ended_for, 1..=YEAR), "How long a job that has ended stays listed."),
    key("jobs", "spool", |c| Place::Size(&mut c.spool), "Bytes of output that are kept of a job which says nothing, in files of state_dir; what is older is given up."),
    key("jobs", "warm", |c| Place::Count(&mut c.warm, 0..=WARM_MOST), "Cells that are built ahead and wait for jobs that ask for no other walls than a bare start's."),
    key("policy", "viewer_output", |c| Place::Switch(&mut c.policy.viewer_output), "Whether viewers read what jobs write."),
    key("policy", "bind_ro", |c| Place::Paths(&mut c.policy.bind_ro), "Directories that operators can bind read-only, with all below."),
    key("policy", "bind_rw", |c| Place::Paths(&mut c.policy.bind_rw), "Directories that operators can bind, for reading or writing, each as a whole."),
    key("policy", "rootfs", |c| Place::Paths(&mut c.policy.rootfs), "Directories that can be the root of operators' jobs, with all below; to write to, one is in bind_rw as well."),
    key("policy", "net_host", |c| Place::Switch(&mut c.policy.net_host), "Whether operators can have the host's network."),
    key("policy", "profiles", |c| Place::Profiles(&mut c.policy.profiles), "The profiles that operators can choose."),
    key("policy", "seccomp", |c| Place::Switch(&mut c.policy.seccomp), "Whether operators can bring rules for system calls of their own."),
    key("policy", "cgroup_files", |c| Place::Switch(&mut c.policy.cgroup_files), "Whether operators can set files of a cgroup by their names."),
    key("policy", "log_max", |c| Place::Size(&mut c.policy.log_max), "Memory of the daemon that one operator's job can have for its log."),
    key("policy", "spool_max", |c| Place::Size(&mut c.policy.spool_max), "Disk that one operator's job can have for its output."),
];

impl Key {
    /// `section.name`, as errors and the manual page have it.
    pub fn full_name(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// Whether two configurations say the same of it.
    pub fn is_same(&self, one: &Config, other: &Config) -> bool {
        (self.place)(&mut one.clone()).shown() == (self.place)(&mut other.clone()).shown()
    }

    /// What it is when nothing is said, as it would be written in the file; `None` is nothing.
    pub fn default(&self) -> Option<String> {
        (self.place)(&mut Config::default()).shown()
    }
}

impl Place<'_> {
    /// What is there, as TOML.
    fn shown(&self) -> Option<String> {
        let list = |items: Vec<String>| Some(format!("[{}]", items.join(", ")));
        let quoted = |path: &PathBuf| format!("{:?}", path.to_string_lossy());
        match self {
            Self::Path(path) => Some(quoted(path)),
            Self::MaybePath(path) => path.as_ref().map(quoted),
            Self::Paths(paths) => list(paths.iter().map(quoted).collect()),
            Self::Address(address) => address.map(|address| format!("\"{address}\"")),
            Self::Switch(on) => Some(on.to_string()),
            Self::Count(count, _) => Some(count.to_string()),
            Self::Small(count, _) => Some(count.to_string()),
            Self::Time(time, _) => Some(format!("\"{}s\"", time.as_secs())),
            Self::Size(bytes) => Some(bytes.to_string()),
            Self::Profiles(profiles) => list(profiles.iter().map(|profile| format!("{:?}", profile.word())).collect()),
            Self::Log(format) => Some(format!("{:?}", format.word())),
            Self::Shown(shown) => shown.as_ref().map(|shown| format!("\"{shown}\"")),
        }
    }
}
