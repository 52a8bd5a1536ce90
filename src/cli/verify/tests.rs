//! What is printed and returned for made-up findings.

use super::*;
use crate::cli::args::{Args, Verb};
use crate::cli::report::News;
use crate::cli::voice::Colour;
use crate::life::Outcome;
use crate::spec::JobSpec;
use crate::supervise::Error;
use crate::supervise::doctor::Check;
use clap::Parser;

/// A head that found this.
struct Found(Result<Vec<Finding>, Error>);

impl Head for Found {
    fn draw(self, _: &JobSpec) -> Result<String, Error> {
        panic!("verify draws nothing")
    }

    fn run(self, _: &JobSpec, _: &mut (dyn FnMut(News) + Send)) -> Result<Outcome, Error> {
        panic!("verify runs nothing of the caller's")
    }

    fn verify(self, _: &JobSpec) -> Result<Vec<Finding>, Error> {
        self.0
    }

    fn examine(self) -> Vec<Check> {
        panic!("verify examines nothing")
    }
}

fn finding(promise: &'static str, verdict: Verdict, control: Outside) -> Finding {
    let inside = Inside::Refused { errno: "EPERM".to_owned() };
    let attempts = vec![Tried { attempt: "a", tried: "a(2)", inside, control }];
    Finding { promise, sentence: "It is so.", verdict, attempts }
}

/// Exit code, standard output and standard error.
fn said(flags: &[&str], found: Result<Vec<Finding>, Error>) -> (u8, String, String) {
    let line = ["ironcell", "verify"].iter().chain(flags);
    let Verb::Verify(args) = Args::try_parse_from(line).expect("a line").verb else { panic!("{flags:?} is verify") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = verify(&args, Found(found), &mut out, &mut Voice::new(&mut err, Colour::Plain)).expect("printed");
    (code, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

#[test]
fn only_promises_that_were_given_and_are_not_kept_are_a_failure() {
    for (verdict, expected) in [
        (Verdict::Held, 0),
        (Verdict::Relaxed("--net host".to_owned()), 0),
        (Verdict::NotAsked("no controller".to_owned()), 0),
        (Verdict::Unproven("no answer".to_owned()), exit::OWN_FAILURE),
        (Verdict::Broken("it returned 0".to_owned()), exit::OWN_FAILURE),
    ] {
        let found =
            vec![finding("one", Verdict::Held, Outside::Succeeded), finding("two", verdict, Outside::Succeeded)];
        assert_eq!(said(&[], Ok(found.clone())).0, expected, "{found:?}");
        assert_eq!(said(&["--json"], Ok(found)).0, expected);
    }
}

#[test]
fn the_table_says_what_is_wrong_and_what_could_not_be_shown() {
    let no = Outside::NotPossible("the host's root is refused: ENOSYS".to_owned());
    let found = vec![
        finding("one", Verdict::Held, Outside::Succeeded),
        finding("three", Verdict::Held, no),
        finding("four", Verdict::Relaxed("--user 0".to_owned()), Outside::Succeeded),
        finding("five", Verdict::Broken("a(2): it returned 0".to_owned()), Outside::Succeeded),
    ];
    let (code, out, err) = said(&[], Ok(found.clone()));
    assert_eq!((code, err.as_str()), (exit::OWN_FAILURE, ""));
    assert_eq!(
        out,
        "held       one    It is so.\n\
         held       three  It is so.\n                  -> control: not possible here\n\
         relaxed    four   It is so.\n                  -> given up by --user 0\n\
         broken     five   It is so.\n                  -> a(2): it returned 0\n\
         this cell does not keep all it promises: 4 promises, 2 held, 1 relaxed, 1 broken\n"
    );
    let (_, out, _) = said(&["-v"], Ok(found));
    assert!(out.contains("-> a(2): refused (EPERM)\n"), "{out}");
    assert!(
        out.contains("refused (EPERM); control: not possible here (the host's root is refused: ENOSYS)\n"),
        "{out}"
    );
}

#[test]
fn the_json_has_a_version_and_a_member_for_each_thing() {
    let found = vec![finding("one", Verdict::Relaxed("--user 0".to_owned()), Outside::NotPossible("why".to_owned()))];
    let (_, out, _) = said(&["--json"], Ok(found));
    let told: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!((&told["schema"], &told["held"]), (&SCHEMA.into(), &true.into()));
    let one = &told["promises"][0];
    assert_eq!(one["promise"], "one");
    assert_eq!((&one["verdict"], &one["why"]), (&"relaxed".into(), &"--user 0".into()));
    assert_eq!(one["attempts"][0]["inside"], serde_json::json!({ "result": "refused", "errno": "EPERM" }));
    assert_eq!(one["attempts"][0]["control"], serde_json::json!({ "result": "not_possible", "why": "why" }));
}

#[test]
fn a_cell_that_cannot_be_built_is_told_as_a_run_would_tell_it() {
    let (code, out, err) = said(&[], Err(Error::NotRoot));
    assert_eq!((code, out.as_str()), (exit::OWN_FAILURE, ""));
    assert_eq!(err, "ironcell: cells are built by root: run ironcell as root, or with sudo\n");
    let (code, out, err) = said(&["--memory", "12Q"], Ok(Vec::new()));
    assert_eq!((code, out.as_str()), (exit::OWN_FAILURE, ""));
    assert!(err.starts_with("ironcell: --memory is \"12Q\": unknown unit Q"), "{err}");
}

#[test]
fn runs_options_are_verifys_too() {
    let flags = ["--net", "host", "--memory", "64M", "--rw", "/srv", "--user", "0", "--rlimit", "core=0"];
    assert_eq!(said(&flags, Ok(Vec::new())).0, 0);
}
