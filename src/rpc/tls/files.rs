//! The files of keys and certificates: PEM, read whole and checked one by one, so that what is wrong is said of its file.

use super::FileError;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A bundle of a few hundred authorities has half of this, a revocation list of ten thousand certificates too.
const FILE_MOST_BYTES: u64 = 4 << 20;

/// A chain of certificates, the leaf first.
///
/// # Errors
/// When there is none in the file.
pub fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, FileError> {
    const REMEDY: &str = "it holds one or more CERTIFICATE blocks, the leaf first";
    let text = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| FileError::new(path, error.to_string(), REMEDY))?;
    if chain.is_empty() {
        return Err(FileError::new(path, "there is no certificate in it", REMEDY));
    }
    Ok(chain)
}

/// A private key. That others can read it is refused: whoever has it is the daemon.
///
/// # Errors
/// When there is none in the file, or it is not kept.
pub fn key(path: &Path) -> Result<PrivateKeyDer<'static>, FileError> {
    let mode = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.mode();
    if mode & 0o007 != 0 {
        let problem = format!("everybody can use this private key (mode {:04o})", mode & 0o7777);
        return Err(FileError::new(path, problem, "chmod 600"));
    }
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| {
        FileError::new(
            path,
            error.to_string(),
            "it holds one PRIVATE KEY block (PKCS#8), or an RSA or EC one, not encrypted",
        )
    })
}

/// The authorities that are trusted.
///
/// # Errors
/// When there is none in the file, or one that cannot be read: each that is passed over is one that somebody relies on.
pub fn roots(path: &Path) -> Result<RootCertStore, FileError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|error| {
            FileError::new(path, error.to_string(), "it holds the CERTIFICATE blocks of authorities, and nothing else")
        })?;
    }
    Ok(roots)
}

/// Lists of revoked certificates.
///
/// # Errors
/// When there is none in the file.
pub fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, FileError> {
    const REMEDY: &str = "it holds one X509 CRL block for each authority";
    let text = read(path)?;
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| FileError::new(path, error.to_string(), REMEDY))?;
    if lists.is_empty() {
        return Err(FileError::new(path, "there is no revocation list in it", REMEDY));
    }
    Ok(lists)
}

/// The whole of a file of ordinary size.
fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut text = Vec::new();
    file.take(FILE_MOST_BYTES + 1).read_to_end(&mut text).map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > FILE_MOST_BYTES {
        return Err(FileError::new(
            path,
            format!("it is larger than {FILE_MOST_BYTES} bytes"),
            "is it the right file?",
        ));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &std::io::Error) -> FileError {
    FileError::new(path, format!("it cannot be read: {error}"), "give the path of a file that the daemon can read")
}
