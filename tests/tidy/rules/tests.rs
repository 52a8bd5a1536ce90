//! Every rule against code that breaks it and code that only looks so.

use super::*;

/// The rules that a file of this name and text breaks.
fn broken(name: &str, text: &str) -> Vec<&'static str> {
    let source = Source::new(name.to_owned(), &format!("//! A file.\n{text}\n"));
    let mut rules: Vec<&str> = breaches(&source).into_iter().map(|breach| breach.rule).collect();
    rules.dedup();
    rules
}

#[test]
fn a_layer_names_those_below_it_however_it_spells_them() {
    for (name, text) in [
        ("src/spec/a.rs", "use crate::plan::Plan;"),
        ("src/spec/mod.rs", "use super::plan;"),
        ("src/spec/a/b.rs", "use super::super::super::os::x;"),
        ("src/plan/a.rs", "use crate::{life::Outcome, os};"),
        ("src/os/mod.rs", "fn f() { crate::supervise::start() }"),
        ("src/supervise/a.rs", "use crate::cli::{self, exit};"),
        ("src/cli/run.rs", "use crate::plan::Setting;"),
        ("src/cli/run/args.rs", "use crate::os;"),
        ("src/rpc/service.rs", "use crate::{spec, plan};"),
    ] {
        assert_eq!(broken(name, text), ["layers"], "{name}: {text}");
    }
    for (name, text) in [
        ("src/plan/a.rs", "use crate::{life::Outcome, spec};"),
        ("src/life/a.rs", "use crate::spec;"),
        ("src/cli/run.rs", "use super::render; use crate::supervise::Job;"),
        ("src/spec/a.rs", "// crate::os\nconst A: &str = \"crate::os\"; use super::plan;"),
        ("src/spec/a.rs", "#[cfg(test)]\nmod tests { use crate::os; }"),
        ("src/lib.rs", "pub mod os; use crate::cli;"),
        ("src/bin/ironcell.rs", "use ironcell::cli;"),
    ] {
        assert_eq!(broken(name, text), [""; 0], "{name}: {text}");
    }
}

#[test]
fn a_dependency_is_named_at_home_only() {
    for (name, text) in [
        ("src/supervise/a.rs", "use nix::unistd;"),
        ("src/supervise/a.rs", "use {std::fs, libc::c_int};"),
        ("src/cli/run.rs", "fn f() { ::rustix::fs::open() }"),
        ("src/spec/a.rs", "#[derive(clap::Parser)] struct A;"),
        ("src/os/cgroup/read.rs", "use cgroups_rs as c;"),
        ("src/life/a.rs", "use tokio::time;"),
        ("init-shim/src/run.rs", "use libc::c_int;"),
        ("src/os/a.rs", "use proptest::prelude::*;"),
    ] {
        assert_eq!(broken(name, text), ["home"], "{name}: {text}");
    }
    for (name, text) in [
        ("src/os/cgroup/set.rs", "use cgroups_rs as c;"),
        ("init-shim/src/sys.rs", "use libc::c_int;"),
        ("src/spec/a.rs", "fn f(caps: Caps) { self.caps.x(caps); A { nix: 1 } } // libc::c_int"),
        ("integration/src/main.rs", "use libc::c_int;"),
    ] {
        assert_eq!(broken(name, text), [""; 0], "{name}: {text}");
    }
}

#[test]
fn what_is_pure_stays_pure() {
    for (name, text) in [
        ("src/life/a.rs", "use std::time::{Duration, Instant};"),
        ("src/life/a.rs", "fn f() { std::time::SystemTime::now(); }"),
        ("src/plan/a.rs", "use std::{fmt, fs::File};"),
        ("src/plan/a.rs", "use std::net;"),
    ] {
        assert_eq!(broken(name, text), ["purity"], "{name}: {text}");
    }
    assert_eq!(broken("src/life/a.rs", "use std::time::Duration;"), [""; 0]);
    assert_eq!(broken("src/os/a.rs", "use std::fs;"), [""; 0]);
}

#[test]
fn unsafe_and_unfinished_code_is_found_and_words_about_it_are_not() {
    assert_eq!(broken("src/supervise/a.rs", "fn f() { unsafe { g() } }"), ["unsafe"]);
    assert_eq!(broken("src/os/a.rs", "fn f() { unsafe { g() } } // unsafe"), [""; 0]);
    assert_eq!(broken("src/spec/a.rs", "#![deny(unsafe_op_in_unsafe_fn)] const A: &str = \"unsafe\";"), [""; 0]);
    assert_eq!(broken("src/spec/a.rs", "fn f() { todo!() }"), ["unfinished"]);
    assert_eq!(broken("integration/src/a.rs", "#[cfg(test)] mod tests { fn f() { dbg!(1); } }"), ["unfinished"]);
    assert_eq!(broken("src/spec/a.rs", "fn todo() { let dbg = \"todo!()\"; }"), [""; 0]);
}

#[test]
fn long_files_and_functions_are_found_and_tests_do_not_count() {
    let lines = |count: usize| "    x();\n".repeat(count);
    let function = |count: usize| format!("fn f<'a>(a: [u8; 3]) {{\n{}}}\n", lines(count));
    assert_eq!(broken("src/spec/a.rs", &function(48)), [""; 0]);
    assert_eq!(broken("src/spec/a.rs", &function(49)), ["size"]);
    assert_eq!(broken("integration/src/a.rs", &function(49)), ["size"]);
    assert_eq!(broken("src/spec/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{}}}", function(400))), [""; 0]);
    assert_eq!(broken("src/spec/a.rs", &"const A: u8 = 1;\n".repeat(300)), ["size"]);
    assert_eq!(
        broken("src/spec/a.rs", &format!("trait T {{ fn f(&self); }}\nconst A: fn(u8) = g;\n{}", lines(60))),
        [""; 0]
    );
}

#[test]
fn a_file_without_a_header_is_found() {
    let rules = |text: &str| breaches(&Source::new("src/spec/a.rs".to_owned(), text)).len();
    assert_eq!((rules("fn f() {}\nfn g() {}"), rules("/// A.\nfn f() {}"), rules("//! A.\nfn f() {}")), (1, 1, 0));
    assert_eq!((rules("\n"), rules("fn main() {}\n")), (0, 0));
}
