//! A real job: a small crate built by cargo and rustc, without a network.

use integration::inside::{scratch, text};
use integration::support::run;
use std::fs;
use std::path::Path;

const MANIFEST: &str = "[package]\nname = \"sum\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

/// A thread, a panic that is caught, and a build script, which cargo builds and runs as a program of its own.
const MAIN: &str = "
fn main() {
    let sum = std::thread::spawn(|| [1, 2, 39].iter().sum::<u32>()).join().unwrap();
    let caught = std::panic::catch_unwind(|| panic!()).is_err();
    println!(\"{} {sum} {caught}\", env!(\"WHAT\"));
}";
const BUILD: &str = "fn main() { println!(\"cargo:rustc-env=WHAT=sum\"); }";

fn lay_out(directory: &Path) {
    fs::create_dir(directory.join("src")).expect("made");
    for (name, content) in [("Cargo.toml", MANIFEST), ("src/main.rs", MAIN), ("build.rs", BUILD)] {
        fs::write(directory.join(name), content).expect("written");
    }
}

#[test]
fn a_crate_is_built_offline_and_its_program_runs() {
    let directory = scratch();
    lay_out(directory.path());
    let place = text(directory.path());
    // Without debug information: it is most of the work, and no other call is made for it.
    let cell = ["--memory", "700M", "--pids", "64", "--rw", place, "--cwd", place, "-E", "CARGO_PROFILE_DEV_DEBUG=0"];
    let ran = run(&[&cell[..], &["--", "cargo", "run", "--offline", "--quiet"]].concat());
    assert_eq!((ran.code, ran.out.as_str()), (0, "sum 42 true\n"), "{ran:?}");
}

#[test]
fn a_crate_that_wants_the_network_is_told_that_there_is_none() {
    let directory = scratch();
    lay_out(directory.path());
    let manifest = format!("{MANIFEST}[dependencies]\nserde = \"1\"\n");
    fs::write(directory.path().join("Cargo.toml"), manifest).expect("written");
    let place = text(directory.path());
    let ran = run(&["--rw", place, "--cwd", place, "-E", "CARGO_NET_RETRY=0", "--", "cargo", "build", "--quiet"]);
    assert!(ran.code == 101 && ran.err.contains("failed to resolve address"), "{ran:?}");
}
