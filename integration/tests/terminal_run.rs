//! `ironcell run --terminal`: the job's own terminal behind the caller's, and the caller's as it was when the job has ended.

use integration::on_terminal::OnTerminal;
use integration::support::{RUN_WITHIN, Ran, finish, ironcell_path, run};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A shell line without a terminal, in which `$I` is `ironcell run`.
fn shell(line: &str) -> Ran {
    let mut command = Command::new("sh");
    command.env("I", format!("{} run", ironcell_path().display())).args(["-c", line]).stdin(Stdio::null());
    finish(command)
}

#[test]
fn the_jobs_terminal_has_the_size_and_kind_of_the_callers_and_changes_with_it() {
    let script =
        "tty; stty size; echo $TERM; trap \"stty size; exit 5\" WINCH; echo ready; while :; do sleep 0.05; done";
    let mut terminal = OnTerminal::start(&format!("TERM=vt220 $I -t -- sh -c '{script}'"), (33, 99));
    terminal.until("/dev/pts/0\r\n33 99\r\nvt220\r\nready\r\n");
    terminal.resize((44, 111));
    terminal.until("44 111\r\n");
    assert_eq!(terminal.end(), 5, "{:?}", terminal.all);
}

#[test]
fn keys_are_the_jobs_a_ctrl_c_among_them() {
    let script = "trap \"echo caught\" INT; echo ready; while ! read line; do :; done; echo got $line; stty raw -echo; echo raw; head -c 3 | od -An -tx1";
    let mut terminal = OnTerminal::start(&format!("$I -t -- sh -c '{script}'"), (24, 80));
    terminal.until("ready\r\n");
    terminal.type_keys("\x03");
    terminal.until("caught\r\n");
    terminal.type_keys("abc\n");
    terminal.until("got abc\r\n");
    // Line ends are the job's terminal's as well: now it adds no carriage return, and neither does the caller's.
    terminal.until("raw\n");
    terminal.type_keys("\x03\x1a\x04");
    terminal.until(" 03 1a 04\n");
    assert_eq!(terminal.end(), 0, "{:?}", terminal.all);
    assert_eq!(terminal.all.matches("abc").count(), 2, "the echo is the job's terminal's alone: {:?}", terminal.all);
}

#[test]
fn the_callers_terminal_is_as_it_was_whatever_the_end() {
    let ends = [
        ("$I -t -- true", 0),
        ("$I -t -- sh -c 'stty raw -echo; exit 3'", 3),
        ("$I -t -- sh -c 'kill -9 $$'", 137),
        ("$I -t --time 0.3 -- sleep 100", 124),
        ("$I -t -- /no/such/program", 127),
        ("$I -t --cgroup memory.low=never -- true", 125),
        ("{ sleep 0.5; kill $(pgrep -o -x ironcell); } & $I -t -- sleep 100", 143),
    ];
    for (line, code) in ends {
        let mut terminal = OnTerminal::start(line, (24, 80));
        let before = terminal.settings();
        assert_eq!(terminal.end(), code, "{line}: {:?}", terminal.all);
        assert_eq!(terminal.settings(), before, "{line}");
    }
    let mut terminal = OnTerminal::start("$I -t -- sh -c 'echo ready; sleep 100'", (24, 80));
    let before = terminal.settings();
    terminal.until("ready\r\n");
    assert_ne!(terminal.settings(), before, "the control: meanwhile it is raw");
    terminal.type_keys("\x03");
    assert_eq!(terminal.end(), 130);
    assert_eq!(terminal.settings(), before);
}

#[test]
fn what_ironcell_says_begins_at_the_left_margin() {
    let mut terminal = OnTerminal::start("$I -t -v -- sh -c 'sleep 0.3; kill -9 $$'", (24, 80));
    assert_eq!(terminal.end(), 137);
    assert!(terminal.all.contains("SIGKILL"), "{:?}", terminal.all);
    let bare = terminal.all.replace("\r\n", "");
    assert!(!bare.contains('\n'), "a line end without its carriage return: {:?}", terminal.all);
}

#[test]
fn without_a_terminal_of_the_callers_its_input_is_typed_and_then_ended() {
    let ran = shell("printf 'echo $((6*7))\\n' | $I -t -- sh");
    assert!(ran.code == 0 && ran.out.contains("42\r\n"), "{ran:?}");
    let ran = shell("printf 'no end of line' | $I -t -- sh -c 'stty -echo; echo ready; cat'");
    assert!(ran.code == 0 && ran.out.ends_with("no end of line"), "{ran:?}");
    let ran = run(&["-t", "--", "sh", "-c", "stty size; cat"]);
    assert!(ran.code == 0 && ran.out.starts_with("24 80\r\n"), "an input that is at its end: {ran:?}");
}

#[test]
fn a_slow_reader_misses_nothing() {
    let ran = shell("$I -t -- seq 1 20000 | { sleep 1; sha256sum; }; seq 1 20000 | sed 's/$/\\r/' | sha256sum");
    let sums: Vec<&str> = ran.out.lines().collect();
    assert!(sums.len() == 2 && sums[0] == sums[1], "{ran:?}");
}

#[test]
fn in_the_background_of_a_terminal_it_is_refused() {
    let mut terminal = OnTerminal::start("bash -mc '$I -t -- true & wait $!; echo code $?'", (24, 80));
    terminal.until("code 125\r\n");
    assert!(terminal.all.contains("in the background of the terminal"), "{:?}", terminal.all);
    terminal.end();
}

#[test]
fn stopped_and_continued_it_is_raw_again() {
    let stop = "{ sleep 1; kill -STOP $(pgrep -o -x ironcell); } &";
    let line = format!("bash -mc '{stop} $I -t -- sh -c \"echo ready; cat\"; stty sane; echo back; fg'");
    let mut terminal = OnTerminal::start(&line, (24, 80));
    terminal.until("ready\r\n");
    let raw = terminal.settings();
    terminal.until("back\r\n");
    let until = Instant::now() + RUN_WITHIN;
    while terminal.settings() != raw {
        assert!(Instant::now() < until, "it stays as the shell has left it: {:?}", terminal.all);
        sleep(Duration::from_millis(10));
    }
    terminal.type_keys("still there\n\x04");
    terminal.until("still there\r\nstill there\r\n");
    terminal.end();
}
