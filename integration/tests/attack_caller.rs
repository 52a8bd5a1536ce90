//! A caller's surroundings made by somebody hostile: variables, directories and links that were there first.

use integration::inside::text;
use integration::limits::{AtEnd, shell};
use integration::support::{finish, ironcell, ironcell_path};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

/// Where programs look for code, settings and places to write, by way of the environment.
const VARIABLES: [&str; 18] = [
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "PATH",
    "HOME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "GCONV_PATH",
    "LOCPATH",
    "NLSPATH",
    "TERMINFO",
    "PYTHONPATH",
    "RUST_BACKTRACE_DIR",
    "CDPATH",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_DIR",
];

#[test]
fn no_variable_of_the_callers_has_a_file_opened_or_code_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = text(directory.path());
    for name in ["sh", "true", "ironcell", "libc.so.6", "evil.so"] {
        let file = directory.path().join(name);
        fs::write(&file, format!("#!/bin/sh\necho hit > {place}/hit\n")).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    }
    let log = directory.path().join("log");
    let mut command = Command::new("/usr/bin/strace");
    command.args(["-f", "-qq", "-e", "trace=%file,connect", "-o", text(&log)]).arg(ironcell_path());
    command.args(["run", "--", "true"]).stdin(Stdio::null());
    for name in VARIABLES {
        command.env(name, place);
    }
    // The tracer is a program like others: what only the loader reads is given to ironcell alone, by env.
    command.env("IFS", "/").env("BASH_ENV", directory.path().join("sh")).env("RUST_LOG", "trace,".repeat(20_000));
    let ran = finish(command);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""), "{ran:?}");
    let traced = fs::read_to_string(&log).expect("the calls");
    assert!(traced.contains("/proc/self"), "the control: calls were seen");
    let named: Vec<&str> = traced.lines().filter(|line| line.contains(place)).collect();
    // The first is the tracer's own start of the program, with all of the environment.
    assert!(named.iter().all(|line| line.contains("execve(") && !line.contains("execve(\"/tmp")), "{named:#?}");
    assert!(!directory.path().join("hit").exists(), "something was run");
}

#[test]
fn a_library_that_is_preloaded_is_not_loaded() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = text(directory.path());
    shell(&format!(
        "echo '#include <stdio.h>\n__attribute__((constructor)) static void hit(void) {{ fclose(fopen(\"{place}/hit\", \"a\")); }}' \
         > {place}/evil.c && gcc -shared -fPIC -o {place}/evil.so {place}/evil.c"
    ));
    let preload = directory.path().join("evil.so");
    let mut command = ironcell(&["run", "--", "true"]);
    command.env("LD_PRELOAD", &preload);
    assert_eq!(finish(command).code, 0);
    assert!(!directory.path().join("hit").exists(), "it was loaded");
    let mut outside = Command::new("/bin/true");
    outside.env("LD_PRELOAD", &preload).stdin(Stdio::null());
    assert_eq!(finish(outside).code, 0);
    assert!(directory.path().join("hit").exists(), "the control: any other program loads it");
}

#[test]
fn names_that_were_there_first_are_neither_followed_nor_used() {
    let directory = tempfile::tempdir().expect("a directory");
    let victim = directory.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    let ids = "/run/ironcell/cell-ids";
    assert_eq!(finish(ironcell(&["run", "--", "true"])).code, 0, "the place is made");
    let found = fs::metadata("/run/ironcell").expect("its directory");
    assert_eq!((found.uid(), found.mode() & 0o777), (0, 0o700), "nobody else may enter");
    fs::remove_file(ids).expect("removed");
    symlink(&victim, ids).expect("linked");
    let restored = AtEnd(format!("rm -f {ids}"));
    let ran = finish(ironcell(&["run", "--", "echo", "ran"]));
    assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    assert!(ran.code == 125 && ran.err.contains("cell-ids") && ran.out.is_empty(), "{ran:?}");
    drop(restored);
    assert_eq!(finish(ironcell(&["run", "--", "true"])).code, 0, "the control: without the link it runs");
}

#[test]
fn nothing_is_written_where_everybody_may_write() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("log");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=open,openat,openat2,creat,mkdir,mkdirat,symlink,link,rename,mknod"]);
    command.args(["-o", text(&log)]).arg(ironcell_path()).args(["run", "--", "true"]).stdin(Stdio::null());
    assert_eq!(finish(command).code, 0);
    let traced = fs::read_to_string(&log).expect("the calls");
    let public = ["\"/tmp", "\"/var/tmp", "\"/dev/shm"];
    let made = |line: &&str| line.contains("O_CREAT") || !line.contains("open");
    let written: Vec<&str> =
        traced.lines().filter(made).filter(|line| public.iter().any(|place| line.contains(place))).collect();
    assert_eq!(written, [""; 0]);
    assert!(traced.contains("cgroup"), "the control: calls were seen");
}
