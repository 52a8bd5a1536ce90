//! Where a job starts: the caller's directory at its own path, read-only, unless that belongs to somebody or to the cell.

use integration::support::{Ran, finish, ironcell};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// `ironcell run` from a directory.
fn run_in(directory: &Path, args: &[&str]) -> Ran {
    let mut command = ironcell(&[&["run"], args].concat());
    command.current_dir(directory);
    finish(command)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode is set");
}

#[test]
fn the_callers_directory_is_shown_read_only_at_its_own_path() {
    let directory = tempfile::tempdir().expect("a directory");
    mode(directory.path(), 0o755);
    fs::write(directory.path().join("file"), "content\n").expect("written");
    let ran = run_in(directory.path(), &["--", "sh", "-c", "pwd; cat file; echo > new; ls -A"]);
    assert_eq!(ran.out, format!("{}\ncontent\nfile\n", directory.path().display()), "{ran:?}");
    assert!(ran.err.contains("Read-only file system"), "{ran:?}");
}

#[test]
fn a_directory_that_is_closed_to_others_is_not_shown_and_it_is_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).expect("made");
    for (outer, own) in [(0o755, 0o750), (0o755, 0o701), (0o700, 0o755)] {
        mode(&inner, own);
        mode(directory.path(), outer);
        let ran = run_in(&inner, &["--", "pwd"]);
        assert_eq!((ran.code, ran.out.as_str()), (0, "/\n"), "{outer:o} {own:o}: {ran:?}");
        assert!(ran.err.contains("note: the job starts in /:") && ran.err.contains("closed to other users"), "{ran:?}");
        assert!(ran.err.contains("--ro"), "it names the way: {ran:?}");
        assert_eq!(run_in(&inner, &["-q", "--", "pwd"]).err, "", "quiet");
    }
    mode(directory.path(), 0o711);
    assert_eq!(run_in(&inner, &["--", "pwd"]).out, format!("{}\n", inner.display()), "the control: open again");
}

#[test]
fn a_closed_directory_is_shown_when_it_is_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    mode(directory.path(), 0o700);
    let path = directory.path().to_str().expect("text");
    let inner = directory.path().join("open");
    fs::create_dir(&inner).expect("made");
    mode(&inner, 0o755);
    let ran = run_in(Path::new("/"), &["--ro", &format!("{path}/open:/x"), "--cwd", "/x", "--", "pwd"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("/x\n", ""), "{ran:?}");
}

#[test]
fn places_that_a_cell_has_of_its_own_are_not_covered() {
    for (place, reason) in
        [("/", "own"), ("/tmp", "own"), ("/dev", "own"), ("/proc/self", "own"), ("/etc", "--ro"), ("/var", "--ro")]
    {
        let ran = run_in(Path::new(place), &["--", "sh", "-c", "pwd; cat /etc/hostname; echo > /tmp/x && ls /tmp"]);
        assert_eq!(ran.out, "/\ncell\nx\n", "{place}: {ran:?}");
        assert!(ran.err.contains("note: the job starts in /:") && ran.err.contains(reason), "{place}: {ran:?}");
    }
}

#[test]
fn below_a_system_directory_the_job_starts_there() {
    let ran = run_in(Path::new("/usr/lib"), &["--", "pwd"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("/usr/lib\n", ""));
}

#[test]
fn a_directory_that_was_removed_is_no_place_to_start_in_and_no_obstacle_to_another() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = "rmdir \"$1\"; shift; exec \"$@\"";
    let from_gone = |args: &[&str]| {
        let gone = directory.path().join("gone");
        fs::create_dir(&gone).expect("made");
        let ironcell = integration::support::ironcell_path();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&gone).arg(ironcell).arg("run").args(args).current_dir(&gone);
        finish(command)
    };
    let plain = from_gone(&["--", "pwd"]);
    let said = plain.err.contains("current directory");
    assert!(said && (plain.code == 125 || plain.out == "/\n"), "one clear sentence, or a start in /: {plain:?}");
    assert_eq!(from_gone(&["--cwd", "/usr", "--", "pwd"]).out, "/usr\n", "it does not matter where another is named");
}

#[test]
fn the_directory_asked_for_must_be_in_the_cell_and_open_to_the_job() {
    let missing = run_in(Path::new("/srv"), &["--cwd", "/nowhere", "--", "true"]);
    assert_eq!(missing.code, 125);
    assert_eq!(
        missing.err,
        "ironcell: failed to enter the working directory /nowhere: No such file or directory (errno 2); it is not in the \
         cell: mount it with --ro or --rw, or choose another with --cwd\n"
    );
    let directory = tempfile::tempdir().expect("a directory");
    mode(directory.path(), 0o700);
    let bind = format!("{}:/closed", directory.path().display());
    let closed = run_in(Path::new("/srv"), &["--ro", &bind, "--cwd", "/closed", "--", "true"]);
    assert_eq!(closed.code, 125, "{closed:?}");
    assert!(closed.err.contains("enter the working directory /closed: Permission denied"), "{closed:?}");
    let relative = run_in(Path::new("/srv"), &["--cwd", "a/b", "--", "true"]);
    assert!(relative.code == 125 && relative.err.contains("--cwd"), "{relative:?}");
}
