//! The image: made once by `image.sh`, kept in the user's cache, never written to.
//!
//! Its name is a digest of what it is made of (the two scripts), so a changed recipe makes a new one and removes the
//! old. Two runs at once: one makes it, the other waits; an image that a machine runs from is not removed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use integration::Lane;

use crate::{children, mirror, progress, tools};

/// 56 s here, of which 20 are the mirror's; a slow one may need minutes.
const MAKE_SECONDS: u32 = 1800;

/// Another run may be making the image just now.
const LOCK_LIMIT: Duration = Duration::from_secs(MAKE_SECONDS as u64);
const LOCK_POLL: Duration = Duration::from_millis(200);

/// The scripts that make the image, as they are in the tree that this program was built from.
const RECIPE: [(&str, &str); 2] =
    [("image.sh", include_str!("../../../image.sh")), ("provision.sh", include_str!("../../../provision.sh"))];

/// An image that is there, and stays there as long as this lives.
pub struct Image {
    directory: PathBuf,
    _in_use: File,
}

impl Image {
    pub fn kernel(&self, lane: Lane) -> PathBuf {
        self.directory.join(if lane == Lane::Next { "vmlinuz-next" } else { "vmlinuz-bare" })
    }

    pub fn root(&self) -> PathBuf {
        self.directory.join("root.ext4")
    }

    pub fn scratch(&self) -> PathBuf {
        self.directory.join("scratch.ext4")
    }

    pub fn swap(&self) -> PathBuf {
        self.directory.join("swap.img")
    }

    pub fn spare(&self) -> PathBuf {
        self.directory.join("spare.img")
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The releases of its kernels, one a line.
    pub fn kernels(&self) -> Result<String> {
        let file = self.directory.join("kernels");
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    }
}

/// The image, made if it is not there (or in any case, if `refresh`).
pub fn ensure(refresh: bool) -> Result<Image> {
    let cache = cache()?;
    let directory = cache.join(digest(&RECIPE));
    if !refresh && let Some(image) = open(&directory) {
        return Ok(image);
    }
    tools::ensure_make()?;
    let _lock = lock(&cache.join("lock"))?;
    if refresh || open(&directory).is_none() {
        progress!("making the image of the guest (about a minute, once)");
        make(&cache, &directory)?;
        remove_old(&cache, &directory);
    }
    open(&directory).with_context(|| format!("the image in {} is gone again", directory.display()))
}

/// The last file to be made is the lock: an image without it is not one.
fn open(directory: &Path) -> Option<Image> {
    let in_use = File::open(directory.join("lock")).ok()?;
    in_use.lock_shared().ok()?;
    // It may have been removed between the two steps above.
    directory.join("lock").exists().then(|| Image { directory: directory.to_owned(), _in_use: in_use })
}

fn make(cache: &Path, directory: &Path) -> Result<()> {
    let new = cache.join("new");
    clear(&new)?;
    let out = new.join("image");
    let log = new.join("log");
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    for (name, script) in RECIPE {
        let file = new.join(name);
        fs::write(&file, script).with_context(|| format!("cannot write {}", file.display()))?;
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    mirror::write(&new)?;
    // Mounts of the making stay in a mount namespace of their own.
    let mut command = children::as_root("unshare", MAKE_SECONDS)?;
    command.args(["--mount", "--propagation", "private"]);
    command.arg(new.join("image.sh")).arg(&out).arg(&new).env("PATH", full_path());
    children::run_logged(&mut command, &log, "the making of the image")?;
    fs::write(out.join("lock"), "").context("cannot write the lock")?;
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    fs::rename(&out, directory).with_context(|| format!("cannot rename {}", out.display()))?;
    clear(&new)
}

/// Removes a half-made image; its files are root's.
fn clear(new: &Path) -> Result<()> {
    if new.exists() {
        let status = children::as_root("rm", MAKE_SECONDS)?.arg("-rf").arg(new).status();
        if !status.is_ok_and(|status| status.success()) {
            bail!("cannot remove {}", new.display());
        }
    }
    Ok(())
}

/// Root's programs may not be on a user's PATH, and sudo may have one of its own.
fn full_path() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into()))
}

/// Removes images of older recipes, unless a machine runs from them.
fn remove_old(cache: &Path, current: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let path = entry.path();
        let unused = path != current && File::open(path.join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if unused && let Err(error) = fs::remove_dir_all(&path) {
            progress!("cannot remove the old image {}: {error}", path.display());
        }
    }
}

/// `$XDG_CACHE_HOME/ironcell-vm`, or the same below `~/.cache`.
pub fn cache() -> Result<PathBuf> {
    let below =
        |name, rest: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(|v| PathBuf::from(v).join(rest));
    let home = below("XDG_CACHE_HOME", "").or_else(|| below("HOME", ".cache"));
    let cache = home.context("no place for the image: set XDG_CACHE_HOME or HOME")?.join("ironcell-vm");
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    Ok(cache)
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let start = Instant::now();
    while file.try_lock().is_err() {
        if start.elapsed() < LOCK_POLL {
            progress!("another run is making the image; waiting for it");
        }
        if start.elapsed() > LOCK_LIMIT {
            bail!("another run has held {} for {} s", path.display(), LOCK_LIMIT.as_secs());
        }
        thread::sleep(LOCK_POLL);
    }
    Ok(file)
}

/// FNV-1a, 64 bits: the same on every machine and with every compiler, which std's hasher does not promise.
fn digest(recipe: &[(&str, &str)]) -> String {
    let bytes = recipe.iter().flat_map(|(name, script)| name.bytes().chain([0]).chain(script.bytes()).chain([0]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_the_recipe_changes_the_name() {
        let name = digest(&[("a", "1"), ("b", "2")]);
        assert_eq!(name.len(), 16);
        for other in [[("a", "1"), ("b", "3")], [("a", "1b"), ("", "2")], [("a", ""), ("b", "12")]] {
            assert_ne!(digest(&other), name, "{other:?}");
        }
    }
}
