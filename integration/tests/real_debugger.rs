//! A real job: a tracer, which looks into another process of its own. That is what the profile `build` opens.

use integration::support::run;

const TRACE: [&str; 7] = ["strace", "-f", "-e", "trace=execve", "-o", "/tmp/trace", "sh"];
const SCRIPT: [&str; 2] = ["-c", "/bin/true; echo traced"];

#[test]
fn a_tracer_works_under_build_and_sees_the_jobs_own_processes() {
    let ran = run(&[&["--profile", "build", "--"], &TRACE[..], &SCRIPT].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "traced\n"), "{ran:?}");
    // The first process of a cell is another user's: PID 1 is not to be traced by anybody.
    let ran = run(&["--profile", "build", "--", "strace", "-p", "1"]);
    assert!(ran.code != 0 && ran.err.contains("ptrace"), "{ran:?}");
}

#[test]
fn under_the_default_profile_it_is_refused_in_its_own_words() {
    let ran = run(&[&["--"], &TRACE[..], &SCRIPT].concat());
    assert!(ran.code != 0 && ran.err.contains("Operation not permitted"), "{ran:?}");
}
