//! The probe: this very program as the job of a cell, which makes every attempt and tells what came of it.
//!
//! It is executed from its own standard input, a sealed copy of the program in memory: so the cell that is looked at has
//! no mount, no descriptor and no variable that `ironcell run` with the same options would not give.

use super::exhaust::{self, Mode};
use super::{Deed, Scene, all, alone};
use crate::os::OsError;
use rustix::fd::OwnedFd;
use rustix::fs::{SealFlags, fcntl_get_seals};
use rustix::io::{Errno, read, write};
use rustix::process::{getpid, getppid};
use std::ffi::OsString;

/// The first argument of the probe. No verb of ironcell is called so.
pub const WORD: &str = "probe-of-verify";
/// The exit code of a probe that refuses, as of all of ironcell's own failures.
const REFUSED: u8 = 125;
/// What is told when all has been told.
pub const DONE: &str = "done";

/// The program to execute as the probe: a sealed copy of this one, which becomes the job's standard input.
///
/// # Errors
/// When the program cannot be copied.
pub fn image() -> Result<OwnedFd, OsError> {
    crate::os::keeper::sealed_copy()
}

/// Becomes the probe if the arguments ask for it, and gives its exit code.
pub fn enter(args: impl IntoIterator<Item = OsString>) -> Option<u8> {
    let mut words = args.into_iter().skip(1);
    if words.next()? != WORD {
        return None;
    }
    let words: Vec<OsString> = words.collect();
    let asked = words.split_first().and_then(|(mode, rest)| Some((Mode::of(mode)?, rest)));
    Some(match asked {
        Some((mode, rest)) if is_inside() => run(mode, rest),
        _ => {
            eprintln!("ironcell: {WORD} is for the cells of ironcell verify alone");
            REFUSED
        }
    })
}

/// Whether this is the first job of a cell: the first child of PID 1, with a sealed file as standard input. Attempts are
/// not to be made anywhere else.
fn is_inside() -> bool {
    /// The process that PID 1 of a cell forks first.
    const LEADER: i32 = 2;
    let sealed = SealFlags::WRITE | SealFlags::SEAL;
    getpid().as_raw_pid() == LEADER
        && getppid().is_some_and(|parent| parent.as_raw_pid() == 1)
        && fcntl_get_seals(std::io::stdin()).is_ok_and(|seals| seals.contains(sealed))
}

/// What it was asked for.
fn run(mode: Mode, words: &[OsString]) -> u8 {
    match mode {
        Mode::Attempts => match Scene::of(words) {
            Some(scene) => attempts(&scene),
            None => REFUSED,
        },
        Mode::Forks => {
            say(&format!("forked {}\n", exhaust::fork_all()));
            0
        }
        Mode::Memory => {
            exhaust::fill(words.first().and_then(|word| word.to_str()?.parse().ok()).unwrap_or(0));
            0
        }
    }
}

/// Every attempt that a job can make, each told at once: what comes after one that ends the cell is missing, not wrong.
fn attempts(scene: &Scene) -> u8 {
    for attempt in all() {
        if let Deed::Inside(deed) = attempt.deed {
            say(&format!("{} {}\n", attempt.name, alone(scene, deed).line()));
        }
    }
    say(&format!("{DONE}\n"));
    // The host looks at this cell now, and then ends the stream.
    while let Ok(1..) | Err(Errno::INTR) = read(std::io::stdout(), &mut [0_u8; 16]) {}
    0
}

/// To standard output, whole. That nobody reads is no reason to fail: then nobody is told of that, either.
fn say(text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match write(std::io::stdout(), rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
