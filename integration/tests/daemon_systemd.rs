//! The daemon as a service of systemd's: what systemd does with it leaves its jobs alone.

use integration::support::{Host, ironcell_path};
use std::process::Command;
use std::time::{Duration, Instant};

const UNIT: &str = "/run/systemd/system/ironcelld.service";

fn systemctl(words: &[&str]) {
    let output = Command::new("systemctl").args(words).output().expect("systemctl starts");
    assert!(output.status.success(), "{words:?}: {output:?}");
}

fn told(words: &[&str]) -> String {
    let output = Command::new(ironcell_path()).args(words).output().expect("it starts");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn status(name: &str) -> String {
    told(&["status", name]).lines().next().unwrap_or_default().to_owned()
}

/// The main process of the service.
fn main_pid() -> i32 {
    let output = Command::new("systemctl").args(["show", "-p", "MainPID", "--value", "ironcelld"]).output();
    String::from_utf8(output.expect("systemctl starts").stdout).expect("text").trim().parse().expect("a number")
}

#[test]
fn a_restart_a_crash_a_reload_and_a_stop_of_the_service_leave_its_jobs_alone() {
    if !std::path::Path::new("/run/systemd/system").is_dir() {
        // Of the lanes, one has systemd; there this test is told as passed with all below.
        return;
    }
    let before = Host::now();
    let program = ironcell_path().with_file_name("ironcelld");
    let unit = Command::new(&program).arg("--print-unit").output().expect("it starts").stdout;
    let unit = String::from_utf8(unit).expect("text").replace("/usr/bin/ironcelld", program.to_str().expect("text"));
    std::fs::write(UNIT, unit).expect("written");
    systemctl(&["daemon-reload"]);
    systemctl(&["start", "ironcelld"]);
    told(&[
        "start",
        "-n",
        "one",
        "--memory",
        "64M",
        "--",
        "sh",
        "-c",
        "while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 5",
    ]);
    systemctl(&["reload", "ironcelld"]);
    systemctl(&["restart", "ironcelld"]);
    assert_eq!(status("one"), "running");
    let main = main_pid();
    integration::inside::Running::signal(main, libc::SIGKILL);
    let until = Instant::now() + Duration::from_secs(30);
    while [0, main].contains(&main_pid())
        || !Command::new(ironcell_path()).arg("whoami").output().expect("it starts").status.success()
    {
        assert!(Instant::now() < until, "it is not started again");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(status("one"), "running");
    systemctl(&["stop", "ironcelld"]);
    systemctl(&["start", "ironcelld"]);
    assert_eq!(status("one"), "running");
    assert!(told(&["stop", "--kill", "one"]).is_empty() || status("one") == "terminated");
    assert_eq!(status("one"), "terminated");
    told(&["shutdown"]);
    systemctl(&["stop", "ironcelld"]);
    std::fs::remove_file(UNIT).expect("removed");
    systemctl(&["daemon-reload"]);
    std::fs::remove_dir_all("/run/ironcell/daemon").expect("its state is there");
    before.assert_nothing_left();
}
