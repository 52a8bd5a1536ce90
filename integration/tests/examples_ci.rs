//! The example `ci_runner`: steps in cells, one after the other in one workspace, shown as they write, and the table.

use integration::inside::{scratch, text};
use integration::support::{Ran, example, finish};

/// Runs the steps in a workspace of their own.
fn run(steps: &str) -> Ran {
    let (workspace, place) = (scratch(), scratch());
    let file = place.path().join("steps");
    std::fs::write(&file, steps).expect("a file of steps");
    let mut command = example("ci_runner");
    command.args([text(workspace.path()), text(&file)]);
    finish(command)
}

/// The words of the table's line about a step.
fn row<'a>(ran: &'a Ran, step: &str) -> Vec<&'a str> {
    let line = ran.out.lines().find(|line| line.starts_with(&format!("{step} ")));
    line.unwrap_or_else(|| panic!("no {step} in {ran:?}")).split_whitespace().collect()
}

#[test]
fn steps_share_their_workspace_and_every_line_has_the_name_of_its_step() {
    let ran = run("# a comment\nmake: printf 'one\\n  two\\nthree' | tee f\n\nread: wc -l < f; echo oops >&2\n");
    assert_eq!(ran.code, 0, "{ran:?}");
    for line in ["[make] one\n", "[make]   two\n", "[make] three\n", "[read] 2\n", "[read] oops\n"] {
        assert!(ran.out.contains(line), "no {line:?} in {ran:?}");
    }
    assert_eq!((row(&ran, "make")[1], row(&ran, "read")[1]), ("ok", "ok"));
}

#[test]
fn the_first_step_that_fails_is_the_last_and_its_code_is_the_runners() {
    let ran = run("build: true\ntest: exit 3\ndeploy: echo never\n");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(
        (row(&ran, "test")[1..3].join(" "), row(&ran, "deploy")[1..].join(" ")),
        ("exit 3".into(), "not run".into())
    );
    assert!(!ran.out.contains("never\n"), "{ran:?}");
}

#[test]
fn a_step_that_takes_too_much_memory_is_told_as_such() {
    let ran = run("hog: python3 -c 'x = bytearray(10**9)'\n");
    assert_eq!((ran.code, row(&ran, "hog")[1..4].join(" ")), (137, "out of memory".into()), "{ran:?}");
}

#[test]
fn steps_that_cannot_be_read_are_a_failure_of_the_runners_own() {
    let ran = run("no command\n");
    assert_eq!((ran.code, ran.err.as_str()), (125, "ci_runner: line 1: write NAME: COMMAND\n"), "{ran:?}");
}
