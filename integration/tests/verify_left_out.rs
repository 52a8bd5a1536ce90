//! Each protection is left out in turn (by a program that is built for this alone), and `ironcell verify` says so: by the
//! promises that it no longer keeps, or by a cell that cannot be built.

use init_shim::step::Step;
use integration::support::{Ran, finish, ironcell_path};
use ironcell::supervise::verify::{SHOWN, Shown};
use serde_json::Value;
use std::process::{Command, Stdio};

/// Done by other means than a step that can be left out: clone3 is one call, a cell without its mounts or directory is none.
const ALWAYS_DONE: [Step; 4] = [Step::CloneCell, Step::AttachMount, Step::EnterDirectory, Step::SeeOwnCgroup];
/// What stands behind the filter is noticed when the filter is left out as well.
const BEHIND_FILTER: [Step; 2] = [Step::ForbidNested, Step::JoinKeyring];
/// The guard of devices, which is no step of the shim.
const DEVICES: u16 = 0;

/// verify of the program with the seam, with these steps left out. Without the two bounds, whose cells take their time.
fn verify_without(left_out: &[u16]) -> (Ran, Option<Value>) {
    let mut command = Command::new(ironcell_path().with_file_name("ironcell-seam"));
    command.args(["verify", "--json", "--memory", "max", "--pids", "max"]).stdin(Stdio::null());
    let words: Vec<String> = left_out.iter().map(u16::to_string).collect();
    command.env("IRONCELL_LEFT_OUT", words.join(","));
    let ran = finish(command);
    let told = serde_json::from_str(&ran.out).ok();
    (ran, told)
}

/// The promises that are not kept.
fn broken(told: &Value) -> Vec<String> {
    let all = told["promises"].as_array().expect("promises");
    let bad = all.iter().filter(|one| ["broken", "unproven"].contains(&one["verdict"].as_str().unwrap_or_default()));
    bad.filter_map(|one| one["promise"].as_str()).map(str::to_owned).collect()
}

/// The promises that are not kept without these steps; there is a cell, and verify does not pass it.
fn missed(left_out: &[u16]) -> Vec<String> {
    let (ran, told) = verify_without(left_out);
    let told = told.unwrap_or_else(|| panic!("{left_out:?}: no JSON: {ran:?}"));
    assert_eq!((ran.code, &told["held"]), (125, &Value::Bool(false)), "{left_out:?}: {ran:?}");
    broken(&told)
}

#[test]
fn with_everything_in_place_the_program_with_the_seam_keeps_all_promises() {
    let (ran, told) = verify_without(&[]);
    assert_eq!((ran.code, broken(&told.expect("JSON"))), (0, Vec::new()));
}

#[test]
fn every_step_that_is_left_out_is_missed() {
    for (step, shown) in SHOWN.iter().filter(|(step, _)| !ALWAYS_DONE.contains(step) && !BEHIND_FILTER.contains(step)) {
        let Shown::By(promises) = shown else { continue };
        let missed = missed(&[*step as u16]);
        assert!(missed.iter().any(|name| promises.contains(&name.as_str())), "{step:?}: {missed:?}, not {promises:?}");
    }
}

#[test]
fn what_stands_behind_the_filter_is_missed_without_both() {
    let filter = Step::InstallFilter as u16;
    let without_filter = missed(&[filter]);
    for step in BEHIND_FILTER {
        let (_, shown) = SHOWN.iter().find(|(known, _)| *known == step).expect("a step that protects");
        let Shown::By(promises) = shown else { panic!("{step:?} is not shown") };
        assert!(!without_filter.iter().any(|name| promises.contains(&name.as_str())), "{step:?} holds by itself");
        let missed = missed(&[filter, step as u16]);
        assert!(missed.iter().any(|name| promises.contains(&name.as_str())), "{step:?}: {missed:?}, not {promises:?}");
    }
}

#[test]
fn without_the_guard_of_devices_it_is_missed() {
    assert_eq!(missed(&[DEVICES]), ["device_guard"]);
}

#[test]
fn without_what_the_rest_is_built_on_there_is_no_cell() {
    for step in [Step::DropBounding, Step::NoNewPrivs] {
        let (ran, _) = verify_without(&[step as u16]);
        assert!(ran.code == 125 && ran.err.starts_with("ironcell: failed to "), "{step:?}: {ran:?}");
    }
}
