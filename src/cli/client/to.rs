//! Which daemon is asked, and how its answers are printed: the flags that all verbs share.

use super::Failure;
use crate::rpc::client::{Client, SOCKET};
use crate::rpc::connect::Target;
use crate::rpc::context::{self, Context};
use crate::rpc::tls::client::Paths;
use clap::ValueHint;
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The flags.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct To {
    /// The daemon: unix:///PATH of a socket, or HOST:PORT with --cert, --key and --ca; the one of this host unless asked for
    #[arg(long, value_name = "WHERE", conflicts_with = "context", help_heading = "Daemon")]
    pub host: Option<String>,
    /// Your certificate, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "host", help_heading = "Daemon")]
    pub cert: Option<PathBuf>,
    /// Its key, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "host", help_heading = "Daemon")]
    pub key: Option<PathBuf>,
    /// The certificates that the daemon is trusted by, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "host", help_heading = "Daemon")]
    pub ca: Option<PathBuf>,
    /// The name in the daemon's certificate, if that is not the host's
    #[arg(long, value_name = "NAME", requires = "host", help_heading = "Daemon")]
    pub server_name: Option<String>,
    /// The daemon by its name in ~/.config/ironcell/contexts.toml; IRONCELL_CONTEXT has a default
    #[arg(long, value_name = "NAME", help_heading = "Daemon")]
    pub context: Option<String>,
    /// Print JSON, for machines
    #[arg(long)]
    pub json: bool,
}

/// The scheme of a socket.
const UNIX: &str = "unix://";

impl To {
    /// A connection to the daemon that is meant.
    pub async fn connect(&self) -> Result<Client, Failure> {
        let context = self.meant()?;
        match context.host.strip_prefix(UNIX) {
            Some(path) => Ok(Client::local(Path::new(path)).await?),
            None => Ok(Client::to(&remote(context)?).await?),
        }
    }

    /// The flags, or the context, or the daemon of this host.
    fn meant(&self) -> Result<Context, Failure> {
        if let Some(host) = &self.host {
            let (cert, key, ca) = (self.cert.clone(), self.key.clone(), self.ca.clone());
            return Ok(Context { host: host.clone(), server_name: self.server_name.clone(), cert, key, ca });
        }
        let by_default = || std::env::var("IRONCELL_CONTEXT").ok().filter(|name| !name.is_empty());
        match self.context.clone().or_else(by_default) {
            Some(name) => context::named(&name).map_err(Failure::Said),
            None => Ok(Context { host: format!("{UNIX}{SOCKET}"), ..Context::default() }),
        }
    }

    /// Prints for machines or for people.
    pub fn print(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json())?;
        } else {
            out.write_all(text().as_bytes())?;
        }
        Ok(out.flush()?)
    }
}

/// A daemon of another host: it and the caller know each other by certificates, or not at all.
fn remote(context: Context) -> Result<Target, Failure> {
    let Context { host: address, server_name: name, cert, key, ca } = context;
    let needs = |file: Option<PathBuf>, flag: &str| {
        let said = format!(
            "{flag} is missing: {address} is a daemon of another host, which is spoken to with --cert, --key and --ca"
        );
        file.ok_or(Failure::Said(said))
    };
    let paths = Paths { cert: needs(cert, "--cert")?, key: needs(key, "--key")?, ca: needs(ca, "--ca")? };
    Ok(Target::Tls { address, name, paths })
}
