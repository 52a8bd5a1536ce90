//! Standard input, output and error are the caller's own, byte for byte, as pipes and as files.

use integration::inside::{scratch, text};
use integration::support::{Ran, finish, ironcell_path};
use std::fs::{self, File};
use std::process::{Command, Stdio};

const MEGABYTES: usize = 10;

fn shell(line: &str) -> Ran {
    let mut command = Command::new("sh");
    command.env("I", format!("{} run", ironcell_path().display())).args(["-c", line]).stdin(Stdio::null());
    finish(command)
}

/// Random bytes in a file, and their SHA-256.
fn random(path: &std::path::Path) -> String {
    let bytes = MEGABYTES << 20;
    let ran = shell(&format!("head -c {bytes} /dev/urandom > {0}; sha256sum < {0}", text(path)));
    assert_eq!(path.metadata().expect("made").len(), bytes as u64);
    ran.out
}

#[test]
fn ten_random_megabytes_pass_unchanged_through_pipes() {
    let directory = scratch();
    let input = directory.path().join("input");
    let sum = random(&input);
    let line = format!("cat {} | $I -- cat | sha256sum", text(&input));
    assert_eq!(shell(&line).out, sum);
    let line = format!("cat {} | $I -- sh -c 'cat >&2' 2>&1 >/dev/null | sha256sum", text(&input));
    assert_eq!(shell(&line).out, sum);
}

#[test]
fn and_through_files() {
    let directory = scratch();
    let (input, output) = (directory.path().join("input"), directory.path().join("output"));
    let sum = random(&input);
    let ran = shell(&format!("$I -- cat < {} > {1}; sha256sum < {1}", text(&input), text(&output)));
    assert_eq!((ran.out, ran.err.as_str()), (sum, ""));
}

#[test]
fn a_file_is_written_where_the_caller_stands_in_it() {
    let directory = scratch();
    let output = directory.path().join("output");
    let line =
        format!("{{ echo before; $I -- echo inside; echo after; }} > {0}; $I -- echo appended >> {0}", text(&output));
    assert_eq!(shell(&line).code, 0);
    assert_eq!(fs::read_to_string(&output).expect("written"), "before\ninside\nafter\nappended\n");
}

#[test]
fn what_the_job_does_not_read_is_left_for_the_caller() {
    let ran = shell("printf 'one\\ntwo\\n' | { $I -- true; cat; }");
    assert_eq!(ran.out, "one\ntwo\n", "{ran:?}");
}

#[test]
fn output_and_error_stay_apart_and_a_slow_reader_loses_nothing() {
    let line = "$I -- sh -c 'i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; echo done >&2' | { sleep 1; sha256sum; }";
    let expected: String = (0..20000).map(|number| format!("{number}\n")).collect();
    let directory = scratch();
    fs::write(directory.path().join("expected"), expected).expect("written");
    let sum = shell(&format!("sha256sum < {}/expected", text(directory.path()))).out;
    let ran = shell(line);
    assert_eq!((ran.out, ran.err.as_str()), (sum, "done\n"));
}

#[test]
fn a_socket_as_input_is_handed_on_as_it_is() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a socket pair");
    std::io::Write::write_all(&mut &ours, b"over a socket\n").expect("written");
    drop(ours);
    let mut command = Command::new(ironcell_path());
    command.args(["run", "--", "cat"]).stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
    assert_eq!(finish(command).out, "over a socket\n");
}

#[test]
fn a_directory_is_refused_since_it_leads_out_of_the_cell() {
    // fchdir(2) and `..` go from it to the root of the host (CVE-2024-21626).
    let mut command = Command::new(ironcell_path());
    let script = "cd /proc/self/fd/0 && cat ../etc/hostname";
    command.args(["run", "--", "sh", "-c", script]).stdin(File::open("/srv").expect("a directory"));
    let ran = finish(command);
    assert!(ran.code == 125 && ran.err.contains("directory") && ran.err.lines().count() == 1, "{ran:?}");
}

#[test]
fn on_a_terminal_the_job_gets_pipes_and_the_bytes_arrive() {
    // A terminal's own line endings, and an end of input typed as Ctrl-D.
    let inner = format!("{} run -- sh -c 'test -t 0 || test -t 1 || echo no terminal; cat'", ironcell_path().display());
    let line =
        format!("{{ printf 'typed\\n'; sleep 1; printf '\\004'; sleep 1; }} | script -q -e -c \"{inner}\" /dev/null");
    let ran = shell(&line);
    assert!(ran.code == 0 && ran.out.contains("no terminal\r\n"), "{ran:?}");
    assert_eq!(ran.out.matches("typed\r\n").count(), 2, "the terminal's echo and the job's: {ran:?}");
}
