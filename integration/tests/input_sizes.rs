//! Much input: arguments, environment, mounts; up to the kernel's own bounds it works, past them it is refused in words.

use integration::inside::{scratch, text};
use integration::support::{Ran, run};
use ironcell::spec::JobSpec;
use std::fs;

fn refused(ran: &Ran, words: &[&str]) {
    assert_eq!((ran.code, ran.err.lines().count()), (125, 1), "{:?}", &ran.err[..ran.err.len().min(500)]);
    assert!(ran.err.len() < 1200, "not short: {} bytes", ran.err.len());
    words.iter().for_each(|word| assert!(ran.err.contains(word), "no {word:?} in {}", ran.err));
}

#[test]
fn five_thousand_arguments_arrive() {
    let many: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
    let mut args = vec!["--", "sh", "-c", "echo $# ${5000}", "sh"];
    args.extend(many.iter().map(String::as_str));
    assert_eq!(run(&args).out, "5000 4999\n");
}

#[test]
fn the_longest_argument_that_the_kernel_takes_arrives() {
    let long = "x".repeat(128 * 1024 - 1);
    assert_eq!(run(&["--", "sh", "-c", "echo ${#1}", "sh", &long]).out, "131071\n");
}

#[test]
fn an_argument_of_200_kib_or_with_a_nul_byte_is_refused_by_the_library() {
    // No shell can pass one: execve(2) of ironcell itself would fail.
    let long = JobSpec::command("echo").arg("x".repeat(200 * 1024)).build().expect_err("too long").to_string();
    assert!(
        long.contains("argv[1]") && long.contains("131071") && long.len() < 1200,
        "{}",
        &long[..long.len().min(500)]
    );
    let nul = JobSpec::command("echo").arg("a\0b").build().expect_err("a NUL byte").to_string();
    assert!(nul.contains("argv[1]") && nul.contains("NUL"), "{nul}");
    let program = JobSpec::command("a\0b").build().expect_err("a NUL byte").to_string();
    assert!(program.contains("argv[0]"), "{program}");
}

#[test]
fn more_than_the_kernel_takes_in_all_is_refused() {
    let all = std::iter::repeat_n("x".repeat(120_000), 18);
    let said = JobSpec::command("true").args(all).build().expect_err("too much").to_string();
    assert!(
        said.contains("arguments and environment have 2160") && said.len() < 1200,
        "{}",
        &said[..said.len().min(500)]
    );
}

#[test]
fn an_environment_file_is_taken_up_to_1_mib() {
    let directory = scratch();
    let file = directory.path().join("env");
    let flag = text(&file).to_owned();
    let with = |content: String| {
        fs::write(&file, content).expect("written");
        run(&["--env-file", &flag, "--", "sh", "-c", "env | grep -c ^V; echo ${#V7}"])
    };
    let lines = |count: usize| (0..count).map(|number| format!("V{number}={}\n", "x".repeat(1000))).collect::<String>();
    assert_eq!(with(lines(1000)).out, "1000\n1000\n");
    refused(&with(lines(1100)), &["--env-file", "1 MiB"]);
    refused(&with(format!("A={}\n", "x".repeat(200_000))), &["--env A"]);
    refused(&with("A=1\nB\0=2\n".to_owned()), &["--env-file", "line 2"]);
    refused(&with("A=1\nB=x\0y\n".to_owned()), &["--env-file", "line 2", "NUL"]);
    refused(&with("A=1\n\nnonsense\n".to_owned()), &["--env-file", "line 3"]);
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_are() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"\xff\xfe\n\x1b[31m");
    let mut command = integration::support::ironcell(&[
        "run",
        "-E",
        "ODD",
        "--",
        "sh",
        "-c",
        "printf %s \"$1$ODD\" | od -An -tx1",
        "sh",
    ]);
    command.arg(odd).env("ODD", odd);
    let ran = integration::support::finish(command);
    assert_eq!(ran.out, " ff fe 0a 1b 5b 33 31 6d ff fe 0a 1b 5b 33 31 6d\n", "{ran:?}");
}

#[test]
fn two_hundred_mounts_are_made_and_too_many_are_refused() {
    let places: Vec<String> = (0..600).map(|number| format!("/srv:/m/{number}")).collect();
    let flags = |count: usize| places[..count].iter().flat_map(|place| ["--ro", place]).collect::<Vec<_>>();
    let ran = run(&[&flags(200)[..], &["--", "sh", "-c", "ls /m | wc -l"]].concat());
    assert_eq!(ran.out, "200\n", "{ran:?}");
    refused(&run(&[&flags(600)[..], &["--", "true"]].concat()), &["mounts", "512"]);
}
