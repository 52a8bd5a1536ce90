//! `ironcell verify` with options: what they give up is told with their names, and what they do not is still kept.

use integration::inside::{scratch, text};
use integration::support::{finish, ironcell};
use integration::verify::verify;

#[test]
fn the_hosts_network_is_given_up_by_name() {
    let found = verify(&["--net", "host"]);
    for name in ["own_network", "host_network"] {
        let promise = found.promise(name);
        assert_eq!((&promise["verdict"], &promise["why"]), (&"relaxed".into(), &"--net host".into()), "{promise:#}");
    }
    let port = found.attempt("host_port");
    assert_eq!(port["inside"]["result"], "allowed", "what was seen is told all the same: {port:#}");
    assert_eq!(found.verdict("network_settings"), "held");
    assert_eq!(found.verdict("own_namespaces"), "held");
}

#[test]
fn root_in_the_cell_gains_nothing_else() {
    let found = verify(&["--user", "0"]);
    assert_eq!(found.promise("not_root")["why"], "--user 0");
    for name in [
        "no_mounts",
        "no_capabilities",
        "ids",
        "nobody_outside",
        "first_process",
        "devices",
        "host_read_only",
        "own_root",
    ] {
        assert_eq!(found.verdict(name), "held", "{:#}", found.promise(name));
    }
}

#[test]
fn a_writable_directory_gives_up_that_nothing_of_the_hosts_is_writable() {
    let directory = scratch();
    let path = text(directory.path());
    let found = verify(&["--rw", &format!("{path}:/out")]);
    assert_eq!(found.promise("host_read_only")["why"], "--rw /out");
    for name in ["planned_mounts", "no_set_id_mounts", "no_device_mounts"] {
        assert_eq!(found.verdict(name), "held", "{:#}", found.promise(name));
    }
}

#[test]
fn limits_that_were_asked_for_are_the_ones_that_are_looked_at() {
    let found =
        verify(&["--rlimit", "core=0", "--rlimit", "nofile=99", "--pids", "16", "--memory", "40M", "-E", "A=b c"]);
    assert_eq!(found.promise("no_core_files")["why"], "--rlimit core");
    for name in ["resource_limits", "environment", "pids_max", "memory_max"] {
        assert_eq!(found.verdict(name), "held", "{:#}", found.promise(name));
    }
    let forks = found.attempt("fork_all")["inside"]["detail"].as_str().expect("text").to_owned();
    assert!(forks.ends_with("pids.max is 16"), "{forks}");
    let none = verify(&["--pids", "max", "--memory", "max"]);
    assert_eq!(none.promise("pids_max")["why"], "--pids max");
    assert_eq!(none.promise("memory_max")["why"], "--memory max");
}

#[test]
fn the_table_says_the_same_in_words() {
    let ran = finish(ironcell(&["verify", "--net", "host"]));
    assert!(ran.out.contains("held       no_mounts "), "{ran:?}");
    assert!(ran.out.contains("-> given up by --net host\n"), "{ran:?}");
    assert!(ran.out.lines().last().is_some_and(|line| line.contains(" promises, ")), "{ran:?}");
}

#[test]
fn the_probe_refuses_to_be_run_by_hand() {
    for words in [&["probe-of-verify"][..], &["probe-of-verify", "attempts", "1", "s", "1", "k", "/"]] {
        let ran = finish(ironcell(words));
        assert_eq!((ran.code, ran.out.as_str()), (125, ""), "{ran:?}");
        assert_eq!(ran.err, "ironcell: probe-of-verify is for the cells of ironcell verify alone\n");
    }
    let program = integration::support::ironcell_path();
    let bind = format!("{}:/ironcell", text(&program));
    let ran = integration::support::run(&["--ro", &bind, "--", "/ironcell", "probe-of-verify", "forks"]);
    assert_eq!(ran.code, 125, "in a cell whose input is no sealed program: {ran:?}");
}
