//! For tests that attack a cell from inside: `attack` in a cell, and the same without one or in another sandbox as the
//! control that shows that the attack could succeed.

use crate::inside::{Answers, answers};
use crate::support::{Ran, finish, ironcell, ironcell_path};
use std::process::{Command, Stdio};

/// Where the program is in a cell.
const INSIDE: &str = "/attack";

/// bubblewrap with what its manual shows for a sandbox: the system read-only, namespaces of its own, all by root.
const BUBBLEWRAP: [&str; 13] = [
    "--unshare-all",
    "--ro-bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    "--die-with-parent",
    "--chdir",
    "/",
];

/// The program, built beside `ironcell`.
pub fn attack_path() -> String {
    let path = ironcell_path().with_file_name("attack");
    assert!(path.exists(), "{} is not built", path.display());
    path.to_str().expect("a path of ours is text").to_owned()
}

/// The words of `ironcell run` that attack in a cell with these flags.
fn words<'a>(bind: &'a str, flags: &[&'a str], words: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--ro", bind], flags, &["--", INSIDE], words].concat()
}

/// A command that attacks in a cell.
pub fn attack_command(flags: &[&str], attack: &[&str]) -> Command {
    ironcell(&words(&format!("{}:{INSIDE}", attack_path()), flags, attack))
}

/// `attack WORDS` in a cell with these flags.
pub fn attack(flags: &[&str], words: &[&str]) -> Answers {
    answers(&finish(attack_command(flags, words)))
}

/// The same, whatever its end.
pub fn attack_to_the_end(flags: &[&str], attack: &[&str]) -> (Ran, serde_json::Value) {
    let bind = format!("{}:{INSIDE}", attack_path());
    crate::support::report(&words(&bind, flags, attack)[1..])
}

/// The same without a cell, by root.
pub fn attack_outside(words: &[&str]) -> Answers {
    let mut command = Command::new(attack_path());
    command.args(words).stdin(Stdio::null());
    answers(&finish(command))
}

/// The same in bubblewrap's sandbox, with these flags more.
pub fn attack_in_bubblewrap(flags: &[&str], words: &[&str]) -> Answers {
    let mut command = Command::new("bwrap");
    command.args(BUBBLEWRAP).args(flags).arg(attack_path()).args(words).stdin(Stdio::null());
    answers(&finish(command))
}
