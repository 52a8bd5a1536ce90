//! The other side: a client's TLS, as strict as the daemon's.

use super::keys::provider;
use super::{ALPN, FileError, files};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, version};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a client's keys and certificates are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The client's certificate, and what leads from it to an authority that the daemon trusts.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of daemons.
    pub ca: PathBuf,
}

/// What a client connects with.
///
/// # Errors
/// Names the file that is of no use, and why.
pub fn config(paths: &Paths) -> Result<ClientConfig, FileError> {
    let roots = files::roots(&paths.ca)?;
    let (chain, key) = (files::chain(&paths.cert)?, files::key(&paths.key)?);
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .and_then(|builder| builder.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(|error| FileError::new(&paths.key, error.to_string(), "it is the key of the certificate"))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Connects to `address`, and takes nobody for the daemon whose certificate does not have this name.
///
/// # Errors
/// When nobody listens there, or it is not the daemon.
pub async fn connect(
    config: Arc<ClientConfig>,
    address: &str,
    name: ServerName<'static>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err(io::Error::other("whoever listens there does not speak h2"));
    }
    Ok(stream)
}
