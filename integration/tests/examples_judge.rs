//! The example `judge`: each of its verdicts, from a solution that earns it.

use integration::inside::{scratch, text};
use integration::support::{Ran, example, finish};

/// Judges a solution that shall add two numbers, on one test, which is in the directory PLACE.
fn judge(body: &str) -> Ran {
    let place = scratch();
    let source = format!(
        "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\nint main(void) {{ long a, b; \
         if (scanf(\"%ld %ld\", &a, &b) != 2) return 9; {body} }}\n"
    );
    let source = source.replace("PLACE", text(place.path()));
    for (name, content) in [("solution.c", source.as_str()), ("small.in", "2 3\n"), ("small.out", "5\n")] {
        std::fs::write(place.path().join(name), content).expect("a file of the test");
    }
    let mut command = example("judge");
    command.env("TMPDIR", place.path()).args([text(&place.path().join("solution.c")), text(place.path())]);
    finish(command)
}

/// The verdict on the one test, after a look at the code that goes with it.
fn verdict(body: &str) -> (String, Ran) {
    let ran = judge(body);
    let word = ran.out.split_whitespace().next().unwrap_or_else(|| panic!("no verdict: {ran:?}")).to_owned();
    assert_eq!(ran.code, i32::from(word != "AC"), "{ran:?}");
    (word, ran)
}

#[test]
fn a_right_solution_is_accepted_with_its_time_and_memory() {
    let (word, ran) = verdict("printf(\"%ld  \\n\\n\", a + b); return 0;");
    let words: Vec<&str> = ran.out.split_whitespace().collect();
    assert_eq!((word.as_str(), words[1], words[3], words[5]), ("AC", "small", "ms", "KiB"), "{ran:?}");
    let memory: u64 = words[4].parse().expect("a number");
    assert!((1..64 << 10).contains(&memory), "{ran:?}");
}

#[test]
fn each_way_to_fail_has_its_verdict() {
    let ways = [
        ("WA", "printf(\"%ld\\n\", a - b); return 0;"),
        ("TLE", "for (volatile long i = 0;; i++) {}"),
        ("TLE", "sleep(1000); return 0;"),
        ("MLE", "for (;;) { char *p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }"),
        ("RE", "return 7;"),
        ("RE", "abort();"),
        ("RE", "return fork() < 0;"),
        ("OLE", "for (;;) puts(\"more\");"),
        ("CE", "this is no C"),
    ];
    for (expected, body) in ways {
        let (word, ran) = verdict(body);
        assert_eq!(word, expected, "{body}: {ran:?}");
    }
}

#[test]
fn a_compiler_error_is_shown_with_its_line() {
    let (_, ran) = verdict("this is no C");
    assert!(ran.out.contains("<stdin>:5:") && ran.out.contains("error"), "{ran:?}");
}

#[test]
fn a_solution_does_not_see_the_tests() {
    let look = "printf(\"%ld\\n\", a + b); return access(\"PLACE/small.out\", F_OK) == 0;";
    assert_eq!(verdict(look).0, "AC");
}

#[test]
fn a_solution_that_is_not_there_is_the_judges_own_failure() {
    let mut command = example("judge");
    command.args(["/nowhere.c", "/"]);
    let ran = finish(command);
    assert_eq!((ran.code, ran.err.starts_with("judge: /nowhere.c: ")), (125, true), "{ran:?}");
}
