//! VOICE: the daemon's wire. gRPC over mutually authenticated TLS, or over a Unix socket for callers of the same host.

pub mod audit;
pub mod authz;
pub mod client;
pub mod config;
pub mod connect;
pub mod context;
pub mod convert;
pub mod daemon;
pub mod errors;
mod gate;
mod hush;
pub mod limits;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod peer;
pub mod pki;
pub mod policy;
pub mod serve;
pub mod service;
pub mod stop;
pub mod tls;
pub mod wire;

/// What `build.rs` made of `proto/ironcell.proto`.
#[allow(missing_docs, clippy::all, reason = "generated: each message is told about in the protocol itself")]
pub mod proto {
    tonic::include_proto!("ironcell.v1");
    /// Of all protocols, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
}

/// What `build.rs` made of `proto/compat.proto`: the older Remote Job Executor's wire.
#[allow(missing_docs, clippy::all, reason = "generated")]
pub mod compat {
    tonic::include_proto!("api");
}
