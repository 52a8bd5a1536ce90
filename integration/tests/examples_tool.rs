//! The example `tool_sandbox`: JSON in, JSON out, and one line about whatever goes wrong between.

use integration::inside::{scratch, text};
use integration::support::{Ran, collect, example};
use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

/// Asks a tool that is a line of shell.
fn ask(question: &str, script: &str) -> Ran {
    ask_tool(question, &["sh", "-c", script])
}

fn ask_tool(question: &str, tool: &[&str]) -> Ran {
    let mut command = example("tool_sandbox");
    command.args(tool).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example was built");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may have refused the question before its end.
    let _ = stdin.write_all(question.as_bytes());
    drop(stdin);
    collect(child, Instant::now())
}

/// It failed by one line that begins so.
fn assert_refused(ran: &Ran, line: &str) {
    assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (1, "", 1), "{ran:?}");
    assert!(ran.err.starts_with(line), "no {line:?} in {ran:?}");
}

#[test]
fn an_answer_in_json_is_handed_on() {
    let script = "import json, sys; print(json.dumps({'n': json.load(sys.stdin)['n'] * 7}))";
    let ran = ask_tool("{\"n\": 6}", &["python3", "-c", script]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "{\"n\":42}\n", ""), "{ran:?}");
}

#[test]
fn every_other_end_is_one_line() {
    assert_refused(&ask("{}", "echo hello"), "the tool's answer is no JSON: ");
    assert_refused(&ask("{}", "sleep 1000"), "the tool took longer than 3s");
    assert_refused(&ask("{}", "while :; do echo 0; done"), "the tool's answer is longer than 65536 bytes");
    assert_refused(&ask("{}", "echo first >&2; echo why >&2; exit 4"), "the tool failed with code 4: why\n");
    assert_refused(&ask("{}", "kill -SEGV $$"), "the tool was ended by signal 11");
    let hog = ["python3", "-c", "x = bytearray(10**9)"];
    assert_refused(&ask_tool("{}", &hog), "the tool needs more than 128 MiB of memory");
    assert_refused(&ask("no JSON", "cat"), "the question is no JSON: ");
    let ran = ask_tool("{}", &["no-such-tool"]);
    assert!(ran.code == 1 && ran.err.contains("no-such-tool"), "{ran:?}");
}

#[test]
fn a_tool_sees_no_file_of_the_callers_and_its_words_cannot_reach_the_terminal() {
    let place = scratch();
    let secret = place.path().join("secret");
    std::fs::write(&secret, "{}").expect("a file of the caller's");
    assert_refused(&ask("{}", &format!("cat {}", text(&secret))), "the tool failed with code 1: cat: ");
    assert_refused(&ask("{}", "printf '\\033[31mred' >&2; exit 1"), "the tool failed with code 1: [31mred");
}
