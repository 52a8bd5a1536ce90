//! A program that is not root starts its supervising half through sudo: row 3.12 of integration/ROWS.md.
//!
//! sudo here is a script that does what sudo(8) says of these options: it asks by the prompt it is given, on standard error,
//! reads one line byte by byte, asks three times, and runs the command with what is left of its standard input. Where the
//! variable `IRONCELL_SUDO_PASSWORD` is set, the sudo of this machine is asked as well.

use ironcell::supervise::{Password, Sudo, SudoError};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Lines before the command is run; `MAY` is what the user may.
const SCRIPT: &str = r#"#!/bin/sh
log=$(dirname "$0")/log
echo "args $*" >> "$log"; env >> "$log"
prompt= ; ask=yes
while [ $# -gt 0 ]; do
    case $1 in
        -k|-S) ;;
        -n) ask=no ;;
        -p) prompt=$2; shift ;;
        --) shift; break ;;
        *) echo "usage: sudo" >&2; exit 1 ;;
    esac
    shift
done
case MAY in
    tty) echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1 ;;
    nopasswd) exec "$@" ;;
esac
[ $ask = yes ] || { echo "sudo: a password is required" >&2; exit 1; }
for try in 1 2 3; do
    printf '%s' "$prompt" >&2
    # The shell reads byte by byte from a pipe, as sudo does: the rest is the command's.
    IFS= read -r given || { echo >&2; echo "sudo: no password was provided" >&2; echo "sudo: a password is required" >&2; exit 1; }
    if [ "$given" = "right horse" ]; then
        case MAY in nobody) echo "alice is not in the sudoers file." >&2; exit 1 ;; esac
        exec "$@"
    fi
    echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2
exit 1
"#;

/// A sudo that lets the user do this.
fn sudo(may: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("sudo");
    std::fs::write(&path, SCRIPT.replace("MAY", may)).expect("a file");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("its mode");
    (dir, path)
}

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec()).expect("a password")
}

fn words<'a>(command: &'a [&'a str]) -> Vec<&'a OsStr> {
    command.iter().map(OsStr::new).collect()
}

/// Says that it is ready, then gives back what it reads.
const PROGRAM: [&str; 3] = ["sh", "-c", "echo ready; exec cat"];

#[test]
fn row_3_12_the_program_begins_with_a_password_that_is_in_no_argument_no_environment_and_not_in_its_input() {
    let (dir, path) = sudo("all");
    let way = Sudo::with_password(password("right horse")).program(&path);
    assert!(!format!("{way:?}").contains("horse"), "it shows itself to nobody");
    let mut started = way.start(&words(&PROGRAM)).expect("it starts");
    started.child.stdin.take().expect("a pipe").write_all(b"input\n").expect("it reads");
    let mut said = String::new();
    started.child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(said, "ready\ninput\n", "its input is its own");
    assert!(started.child.wait().expect("it ends").success());
    assert!(started.said.is_empty(), "not even the question: {:?}", String::from_utf8_lossy(&started.said));
    let log = std::fs::read_to_string(dir.path().join("log")).expect("written");
    assert!(log.contains("args -k -S -p ironcell-") && !log.contains("horse"), "{log}");
}

#[test]
fn row_3_12_a_password_is_not_given_to_a_program_for_which_sudo_asks_nobody() {
    let (_dir, path) = sudo("nopasswd");
    for way in [Sudo::with_password(password("right horse")), Sudo::without_password()] {
        let mut started = way.program(&path).start(&words(&PROGRAM)).expect("it starts");
        drop(started.child.stdin.take());
        let mut said = String::new();
        started.child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
        assert_eq!(said, "ready\n", "nothing was written to it");
        assert!(started.child.wait().expect("it ends").success());
    }
}

#[test]
fn row_3_12_what_sudo_refuses_is_told_by_kind() {
    let start = |may, way: Sudo| {
        let (_dir, path) = sudo(may);
        way.program(&path).start(&words(&PROGRAM)).expect_err("it is refused")
    };
    let wrong = start("all", Sudo::with_password(password("wrong")));
    assert!(matches!(wrong, SudoError::WrongPassword), "{wrong:?}");
    let needed = start("all", Sudo::without_password());
    assert!(matches!(needed, SudoError::PasswordNeeded), "{needed:?}");
    let nobody = start("nobody", Sudo::with_password(password("right horse")));
    assert!(matches!(&nobody, SudoError::NotAllowed { said } if said.contains("sudoers")), "{nobody:?}");
    let terminal = start("tty", Sudo::with_password(password("right horse")));
    assert!(matches!(terminal, SudoError::TerminalNeeded), "{terminal:?}");
    let absent = Sudo::without_password().program("/no/such/sudo").start(&words(&PROGRAM)).expect_err("refused");
    assert!(matches!(absent, SudoError::Absent { .. }), "{absent:?}");
    for error in [wrong, needed, nobody, terminal, absent] {
        assert!(!error.to_string().contains("horse"), "{error}");
    }
}

#[test]
fn row_3_12_a_program_that_ends_before_it_is_ready_is_told_with_its_own_words() {
    let (_dir, path) = sudo("all");
    let way = Sudo::with_password(password("right horse")).program(&path);
    let error = way.start(&words(&["sh", "-c", "echo no cgroups >&2; exit 3"])).expect_err("it ended");
    let SudoError::Ended { status, said } = &error else { panic!("{error:?}") };
    assert_eq!((status.code(), said.as_str()), (Some(3), "no cgroups"));
    for unreadable in [&b""[..], b"two\nlines", b"nul\0", &[b'x'; 512]] {
        assert!(matches!(Password::new(unreadable.to_vec()), Err(SudoError::NoPassword)));
    }
}

#[test]
fn row_3_12_the_sudo_of_this_machine_is_asked_where_there_is_one() {
    // As root it asks nobody, and as anybody it needs a password that a test does not have.
    let Ok(given) = std::env::var("IRONCELL_SUDO_PASSWORD") else { return };
    let started = Sudo::with_password(password(&given)).start(&words(&["sh", "-c", "echo ready; id -u"]));
    let mut said = String::new();
    started.expect("it starts").child.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(said, "ready\n0\n");
}
