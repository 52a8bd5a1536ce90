//! The files of an authority: written whole or not at all, and a key never more open than it ends up.

use crate::rpc::tls::FileError;
use rustls::pki_types::CertificateDer;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// For keys.
pub const SECRET: u32 = 0o600;
/// For what everybody may see.
pub const OPEN: u32 = 0o644;

/// Makes the directory, for its owner alone; one that others can write to is refused.
pub fn directory(dir: &Path) -> Result<(), FileError> {
    const REMEDY: &str = "name a directory that can be made, or one of your own with chmod 700";
    if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
        fs::create_dir_all(above).map_err(|error| FileError::new(above, error.to_string(), REMEDY))?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other.map_err(|error| FileError::new(dir, error.to_string(), REMEDY)),
    }
    let found = fs::metadata(dir).map_err(|error| FileError::new(dir, error.to_string(), REMEDY))?;
    if !found.is_dir() || found.mode() & 0o022 != 0 {
        return Err(FileError::new(dir, "others can write to it, or it is no directory", REMEDY));
    }
    Ok(())
}

/// Waits until no other process changes the directory.
pub fn lock(dir: &Path) -> Result<File, FileError> {
    let path = dir.join(".lock");
    let file = OpenOptions::new().create(true).append(true).mode(SECRET).open(&path);
    let locked = file.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| FileError::new(path, error.to_string(), "the directory of an authority can be written to"))
}

/// Writes a file that is not there yet.
pub fn create(path: &Path, text: &str, mode: u32) -> Result<(), FileError> {
    let made = written(path, text, mode).and_then(|new| {
        // Unlike a rename, a link does not replace what is there.
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        linked
    });
    made.map_err(|error| FileError::new(path, format!("it cannot be written: {error}"), "is it there already?"))
}

/// Writes a file in place of the one that is there.
pub fn replace(path: &Path, text: &str, mode: u32) -> Result<(), FileError> {
    let made = written(path, text, mode).and_then(|new| fs::rename(&new, path));
    made.map_err(|error| FileError::new(path, format!("it cannot be written: {error}"), "is there room on the disk?"))
}

/// The text in a file beside, on the disk.
fn written(path: &Path, text: &str, mode: u32) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // Left by one that died here: there is one at a time.
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(new)
}

/// The text of a file.
pub fn read(path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|error| {
        FileError::new(path, format!("it cannot be read: {error}"), "it is what ironcell pki init wrote")
    })
}

/// The name of an authority.
pub fn common_name(path: &Path, chain: &[CertificateDer<'_>]) -> Result<String, FileError> {
    const REMEDY: &str = "it is the certificate that ironcell pki init wrote";
    let certificate = chain.first().and_then(|certificate| Certificate::from_der(certificate).ok());
    let name = certificate.and_then(|certificate| certificate.tbs_certificate().subject().common_name().ok()?);
    name.map(|name| name.value().into_owned()).ok_or_else(|| FileError::new(path, "it has no CN", REMEDY))
}
