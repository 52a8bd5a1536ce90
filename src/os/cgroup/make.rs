//! The making of a cell's cgroup, between others who clear up: from mkdir(2) to the lock that says whose it is there is a
//! moment in which it looks like a leftover.
//!
//! Whoever removes a directory that may be another's has the exclusive lock on it, and has seen that its name leads to it:
//! then the name leads nowhere else until it is gone, and a removal by name is one of that very directory.

use super::bootstrap::lock_shared;
use super::file::Dir;
use super::sweep::leftover;
use super::wait::Tries;
use crate::os::{Doing, OsError};
use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;
use std::time::Duration;

/// How long a sweeper that mistook a fresh cell for a leftover may be in the way: it holds an empty one for microseconds.
const CONTENTION_MOST: Duration = Duration::from_secs(2);

/// Makes a new directory and takes the shared lock on it.
///
/// # Errors
/// When the kernel does not make or lock it; EEXIST for a name that somebody else has.
pub(super) fn make(base: &Dir, name: &str) -> Result<Dir, OsError> {
    let mut tries = Tries::within(CONTENTION_MOST);
    let mut made = Made::Never;
    loop {
        if let Some(dir) = attempt(base, name, &mut made)? {
            return Ok(dir);
        }
        if !tries.again() {
            return Err(OsError::new(Doing::Lock, base.path.join(name), Errno::AGAIN));
        }
    }
}

/// Whether the directory of that name may be ours.
#[derive(PartialEq, Eq)]
enum Made {
    Never,
    Before,
}

/// One try; `None` when a sweeper was faster and it has to be made anew.
fn attempt(base: &Dir, name: &str, made: &mut Made) -> Result<Option<Dir>, OsError> {
    match rustix::fs::mkdirat(&base.fd, name, Mode::from_raw_mode(0o755)) {
        Ok(()) => *made = Made::Before,
        Err(Errno::EXIST) if *made == Made::Before => return remove_own(base, name).map(|()| None),
        Err(error) => return Err(OsError::new(Doing::Make, base.path.join(name), error)),
    }
    match base.enter(name) {
        Ok(dir) => lock_shared(base, dir, name),
        Err(error) if error.is(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what is left from our try before: the sweeper may have killed it. One that the sweeper still has in hand is the
/// sweeper's to remove. Were it removed here, the sweeper would remove the next one of that name, which is a cell's by then.
fn remove_own(base: &Dir, name: &str) -> Result<(), OsError> {
    let Some(_held) = leftover(base, name)? else { return Ok(()) };
    match rustix::fs::unlinkat(&base.fd, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(OsError::new(Doing::Make, base.path.join(name), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FlockOperation, flock, fstat, statat, unlinkat};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A place for cells: locks and names are those of any directory.
    fn place() -> (tempfile::TempDir, Dir) {
        let dir = tempfile::tempdir().expect("a directory");
        let base = Dir::open(dir.path()).expect("opened");
        (dir, base)
    }

    #[test]
    fn what_a_sweeper_has_in_hand_is_left_to_it_and_then_made_anew() {
        let (_dir, base) = place();
        std::fs::create_dir(base.path.join("cell")).expect("made, and not locked yet");
        let swept = leftover(&base, "cell").expect("looked at").expect("it looks like a leftover");
        let mut made = Made::Before;
        assert!(attempt(&base, "cell", &mut made).expect("a try").is_none());
        let named = std::fs::metadata(base.path.join("cell")).expect("still there");
        let held = fstat(&swept.fd).expect("its number");
        assert_eq!(std::os::unix::fs::MetadataExt::ino(&named), held.st_ino, "the same one");
        // The sweeper goes on as slowly as it likes.
        unlinkat(&base.fd, "cell", AtFlags::REMOVEDIR).expect("removed by name");
        let new = attempt(&base, "cell", &mut made).expect("a try").expect("a new one");
        drop(swept);
        assert!(leftover(&base, "cell").expect("looked at").is_none(), "somebody holds it");
        assert!(base.path.join("cell").is_dir() && fstat(&new.fd).is_ok());
    }

    #[test]
    fn what_a_sweeper_has_left_behind_is_removed_and_made_anew() {
        let (_dir, base) = place();
        std::fs::create_dir(base.path.join("cell")).expect("made");
        let before = leftover(&base, "cell").expect("looked at").expect("nobody's");
        flock(&before.fd, FlockOperation::Unlock).expect("let go");
        let mut made = Made::Before;
        assert!(attempt(&base, "cell", &mut made).expect("a try").is_none());
        assert!(!base.path.join("cell").exists());
        assert!(attempt(&base, "cell", &mut made).expect("a try").is_some());
    }

    #[test]
    fn a_name_that_somebody_else_has_is_refused() {
        let (_dir, base) = place();
        let _theirs = make(&base, "cell").expect("made");
        assert!(make(&base, "cell").expect_err("it is theirs").is(libc::EEXIST));
    }

    /// Sweeps, as those who clear up do, until it is told to stop.
    fn sweep(base: &Dir, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            if let Some(_held) = leftover(base, "cell").expect("looked at") {
                std::thread::yield_now();
                let _ = unlinkat(&base.fd, "cell", AtFlags::REMOVEDIR);
            }
        }
    }

    /// Makes a cell, and looks whether it is still there a moment later; whether it was.
    fn make_and_look(base: &Dir) -> bool {
        let cell = make(base, "cell").expect("made");
        std::thread::yield_now();
        let named = statat(&base.fd, "cell", AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_ino);
        let there = named == Ok(fstat(&cell.fd).expect("its number").st_ino);
        let _ = unlinkat(&base.fd, "cell", AtFlags::REMOVEDIR);
        there
    }

    #[test]
    fn no_cell_is_removed_while_many_are_made_and_swept_at_once() {
        /// Enough that cells were lost in every run before the rule above was kept.
        const CELLS: usize = 200;
        let (_dir, base) = place();
        let stop = AtomicBool::new(false);
        let lost = std::thread::scope(|scope| {
            (0..3).for_each(|_| drop(scope.spawn(|| sweep(&base, &stop))));
            let lost = (0..CELLS).filter(|_| !make_and_look(&base)).count();
            stop.store(true, Ordering::Relaxed);
            lost
        });
        assert_eq!(lost, 0);
    }
}
