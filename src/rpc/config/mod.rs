//! The daemon's configuration: TOML, each key out of one table, and whatever is wrong told with its line.

mod asked;
mod check;
mod keys;
mod read;
mod schema;

pub use asked::Asked;
pub use check::Warning;
pub use keys::{KEYS, Key};
pub use schema::schema;

use super::limits::Limits;
use super::live::Rules;
use super::policy::Policy;
use super::tls::FileError;
use super::tls::keys::Paths;
use crate::spec::SpecError;
use crate::supervise::Bounds;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where the configuration is when nothing else is said; it need not be there.
pub const PLACE: &str = "/etc/ironcell/ironcelld.toml";

/// All that can be configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the daemon keeps what outlives it: the records and the output of its jobs. On a file system that jobs cannot
    /// slow down, as the tmpfs of `/run`.
    pub state_dir: PathBuf,
    /// The Unix socket, for root of this host.
    pub socket: PathBuf,
    /// How the log is written.
    pub log: LogFormat,
    /// The TLS port.
    pub remote: Remote,
    /// How much of the daemon callers can take.
    pub limits: Limits,
    /// How many jobs there can be.
    pub jobs: Bounds,
    /// Bytes of output that are kept of a job which says nothing.
    pub spool: u64,
    /// Cells that are built ahead.
    pub warm: usize,
    /// What callers may have.
    pub policy: Policy,
    /// Whether the older Remote Job Executor's service is there, too.
    pub compat: bool,
    /// Where what it counts is shown.
    pub metrics: Option<Shown>,
}

/// Where what the daemon counts is shown: to this host alone, since nobody is asked who he is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A port of the loopback interface.
    Port(SocketAddr),
    /// A Unix socket of root's.
    Socket(PathBuf),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(address) => write!(f, "{address}"),
            Self::Socket(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// The TLS port; there is none without an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remote {
    /// Where it listens.
    pub listen: Option<SocketAddr>,
    /// As [`Paths::cert`].
    pub cert: Option<PathBuf>,
    /// As [`Paths::key`].
    pub key: Option<PathBuf>,
    /// As [`Paths::client_ca`].
    pub client_ca: Option<PathBuf>,
    /// As [`Paths::crl`].
    pub crl: Option<PathBuf>,
}

/// How the log is written, to standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As `journald` if that listens, else as `text`.
    #[default]
    Auto,
    /// Lines with their times.
    Text,
    /// One JSON object a line.
    Json,
    /// Lines without times, each with the priority that journald reads (sd-daemon(3)).
    Journald,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Text, Self::Json, Self::Journald];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
            Self::Journald => "journald",
        }
    }
}

/// 64 MiB: all of what most jobs ever write, and the end of the rest.
const SPOOL: u64 = 64 << 20;

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: "/run/ironcell/daemon".into(),
            socket: "/run/ironcell/ironcelld.sock".into(),
            log: LogFormat::default(),
            remote: Remote::default(),
            limits: Limits::default(),
            jobs: Bounds::default(),
            spool: SPOOL,
            warm: 0,
            policy: Policy::default(),
            compat: false,
            metrics: None,
        }
    }
}

/// A configuration that is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key has no meaning, or its value has none.
    #[error(transparent)]
    Key(#[from] SpecError),
    /// A file of keys or certificates is of no use.
    #[error(transparent)]
    File(#[from] FileError),
    /// The configuration's own file cannot be used.
    #[error("{}: {problem}; {remedy}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        remedy: &'static str,
    },
}

impl Config {
    /// Reads the file that was named, or the usual one; without the usual one all is as by default.
    ///
    /// # Errors
    /// When it cannot be read, others can write to it, or it says something without a meaning.
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        read::load(named)
    }

    /// Reads a text. `name` is what errors call it.
    ///
    /// # Errors
    /// The first thing in it that has no meaning.
    pub fn parse(name: &str, text: &str) -> Result<Self, SpecError> {
        read::parse(name, text)
    }

    /// What of it may be told anew while the daemon serves.
    pub fn rules(&self) -> Rules {
        Rules { policy: self.policy.clone(), limits: self.limits.clone(), spool: Some(self.spool.to_string()) }
    }

    /// The port and the files of the TLS door, if there is one.
    ///
    /// # Errors
    /// When one of its files is not named.
    pub fn remote(&self) -> Result<Option<(SocketAddr, Paths)>, SpecError> {
        let Remote { listen, cert, key, client_ca, crl } = &self.remote;
        let Some(listen) = *listen else { return Ok(None) };
        let named = |name: &str, path: &Option<PathBuf>| {
            let missing = || {
                let expected = "name the file; `ironcell pki` makes one for development";
                SpecError::new(format!("tls.{name}"), "", "the TLS port has none", expected)
            };
            path.clone().ok_or_else(missing)
        };
        let (cert, key, client_ca) = (named("cert", cert)?, named("key", key)?, named("client_ca", client_ca)?);
        Ok(Some((listen, Paths { cert, key, client_ca, crl: crl.clone() })))
    }

    /// Looks at all that can be looked at without listening anywhere.
    ///
    /// # Errors
    /// What would keep the daemon from coming up.
    pub fn check(&self) -> Result<Vec<Warning>, ConfigError> {
        check::check(self)
    }
}

#[cfg(test)]
mod tests;
