//! Where the next supervisor finds the keeper: a socket with a name in the file system, which anybody may take away by
//! accident. So the keeper looks at it from time to time, and makes it anew.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, statat, unlink};
use rustix::io::{Errno, Result};
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getsockname, listen,
    socket_with,
};
use std::time::{Duration, Instant};

/// Supervisors that wait for the keeper: one, and one that comes by mistake.
pub const BACKLOG: i32 = 2;
/// How often the keeper looks at its name: a supervisor that is started by hand, or by systemd after some seconds, finds it.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// How long the name may be one that cannot be made: the directory is gone, and with it all that was written down of the jobs.
/// A file system that is mounted anew meanwhile has it again.
const HOMELESS_MOST: Duration = Duration::from_secs(60);

/// The listening socket and its name.
pub struct Next {
    /// The socket.
    pub listener: OwnedFd,
    /// The name that a supervisor looks for.
    path: Vec<u8>,
    /// The name that it was given first, from which it may have been moved to `path`.
    first: Option<SocketAddrUnix>,
    /// Device and inode of the name.
    file: Option<(u64, u64)>,
    /// Since when the name cannot be made.
    homeless: Option<Instant>,
}

/// Who is found at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Us,
    /// Nothing, or a socket at which nobody listens.
    Nobody,
    /// Another keeper.
    Another,
}

/// What a look has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The next supervisor finds us, or perhaps later.
    Found,
    /// Another keeper is where we were, or there is no such place: nobody can ever come.
    Lost,
}

impl Next {
    /// One that was told by the supervisor.
    pub fn new(listener: OwnedFd, path: Vec<u8>) -> Self {
        let first = getsockname(&listener).ok().and_then(|name: SocketAddrAny| SocketAddrUnix::try_from(name).ok());
        let file = first.as_ref().and_then(SocketAddrUnix::path_bytes).and_then(file);
        Self { listener, path, first, file, homeless: None }
    }

    /// Waits until `fd` has something, or for the time between two looks; whether it has.
    pub fn wait(fd: impl AsFd) -> bool {
        let mut watched = [PollFd::new(&fd, PollFlags::IN)];
        // EINTR: the caller looks, and waits again.
        matches!(poll(&mut watched, Some(&LOOK_AGAIN)), Ok(1..))
    }

    /// Looks where the name leads, and makes it anew where it leads to nobody.
    pub fn look(&mut self) -> Look {
        let first = self.first.as_ref().and_then(SocketAddrUnix::path_bytes).map(|first| self.leads(first));
        match (first, self.leads(&self.path)) {
            // A supervisor looks for both.
            (Some(Leads::Us), _) | (_, Leads::Us) => self.homeless = None,
            (_, Leads::Another) => return Look::Lost,
            (_, Leads::Nobody) => match self.make() {
                Ok(()) => self.homeless = None,
                Err(Errno::NOENT | Errno::NOTDIR) => {
                    if self.homeless.get_or_insert_with(Instant::now).elapsed() >= HOMELESS_MOST {
                        return Look::Lost;
                    }
                }
                // The host is short of something, or somebody's file is there: no reason to end the jobs.
                Err(_) => self.homeless = None,
            },
        }
        Look::Found
    }

    fn leads(&self, path: &[u8]) -> Leads {
        match file(path) {
            None => Leads::Nobody,
            // What is not known is no reason to end the jobs.
            Some(file) if self.file.is_none_or(|own| own == file) => Leads::Us,
            Some(_) => match call(path) {
                // EAGAIN: so many have called there already that it does not take more.
                Ok(()) | Err(Errno::AGAIN) => Leads::Another,
                Err(_) => Leads::Nobody,
            },
        }
    }

    /// Makes the name once more, with a socket of its own.
    fn make(&mut self) -> Result<()> {
        let address = SocketAddrUnix::new(self.path.as_slice())?;
        // A socket at which nobody listens. What is none at all is somebody's file.
        if is_socket(&self.path) && call(&self.path) == Err(Errno::CONNREFUSED) {
            unlink(self.path.as_slice())?;
        }
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        // Of root alone, as the directory is.
        let mask = rustix::process::umask(Mode::from_raw_mode(0o077));
        let bound = bind(&listener, &address);
        rustix::process::umask(mask);
        bound?;
        listen(&listener, BACKLOG)?;
        // Whoever had called at the old one, and was not heard, is refused now, and calls again.
        *self = Self::new(listener, std::mem::take(&mut self.path));
        Ok(())
    }
}

/// Device and inode of what is at a path.
fn file(path: &[u8]) -> Option<(u64, u64)> {
    let found = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((found.st_dev, found.st_ino))
}

fn is_socket(path: &[u8]) -> bool {
    let found = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Socket)
}

/// Calls at a name, and says nothing.
fn call(path: &[u8]) -> Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    connect(socket, &SocketAddrUnix::new(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    fn bytes(path: &Path) -> Vec<u8> {
        path.as_os_str().as_bytes().to_vec()
    }

    fn listener(path: &Path) -> OwnedFd {
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let socket = socket.expect("a socket");
        bind(&socket, &SocketAddrUnix::new(path).expect("an address")).expect("bound");
        listen(&socket, BACKLOG).expect("listening");
        socket
    }

    /// A directory, and a keeper's name in it that was moved to where it is looked for.
    fn moved() -> (tempfile::TempDir, std::path::PathBuf, Next) {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, path) = (dir.path().join("k.0"), dir.path().join("k"));
        let mut next = Next::new(listener(&first), bytes(&path));
        assert_eq!(next.look(), Look::Found);
        assert!(!path.exists(), "it is found at its first name");
        fs::rename(&first, &path).expect("moved");
        assert_eq!((next.look(), call(&bytes(&path))), (Look::Found, Ok(())));
        (dir, path, next)
    }

    #[test]
    fn a_name_that_is_gone_is_made_anew_and_leads_to_the_keeper() {
        let (_dir, path, mut next) = moved();
        for _ in 0..2 {
            fs::remove_file(&path).expect("gone");
            assert_eq!((next.look(), call(&bytes(&path))), (Look::Found, Ok(())));
            assert_eq!(next.leads(&bytes(&path)), Leads::Us);
        }
        // As of a backup: the same name, and nobody there.
        fs::remove_file(&path).expect("gone");
        drop(listener(&path));
        assert_eq!((next.look(), call(&bytes(&path))), (Look::Found, Ok(())));
    }

    #[test]
    fn a_place_that_is_anothers_is_left_to_it() {
        let (_dir, path, mut next) = moved();
        fs::remove_file(&path).expect("gone");
        let other = listener(&path);
        for _ in 0..BACKLOG + 2 {
            assert_eq!(next.look(), Look::Lost);
        }
        drop(other);
        assert_eq!(next.look(), Look::Found);
    }

    #[test]
    fn what_is_no_socket_is_not_removed_and_a_directory_may_come_back() {
        let (dir, path, mut next) = moved();
        fs::remove_file(&path).expect("gone");
        fs::write(&path, "mine").expect("written");
        assert_eq!(next.look(), Look::Found);
        assert_eq!(fs::read(&path).expect("read"), b"mine");
        fs::remove_file(&path).expect("gone");
        fs::remove_dir(dir.path()).expect("gone");
        assert_eq!(next.look(), Look::Found);
        fs::create_dir(dir.path()).expect("there again");
        assert_eq!((next.look(), call(&bytes(&path))), (Look::Found, Ok(())));
    }
}
