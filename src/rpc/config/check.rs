//! What can be known of a configuration before anything is opened.

use super::{Config, ConfigError, Shown};
use crate::rpc::tls::keys::Current;
use crate::spec::SpecError;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Something that keeps no daemon from coming up, and is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning(pub String);

pub(super) fn check(config: &Config) -> Result<Vec<Warning>, ConfigError> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(Warning(text));
    match config.remote()? {
        Some((_, paths)) => {
            Current::read(&paths)?;
            if paths.crl.is_none() {
                warn("tls.crl is not set: a certificate that is revoked stays good until it expires".to_owned());
            }
        }
        None => {
            let remote = &config.remote;
            if [&remote.cert, &remote.key, &remote.client_ca, &remote.crl].iter().any(|path| path.is_some()) {
                warn("tls.listen is not set: the certificates are not used".to_owned());
            }
        }
    }
    beside(config)?;
    let policy = &config.policy;
    for (name, dirs) in [("bind_ro", &policy.bind_ro), ("bind_rw", &policy.bind_rw), ("rootfs", &policy.rootfs)] {
        for dir in dirs {
            look(name, dir, &mut warn);
        }
    }
    Ok(warnings)
}

/// Whether the metrics have a place of their own.
fn beside(config: &Config) -> Result<(), SpecError> {
    let Some(shown) = &config.metrics else { return Ok(()) };
    let other = match shown {
        Shown::Socket(path) => (*path == config.socket).then_some("socket"),
        Shown::Port(address) => {
            let same = |listen: &SocketAddr| {
                listen.port() == address.port() && (listen.ip().is_unspecified() || listen.ip() == address.ip())
            };
            config.remote.listen.as_ref().is_some_and(same).then_some("tls.listen")
        }
    };
    let taken = |other| SpecError::new("metrics", shown.to_string(), format!("{other} is there"), "name another place");
    other.map_or(Ok(()), |other| Err(taken(other)))
}

/// What a directory of the policy is like.
fn look(name: &str, dir: &Path, warn: &mut dyn FnMut(String)) {
    let shown = dir.display();
    match fs::symlink_metadata(dir) {
        Err(error) => warn(format!("policy.{name}: {shown}: {error}")),
        Ok(found) if found.is_symlink() => {
            warn(format!("policy.{name}: {shown} is a symbolic link: name what it leads to"))
        }
        // What others write to below a directory that is read is theirs to make links of.
        Ok(found) if name != "bind_rw" && found.mode() & 0o022 != 0 => {
            warn(format!(
                "policy.{name}: others than its owner can write to {shown}, and make links there that lead anywhere"
            ));
        }
        Ok(_) => {}
    }
}
