//! What the daemon shows and trusts, and how both are replaced while it serves: a handshake takes what is there when it
//! begins, and every connection looks again at what there is.

use super::verifier::ForClients;
use super::{ALPN, FileError, files};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{Error, ServerConfig, version};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the keys and certificates of a daemon are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The daemon's own certificate, and what leads from it to an authority that clients trust.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities of clients.
    pub client_ca: PathBuf,
    /// Their lists of revoked certificates. With it, a client whose authority has no list in it, or an expired one, is
    /// refused.
    pub crl: Option<PathBuf>,
}

/// All that one state of the files makes.
#[derive(Debug)]
pub struct Current {
    /// For handshakes.
    pub config: Arc<ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Current {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file that is of no use, and why.
    pub fn read(paths: &Paths) -> Result<Self, FileError> {
        let provider = provider();
        let roots = Arc::new(files::roots(&paths.client_ca)?);
        let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
        if let Some(crl) = &paths.crl {
            // An unknown state is a refusal by rustls's default; that a list has expired is only said to matter by this.
            verifier = verifier.with_crls(files::revocations(crl)?).enforce_revocation_expiration();
        }
        let culprit = paths.crl.as_ref().unwrap_or(&paths.client_ca);
        let verifier = verifier
            .build()
            .map_err(|error| FileError::new(culprit, error.to_string(), "is it made by openssl or ironcell pki?"))?;
        let verifier: Arc<dyn ClientCertVerifier> = Arc::new(ForClients(verifier));
        let (chain, key) = (files::chain(&paths.cert)?, files::key(&paths.key)?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .and_then(|builder| builder.with_client_cert_verifier(Arc::clone(&verifier)).with_single_cert(chain, key))
            .map_err(|error| unfit(paths, &error))?;
        // A resumed session is not asked for its certificate again (RFC 8446 §2.2): a revoked one would come back.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), verifier })
    }

    /// Whether a client's chain is still good, now and by this state of the files.
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let Some((leaf, intermediates)) = chain.split_first() else { return Err(Error::NoCertificatesPresented) };
        self.verifier.verify_client_cert(leaf, intermediates, UnixTime::now()).map(drop)
    }
}

/// Which of the daemon's own two files it is.
fn unfit(paths: &Paths, error: &Error) -> FileError {
    match error {
        Error::InvalidCertificate(_) => FileError::new(&paths.cert, error.to_string(), "is it made for servers?"),
        _ => FileError::new(&paths.key, error.to_string(), "it is the key of the daemon's certificate"),
    }
}

/// The cryptography: ring's.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The keys of a daemon. Cheap to clone; all clones change together.
#[derive(Debug, Clone)]
pub struct Keys {
    paths: Arc<Paths>,
    current: Arc<watch::Sender<Arc<Current>>>,
}

impl Keys {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Names the file that is of no use, and why.
    pub fn read(paths: Paths) -> Result<Self, FileError> {
        let current = Arc::new(Current::read(&paths)?);
        Ok(Self { paths: Arc::new(paths), current: Arc::new(watch::Sender::new(current)) })
    }

    /// Reads them again. Handshakes from now on use the new ones, and connections whose certificates the new ones no longer
    /// let through end. When a file is of no use all stays as it was.
    ///
    /// # Errors
    /// Names the file that is of no use, and why.
    pub fn reload(&self) -> Result<(), FileError> {
        self.put(Current::read(&self.paths)?);
        Ok(())
    }

    /// These from now on, as by a reload.
    pub fn put(&self, current: Current) {
        self.current.send_replace(Arc::new(current));
    }

    /// Where they were read from at first.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// What is in force.
    pub fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.borrow())
    }

    /// Hears of every reload.
    pub fn changes(&self) -> watch::Receiver<Arc<Current>> {
        self.current.subscribe()
    }
}
