//! A client's way to a daemon: over the Unix socket of its own host, or over TLS to another.

use super::limits::KEEPALIVE;
use super::tls::{FileError, client};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// How long a daemon may take to answer that it is there.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Of the same host, by its socket.
    Unix(PathBuf),
    /// Of another.
    Tls {
        /// `HOST:PORT`, as `build.example.org:7443` or `[::1]:7443`.
        address: String,
        /// The name in its certificate, if that is not the host of the address.
        name: Option<String>,
        /// Who calls.
        paths: client::Paths,
    },
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file of keys or certificates is of no use.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address has no meaning.
    #[error("--host is {0:?}: not an address; write HOST:PORT")]
    Address(String),
    /// Nobody answers, or it is not the daemon.
    #[error("no daemon answers at {at}: {why}; {remedy}")]
    Unreachable {
        /// Where it was looked for.
        at: String,
        /// What happened.
        why: String,
        /// What may help.
        remedy: &'static str,
    },
}

/// Connects, once; the channel connects again by itself when the connection is lost.
///
/// # Errors
/// Why there is no connection. A daemon that does not take the client's certificate says so only when it is called:
/// [`refusal`] reads that.
pub async fn connect(target: &Target) -> Result<Channel, ConnectError> {
    match target {
        Target::Unix(path) => {
            const REMEDY: &str = "is ironcelld running? systemctl status ironcelld; its socket is for root alone";
            let socket = path.clone();
            let connector = service_fn(move |_| {
                let socket = socket.clone();
                async move { UnixStream::connect(socket).await.map(TokioIo::new) }
            });
            // The name is never looked up.
            let channel = endpoint("http://localhost".to_owned())?.connect_with_connector(connector).await;
            channel.map_err(|error| unreachable(path.display().to_string(), &error, REMEDY))
        }
        Target::Tls { address, name, paths } => {
            const REMEDY: &str = "check the address, the daemon's certificate and --ca";
            let (config, name) = (Arc::new(client::config(paths)?), server_name(address, name.as_deref())?);
            let place = address.clone();
            let connector = service_fn(move |_| {
                let (config, place, name) = (Arc::clone(&config), place.clone(), name.clone());
                async move { client::connect(config, &place, name).await.map(TokioIo::new) }
            });
            let channel = endpoint(format!("https://{address}"))?.connect_with_connector(connector).await;
            channel.map_err(|error| unreachable(address.clone(), &error, REMEDY))
        }
    }
}

fn endpoint(uri: String) -> Result<Endpoint, ConnectError> {
    let endpoint = Endpoint::from_shared(uri.clone()).map_err(|_| ConnectError::Address(uri))?;
    Ok(endpoint
        .connect_timeout(CONNECT_WITHIN)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true))
}

/// The name that the daemon's certificate must have.
fn server_name(address: &str, name: Option<&str>) -> Result<ServerName<'static>, ConnectError> {
    let bad = || ConnectError::Address(address.to_owned());
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    port.parse::<u16>().map_err(|_| bad())?;
    let host = name.unwrap_or_else(|| host.trim_start_matches('[').trim_end_matches(']'));
    ServerName::try_from(host.to_owned()).map_err(|_| bad())
}

fn unreachable(at: String, error: &tonic::transport::Error, remedy: &'static str) -> ConnectError {
    // The innermost knows most.
    let mut why: &dyn std::error::Error = error;
    while let Some(source) = why.source() {
        why = source;
    }
    ConnectError::Unreachable { at, why: why.to_string(), remedy }
}

/// What the daemon said in TLS's own words when it closed the connection, in place of an answer: with TLS 1.3 a client that
/// was refused hears of it at its first call only.
pub fn refusal(status: &tonic::Status) -> Option<String> {
    // h2 keeps of what TLS said the text alone.
    const TOLD: &str = "received fatal alert: ";
    let mut source = status.source();
    while let Some(error) = source {
        if let Some((_, alert)) = error.to_string().split_once(TOLD) {
            return Some(format!("the daemon refuses the client certificate: {alert}"));
        }
        source = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_of_the_address_or_of_the_caller() {
        let name = |address: &str, name| server_name(address, name).map(|name| name.to_str().into_owned());
        assert_eq!(name("build.example.org:7443", None).expect("a name"), "build.example.org");
        assert_eq!(name("10.0.0.1:7443", None).expect("a name"), "10.0.0.1");
        assert_eq!(name("[::1]:7443", None).expect("a name"), "::1");
        assert_eq!(name("10.0.0.1:7443", Some("build")).expect("a name"), "build");
        for bad in ["", "host", "host:", "host:x", "host:70000", ":7443", "a b:1"] {
            assert!(name(bad, None).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_told_with_the_way_out() {
        let error = connect(&Target::Unix("/nowhere/at/all".into())).await.expect_err("nobody");
        let text = error.to_string();
        assert!(
            text.contains("/nowhere/at/all") && text.contains("No such file") && text.contains("running"),
            "{text}"
        );
    }
}
