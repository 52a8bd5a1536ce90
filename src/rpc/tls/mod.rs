//! TLS as the daemon speaks it: version 1.3, both sides with a certificate, HTTP/2, and nothing of all that may be left out.
//! tonic's own TLS has neither versions nor revocation nor reloading, so the connections are made here.

pub mod client;
pub mod files;
pub mod identity;
pub mod keys;
mod verifier;

use std::path::PathBuf;

/// The one application protocol (RFC 7540 §3.1): a client that offers another, or none, is refused.
pub const ALPN: &[u8] = b"h2";

/// A file of keys or certificates that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; {remedy}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub remedy: &'static str,
}

impl FileError {
    pub(in crate::rpc) fn new(path: impl Into<PathBuf>, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { path: path.into(), problem: problem.into(), remedy }
    }
}
