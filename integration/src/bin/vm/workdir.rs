//! The private directory of one run: the disk with the programs, the port's socket, the console's log.
//!
//! It is removed at the end, also after Ctrl-C. What a SIGKILL leaves is found by the next run: the directory's lock is
//! free then.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

const PREFIX: &str = "ironcell-vm-";

/// A directory younger than this may be about to be locked by the one who has just made it.
const TOO_YOUNG: Duration = Duration::from_secs(60);

/// The directory of this run, with its lock.
static OWN: Mutex<Option<(PathBuf, File)>> = Mutex::new(None);

/// The directory, made at the first call; only its owner may look into it.
pub fn path() -> Result<PathBuf> {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((path, _)) = &*own {
        return Ok(path.clone());
    }
    let above = std::env::temp_dir();
    sweep(&above);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let path = above.join(format!("{PREFIX}{}-{:x}", std::process::id(), now.as_nanos() & 0xffff_ffff));
    DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let lock = File::create(path.join("lock")).with_context(|| format!("cannot write into {}", path.display()))?;
    lock.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    *own = Some((path.clone(), lock));
    Ok(path)
}

/// Removes the directory of this run, if there is one.
pub fn remove() {
    if let Some((path, _lock)) = OWN.lock().unwrap_or_else(PoisonError::into_inner).take()
        && let Err(error) = fs::remove_dir_all(&path)
    {
        eprintln!("vm: cannot remove {}: {error}", path.display());
    }
}

/// Removes what killed runs have left. Only our own directories can be locked and removed, so errors mean "not ours".
fn sweep(above: &Path) {
    for entry in fs::read_dir(above).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if ours && age.is_some_and(|age| age > TOO_YOUNG) {
            match File::open(path.join("lock")) {
                Ok(lock) if lock.try_lock().is_err() => {}
                _ => drop(fs::remove_dir_all(&path)),
            }
        }
    }
}
