//! A Unix socket of mode 0600. It is made in a directory that nobody else can enter and moved to its place, so that it is never
//! more open.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// sun_path of unix(7), less the closing NUL.
const PATH_MOST_BYTES: usize = 107;

/// A socket that is listened to. Its file goes with it, if it is still its own.
#[derive(Debug)]
pub struct Socket {
    pub(in crate::rpc) listener: UnixListener,
    /// Whose it is: the daemon's own user.
    pub(super) own: u32,
    _file: SocketFile,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}; {remedy}", path.display())]
pub struct SocketError {
    /// Where it was to be.
    pub path: PathBuf,
    /// What is in the way.
    pub problem: String,
    /// What would be right.
    pub remedy: &'static str,
}

#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and number: what tells this file from a later one of the same name.
    id: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let own = fs::symlink_metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.id);
        if own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Socket {
    /// Makes the socket. A file of a daemon that is gone is replaced; anything else that is there is left alone. In a tokio
    /// runtime.
    ///
    /// # Errors
    /// What is in the way.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let refuse = |problem: String, remedy| SocketError { path: path.to_owned(), problem, remedy };
        const PLACE: &str = "name a path in a directory that only root can write to, as /run/ironcell/ironcelld.sock";
        let Some(dir) = path.parent().filter(|_| path.file_name().is_some()) else {
            return Err(refuse("it is not the path of a file".to_owned(), PLACE));
        };
        if path.as_os_str().len() > PATH_MOST_BYTES {
            return Err(refuse(format!("it is longer than the {PATH_MOST_BYTES} bytes of a socket's path"), PLACE));
        }
        let failed = |error: io::Error| refuse(format!("the socket cannot be made: {error}"), PLACE);
        DirBuilder::new().recursive(true).mode(0o755).create(dir).map_err(failed)?;
        let own = fs::symlink_metadata("/proc/self").map_err(failed)?.uid();
        replaceable(path, own).map_err(|(problem, remedy)| refuse(problem, remedy))?;
        let nest = dir.join(format!(".{}", std::process::id()));
        // Left by a daemon of the same number that died here.
        let _ = fs::remove_file(nest.join("s"));
        let _ = fs::remove_dir(&nest);
        DirBuilder::new().mode(0o700).create(&nest).map_err(failed)?;
        let made = listen(&nest.join("s"), path);
        let _ = fs::remove_file(nest.join("s"));
        let _ = fs::remove_dir(&nest);
        let (listener, file) = made.map_err(failed)?;
        Ok(Self { listener, own, _file: file })
    }
}

/// Listens at `at`, and moves it to its place.
fn listen(at: &Path, place: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let listener = UnixListener::bind(at)?;
    fs::set_permissions(at, Permissions::from_mode(0o600))?;
    let made = fs::symlink_metadata(at)?;
    fs::rename(at, place)?;
    Ok((listener, SocketFile { path: place.to_owned(), id: (made.dev(), made.ino()) }))
}

/// Whether there is nothing, or only what a dead daemon of ours left.
fn replaceable(path: &Path, own: u32) -> Result<(), (String, &'static str)> {
    const OTHER: &str = "remove it, or name another path";
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err((error.to_string(), OTHER)),
    };
    if !found.file_type().is_socket() {
        let what = if found.is_symlink() { "a symbolic link" } else { "something that is no socket" };
        return Err((format!("there is {what}"), OTHER));
    }
    if found.uid() != own {
        return Err((format!("there is a socket of user {}", found.uid()), OTHER));
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(("a daemon listens there already".to_owned(), "stop it, or name another path")),
        Err(error) => Err((format!("whether a daemon listens there cannot be said: {error}"), OTHER)),
    }
}

#[cfg(test)]
mod tests;
