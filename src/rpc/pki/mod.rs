//! An authority in a directory: makes certificates for a daemon and its callers, and revokes them. For development and small
//! houses; a real authority's certificates are as good, if they have what [`super::tls`] asks for.
//!
//! In the directory: `ca.crt`, `ca.key`, `ca.crl`, for each name `NAME.crt` and `NAME.key`, and two lists, `issued` and
//! `revoked`, one certificate a line: serial, seconds since 1970, name.

mod files;
mod ledger;

use super::peer::Role;
use super::tls::FileError;
use super::tls::files::chain;
use super::tls::identity::LOCAL;
use crate::life::digest::Sum;
use crate::spec::Owner;
use ledger::Line;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long an authority is good.
pub const AUTHORITY_DAYS: u32 = 3650;
/// How long a certificate is good when nothing is said: it is replaced a few times a year, so that somebody knows how.
pub const CERTIFICATE_DAYS: u32 = 90;
/// How long a list of revoked certificates is good when nothing is said.
pub const LIST_DAYS: u32 = 30;
/// Days at most: past any machine.
pub const MOST_DAYS: u32 = 36500;
/// A certificate is good from a little before it is made: clocks differ.
const SKEW: Duration = Duration::from_secs(300);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// What belongs to the authority itself.
const RESERVED: &str = "ca";

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum For {
    /// A caller with this role.
    Client(Role),
    /// A daemon that is reached by these names and addresses.
    Server(Vec<String>),
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// One process at a time changes the directory.
    _lock: File,
}

/// Where a certificate was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Its serial number, hexadecimal.
    pub serial: String,
}

impl Authority {
    /// Makes a new one, with an empty list of revoked certificates.
    ///
    /// # Errors
    /// When one is there, or the directory cannot be written to.
    pub fn init(dir: &Path, name: &str, days: u32) -> Result<Self, FileError> {
        files::directory(dir)?;
        let lock = files::lock(dir)?;
        if let Some(there) = ["ca.crt", "ca.key"].map(|file| dir.join(file)).into_iter().find(|path| path.exists()) {
            return Err(FileError::new(there, "an authority is there already", "choose another --dir, or remove it"));
        }
        let (key, mut params) = (new_key(dir)?, authority(name));
        (params.not_before, params.not_after) = validity(days);
        params.serial_number = Some(serial(&key));
        let certificate = params.self_signed(&key).map_err(|error| unmade(dir, &error))?;
        files::create(&dir.join("ca.key"), &key.serialize_pem(), files::SECRET)?;
        files::create(&dir.join("ca.crt"), &certificate.pem(), files::OPEN)?;
        let made = Self { dir: dir.to_owned(), issuer: Issuer::new(authority(name), key), _lock: lock };
        made.list(LIST_DAYS)?;
        Ok(made)
    }

    /// Opens one.
    ///
    /// # Errors
    /// When there is none in the directory.
    pub fn open(dir: &Path) -> Result<Self, FileError> {
        let (cert, key) = (dir.join("ca.crt"), dir.join("ca.key"));
        if !cert.exists() && !key.exists() {
            return Err(FileError::new(dir, "there is no authority in it", "make one: ironcell pki init"));
        }
        let lock = files::lock(dir)?;
        let pem = files::read(&key)?;
        let pair = KeyPair::from_pem(&pem)
            .map_err(|error| FileError::new(&key, error.to_string(), "it is the key that ironcell pki init wrote"))?;
        let name = files::common_name(&cert, &chain(&cert)?)?;
        Ok(Self { dir: dir.to_owned(), issuer: Issuer::new(authority(&name), pair), _lock: lock })
    }

    /// Makes a certificate. Nothing that is there is overwritten.
    ///
    /// # Errors
    /// When the name is none, or has a certificate already.
    pub fn issue(&self, name: &str, purpose: &For, days: u32) -> Result<Issued, FileError> {
        self.check_name(name, purpose)?;
        let path = |end: &str| self.dir.join(format!("{name}.{end}"));
        let (cert, key_path) = (path("crt"), path("key"));
        if let Some(there) = [&cert, &key_path].into_iter().find(|path| path.exists()) {
            return Err(FileError::new(there, "it is there already", "move it away, or choose another name"));
        }
        let key = new_key(&self.dir)?;
        let mut params = certificate(&self.dir, name, purpose)?;
        (params.not_before, params.not_after) = validity(days);
        let number = serial(&key);
        params.serial_number = Some(number.clone());
        let made = params.signed_by(&key, &self.issuer).map_err(|error| unmade(&self.dir, &error))?;
        let serial = ledger::hex(&number);
        // The list first: what is not in it could not be revoked.
        let until = SystemTime::now() + DAY * days;
        ledger::add(&self.dir.join(ledger::ISSUED), &Line::new(&serial, until, name))?;
        files::create(&key_path, &key.serialize_pem(), files::SECRET)?;
        files::create(&cert, &made.pem(), files::OPEN)?;
        Ok(Issued { cert, key: key_path, serial })
    }

    /// Revokes all certificates of a name, or the one of a serial number, and writes the list.
    ///
    /// # Errors
    /// When there is none.
    pub fn revoke(&self, which: &str) -> Result<Vec<String>, FileError> {
        let (issued, revoked) = (self.dir.join(ledger::ISSUED), self.dir.join(ledger::REVOKED));
        let old = ledger::read(&revoked)?;
        let wanted = which.to_ascii_lowercase().replace(':', "");
        let meant: Vec<Line> =
            ledger::read(&issued)?.into_iter().filter(|line| line.name == which || line.serial == wanted).collect();
        if meant.is_empty() {
            let remedy = "its first column has the serials, its last the names";
            return Err(FileError::new(issued, format!("no certificate of {which:?} is in it"), remedy));
        }
        let new = meant.iter().filter(|line| !old.iter().any(|old| old.serial == line.serial));
        for line in new {
            ledger::add(&revoked, &Line::new(&line.serial, SystemTime::now(), &line.name))?;
        }
        self.list(LIST_DAYS)?;
        Ok(meant.into_iter().map(|line| line.serial).collect())
    }

    /// Writes the list of revoked certificates, good for so many days.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn list(&self, days: u32) -> Result<PathBuf, FileError> {
        let now = SystemTime::now();
        let revoked = ledger::read(&self.dir.join(ledger::REVOKED))?;
        let one = |line: &Line| RevokedCertParams {
            serial_number: SerialNumber::from(ledger::bytes(&line.serial)),
            revocation_time: line.time.into(),
            reason_code: None,
            invalidity_date: None,
        };
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let list = CertificateRevocationListParams {
            this_update: (now - SKEW).into(),
            next_update: (now + DAY * days).into(),
            crl_number: SerialNumber::from(since.as_secs()),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let text =
            list.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(|error| unmade(&self.dir, &error))?;
        let path = self.dir.join("ca.crl");
        files::replace(&path, &text, files::OPEN)?;
        Ok(path)
    }

    /// A name that is an owner and a file, and nothing else.
    fn check_name(&self, name: &str, purpose: &For) -> Result<(), FileError> {
        const REMEDY: &str = "write 1 to 128 letters, digits or any of -_.:@, not beginning with a dot or uid:";
        let local = matches!(purpose, For::Client(_)) && name.starts_with(LOCAL);
        if Owner::new(name).is_err() || name.contains('/') || name.starts_with('.') || name == RESERVED || local {
            return Err(FileError::new(&self.dir, format!("{name:?} is no name for a certificate"), REMEDY));
        }
        Ok(())
    }
}

/// What all authorities are made of. Its key's identifier follows from the key, so that this is enough to issue with it.
fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // It makes no other authorities.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a certificate is made of.
fn certificate(dir: &Path, name: &str, purpose: &For) -> Result<CertificateParams, FileError> {
    let hosts = match purpose {
        For::Client(_) => Vec::new(),
        For::Server(hosts) => hosts.clone(),
    };
    let mut params = CertificateParams::new(hosts)
        .map_err(|error| FileError::new(dir, error.to_string(), "write a host name or an address after --host"))?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = match purpose {
        For::Client(role) => {
            params.distinguished_name.push(DnType::OrganizationalUnitName, role.word());
            vec![ExtendedKeyUsagePurpose::ClientAuth]
        }
        For::Server(_) => vec![ExtendedKeyUsagePurpose::ServerAuth],
    };
    Ok(params)
}

/// From a little before now.
fn validity<T: From<SystemTime>>(days: u32) -> (T, T) {
    let now = SystemTime::now();
    ((now - SKEW).into(), (now + DAY * days.min(MOST_DAYS)).into())
}

/// A new key, ECDSA on P-256: what every TLS 1.3 speaks.
fn new_key(dir: &Path) -> Result<KeyPair, FileError> {
    KeyPair::generate().map_err(|error| unmade(dir, &error))
}

/// A number that follows from the key, and so is nobody else's: positive, and of full length.
fn serial(key: &KeyPair) -> SerialNumber {
    let mut sum = Sum::default();
    sum.add(key.public_key_raw());
    let mut bytes = ledger::bytes(&sum.hex()[..SERIAL_DIGITS]);
    bytes[0] = bytes[0] & 0x3f | 0x40;
    SerialNumber::from(bytes)
}

/// 16 bytes of at most 20 (RFC 5280 §4.1.2.2).
const SERIAL_DIGITS: usize = 32;

fn unmade(dir: &Path, error: &rcgen::Error) -> FileError {
    FileError::new(dir, format!("a certificate or list cannot be made: {error}"), "this is a fault of ironcell's")
}

#[cfg(test)]
mod tests;
