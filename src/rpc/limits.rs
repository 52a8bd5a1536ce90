//! How much of the daemon callers can take, before they are known and after.

use std::time::Duration;

/// The bounds of a server. Each is a wall against somebody: the defaults let a thousand followers of a job in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once, of all callers of one listener. One more is closed at once.
    pub connections: usize,
    /// Connections at once of one key: half of all, so that nobody locks everybody else out.
    pub connections_of_one: usize,
    /// Handshakes at once. One more, and the oldest is given up: a good one takes milliseconds, so that is one that stalls.
    pub handshakes: usize,
    /// Time for a handshake.
    pub handshake: Duration,
    /// Calls at once on one connection; a client waits before it makes one more.
    pub streams: u32,
    /// How long a connection may stay without a call.
    pub idle: Duration,
    /// Time for a call that does not wait for anything: for its request to arrive whole, and for its work.
    pub call: Duration,
    /// How often a connection's certificate is looked at again, besides at every reload. At most a minute.
    pub recheck: Duration,
    /// How long the end of the daemon waits for calls that are under way.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_of_one: 2048,
            handshakes: 256,
            handshake: Duration::from_secs(10),
            streams: 128,
            idle: Duration::from_secs(300),
            call: Duration::from_secs(60),
            recheck: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// A request at most: what execve(2) takes of arguments and environment, and a MiB of input, fit twice.
pub const REQUEST_MOST_BYTES: usize = 4 << 20;
/// All headers of a call; ours have less than 1 KiB.
pub const HEADERS_MOST_BYTES: u32 = 16 << 10;
/// What the daemon holds of a stream's answers until its connection takes them: its memory for each follower that stalls, beside
/// one more frame. What a client has announced that it takes (its window) is on its way already, and is not counted.
pub const ANSWER_BUFFER_BYTES: usize = 32 << 10;
/// What a client may have sent on a stream without its having been read.
pub const STREAM_WINDOW_BYTES: u32 = 64 << 10;
/// The same of all streams of a connection together.
pub const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;
/// How often a connection is asked whether it is there, and how long it may take to say so.
pub const KEEPALIVE: Duration = Duration::from_secs(20);
