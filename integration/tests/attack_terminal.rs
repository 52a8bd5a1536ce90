//! Out of the cell by the caller's terminal: no command can be typed into it, and it is left as it was.

use integration::attack::attack_path;
use integration::support::{Ran, finish, ironcell_path};
use std::collections::BTreeMap;
use std::process::{Command, Stdio};

/// A shell line on a terminal of its own, which is its controlling one.
fn on_terminal(line: &str) -> Ran {
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", line, "/dev/null"]).stdin(Stdio::null());
    finish(command)
}

fn answers(ran: &Ran) -> BTreeMap<String, String> {
    let pair = |line: &str| line.trim().split_once(' ').map(|(call, answer)| (call.to_owned(), answer.to_owned()));
    ran.out.lines().filter_map(pair).collect()
}

#[test]
fn nothing_can_be_typed_into_the_callers_terminal() {
    let attack = attack_path();
    for user in ["1000", "0"] {
        let inner = format!("{} run --user {user} --ro {attack}:/attack -- /attack inject", ironcell_path().display());
        let ran = on_terminal(&inner);
        let all = answers(&ran);
        assert_eq!((ran.code, all.len()), (0, 12), "{ran:?}");
        for (call, answer) in &all {
            // EBADF: there is no /dev/tty to open. ENOTTY: what the job has is a pipe. EPERM: the filter was first.
            assert!(["EBADF", "ENOTTY", "EPERM"].contains(&answer.as_str()), "user {user}: {call} {answer}");
        }
    }
    // What is typed is echoed among the answers.
    let outside = on_terminal(&format!("{attack} inject")).out;
    assert!(outside.contains("tty ok 0"), "the control: without a cell it is typed: {outside:?}");
    assert!(outside.contains("stdin-wide ok 0"), "the kernel reads 32 bits of the request: {outside:?}");
    let shared = on_terminal(&format!("bwrap --unshare-all --dev-bind / / {attack} inject")).out;
    assert!(shared.contains("stdin ok 0"), "and in bubblewrap without --new-session (CVE-2017-5226): {shared:?}");
}

#[test]
fn a_job_with_a_terminal_of_its_own_types_into_neither() {
    let attack = attack_path();
    let inner = format!("{} run --terminal --ro {attack}:/attack -- /attack inject", ironcell_path().display());
    let ran = on_terminal(&inner);
    let all = answers(&ran);
    assert_eq!((ran.code, all.len()), (0, 12), "{ran:?}");
    for (call, answer) in &all {
        assert!(["EBADF", "EPERM"].contains(&answer.as_str()), "{call} {answer}");
    }
}

#[test]
fn the_terminal_is_left_as_it_was_whatever_the_end() {
    let ironcell = ironcell_path().display().to_string();
    for end in ["true", "sh -c 'kill -9 $$'", "sh -c 'stty raw -echo; reset; printf \"\\033[?25l\"'"] {
        let ran = on_terminal(&format!("stty -g; {ironcell} run -q -- {end} > /dev/null 2>&1; stty -g"));
        let modes: Vec<&str> = ran.out.lines().map(str::trim).collect();
        assert!(modes.len() == 2 && modes[0] == modes[1], "{end}: {ran:?}");
    }
    let killed = format!("stty -g; {ironcell} run -- sleep 60 & sleep 0.5; kill -9 $!; wait; stty -g");
    let ran = on_terminal(&killed);
    let modes: Vec<&str> = ran.out.lines().map(str::trim).filter(|line| line.contains(':')).collect();
    assert!(modes.len() == 2 && modes[0] == modes[1], "{ran:?}");
    assert_ne!(
        on_terminal("stty -g; stty raw; stty -g").out.lines().collect::<std::collections::BTreeSet<_>>().len(),
        1
    );
}
