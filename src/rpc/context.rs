//! Daemons by their names: `~/.config/ironcell/contexts.toml`, a table a daemon.
//!
//! ```toml
//! [build]
//! host = "build.example.org:7443"
//! cert = "alice.pem"
//! key = "alice.key"
//! ca = "ca.pem"
//! ```
//! Relative paths begin at the file's directory.

use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

/// Where a daemon is, and by what it and the caller know each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// `unix:///PATH` or `HOST:PORT`.
    pub host: String,
    /// The name in the daemon's certificate, if that is not the host's.
    pub server_name: Option<String>,
    /// The caller's certificate.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Who is trusted.
    pub ca: Option<PathBuf>,
}

/// Bytes of the file at most: some hundred daemons.
const FILE_MOST: u64 = 256 << 10;

/// The daemon of this name.
///
/// # Errors
/// When the file cannot be read, or has no daemon of this name; in words.
pub fn named(name: &str) -> Result<Context, String> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let config = std::env::var_os("XDG_CONFIG_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from).or_else(home);
    let path =
        config.ok_or("there is no home directory to look for contexts in: set HOME")?.join("ironcell/contexts.toml");
    let size = std::fs::metadata(&path).map(|found| found.len());
    let text = size.and_then(|size| {
        if size > FILE_MOST { Err(std::io::Error::other("it is too long")) } else { std::fs::read_to_string(&path) }
    });
    let text = text.map_err(|error| format!("the context {name} cannot be looked up: {}: {error}", path.display()))?;
    let dir = path.parent().unwrap_or(Path::new("/"));
    read(&text, dir, name).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// The daemon of this name in a file of this directory.
fn read(text: &str, dir: &Path, name: &str) -> Result<Context, String> {
    let tables = DeTable::parse(text).map_err(|error| error.message().to_owned())?;
    let known = || tables.get_ref().keys().map(|key| key.get_ref().to_string()).collect::<Vec<_>>().join(", ");
    let table = tables.get_ref().iter().find(|(key, _)| *key.get_ref() == name).map(|(_, value)| value.get_ref());
    let Some(DeValue::Table(table)) = table else {
        return Err(format!("there is no [{name}]; there are: {}", known()));
    };
    let mut context = Context::default();
    for (key, value) in table {
        let DeValue::String(value) = value.get_ref() else {
            return Err(format!("[{name}] {}: not a text", key.get_ref()));
        };
        let path = Some(dir.join(value.as_ref()));
        match key.get_ref().as_ref() {
            "host" => context.host = value.to_string(),
            "server_name" => context.server_name = Some(value.to_string()),
            "cert" => context.cert = path,
            "key" => context.key = path,
            "ca" => context.ca = path,
            other => return Err(format!("[{name}] {other}: the keys are host, server_name, cert, key and ca")),
        }
    }
    if context.host.is_empty() { Err(format!("[{name}] has no host")) } else { Ok(context) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_found_by_its_name_and_what_is_odd_is_named() {
        let text =
            "[here]\nhost = 'unix:///tmp/s'\n[there]\nhost = 'h:1'\ncert = 'c.pem'\nkey = '/k'\n[bad]\nhots = ''\n";
        let read = |name| read(text, Path::new("/dir"), name);
        assert_eq!(read("here").expect("a daemon").host, "unix:///tmp/s");
        let there = read("there").expect("a daemon");
        assert_eq!((there.cert, there.key), (Some("/dir/c.pem".into()), Some("/k".into())));
        assert!(read("bad").expect_err("an odd key").contains("hots"));
        assert!(read("nowhere").expect_err("none").contains("there are: "));
    }
}
