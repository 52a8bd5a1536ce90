//! Each protection is left out in turn (by a program that is built for this alone), and `ironcell verify` says so: by the
//! promises that it no longer keeps, or by a cell that cannot be built.

use integration::support::{Ran, finish, ironcell_path};
use ironcell::supervise::verify::{SHOWN, Shown};
use serde_json::Value;
use std::process::{Command, Stdio};

/// verify of the program with the seam, with these steps left out. Small limits, so that their own cells are quick.
fn verify_without(left_out: &str) -> (Ran, Option<Value>) {
    let program = ironcell_path().with_file_name("ironcell-seam");
    let mut command = Command::new(program);
    command.args(["verify", "--json", "--memory", "32M", "--pids", "16"]).stdin(Stdio::null());
    command.env("IRONCELL_LEFT_OUT", left_out);
    let ran = finish(command);
    let told = serde_json::from_str(&ran.out).ok();
    (ran, told)
}

/// The promises that are not kept.
fn broken(told: &Value) -> Vec<&str> {
    let all = told["promises"].as_array().expect("promises");
    let bad = all.iter().filter(|one| ["broken", "unproven"].contains(&one["verdict"].as_str().unwrap_or_default()));
    bad.filter_map(|one| one["promise"].as_str()).collect()
}

#[test]
fn with_everything_in_place_the_program_with_the_seam_keeps_all_promises() {
    let (ran, told) = verify_without("");
    assert_eq!((ran.code, broken(&told.expect("JSON"))), (0, Vec::new()));
}

#[test]
fn every_step_that_is_left_out_is_missed() {
    for (step, shown) in SHOWN {
        let number = (*step as u16).to_string();
        let promises: &[&str] = match shown {
            Shown::By(promises) => promises,
            // There is no cell without it, or nothing to be seen: the table says why.
            Shown::NoCell(_) | Shown::Behind(_) => continue,
        };
        let (ran, told) = verify_without(&number);
        assert_eq!(ran.code, 125, "{step:?}: {ran:?}");
        let told = told.unwrap_or_else(|| panic!("{step:?}: no JSON: {ran:?}"));
        let broken = broken(&told);
        assert!(broken.iter().any(|name| promises.contains(name)), "{step:?}: {broken:?}, not {promises:?}");
    }
}

#[test]
fn without_the_guard_of_devices_it_is_missed() {
    let (ran, told) = verify_without("devices");
    assert_eq!((ran.code, broken(&told.expect("JSON"))), (125, vec!["device_guard"]));
}

#[test]
fn a_cell_that_cannot_be_built_without_a_step_is_not_built() {
    for (step, _) in SHOWN.iter().filter(|(_, shown)| matches!(shown, Shown::NoCell(_))) {
        let (ran, told) = verify_without(&(*step as u16).to_string());
        // Not every step can be left out: those that are part of another are always done.
        let kept = told.is_some_and(|told| told["held"] == true);
        assert!(kept || (ran.code == 125 && ran.err.starts_with("ironcell: failed to ")), "{step:?}: {ran:?}");
    }
}
