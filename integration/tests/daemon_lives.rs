//! The daemon in real cells: its jobs outlive it, whoever dies and however, and nothing is left when they end.

use integration::daemon::Daemon;
use integration::inside::{Running, children};
use integration::support::Host;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A directory for a daemon, and the host before it.
fn begin() -> (tempfile::TempDir, Host) {
    (tempfile::tempdir_in("/run").expect("a directory"), Host::now())
}

const COUNTS: &str = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 7";

#[test]
fn row_4_29_a_job_and_its_output_outlive_a_daemon_that_is_killed() {
    let (base, before) = begin();
    let first = Daemon::start(base.path(), "");
    let id = first.job(&["-n", "seven", "--", "sh", "-c", COUNTS]);
    assert_eq!(id.len(), 12, "{id}");
    first.kill();
    let next = Daemon::start(base.path(), "");
    assert_eq!(next.told(&["status", "seven"]).lines().next(), Some("running"));
    let said = next.told(&["log", "-f", &id]);
    assert_eq!(said, (1..=200).map(|line| line.to_string()).collect::<Vec<_>>().join("\n"));
    assert_eq!(next.ask(&["wait", "seven"]).status.code(), Some(7));
    next.leave();
    // One that has ended is told of by the next one, with all that it wrote.
    let last = Daemon::start(base.path(), "");
    assert_eq!(last.told(&["status", &id]).lines().next(), Some("failed"));
    assert_eq!(last.told(&["log", "--tail", "1", &id]), "200");
    last.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_terminal_outlives_the_daemon_too() {
    let (base, before) = begin();
    let first = Daemon::start(base.path(), "");
    let id =
        first.job(&["--terminal", "--", "sh", "-c", "tty >/dev/null && echo ready; sleep 3; test -t 0 && echo still"]);
    std::thread::sleep(Duration::from_millis(500));
    first.kill();
    let next = Daemon::start(base.path(), "");
    let said = next.told(&["log", "-f", &id]);
    assert!(said.contains("ready") && said.ends_with("still"), "{said:?}");
    next.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_keeper_that_is_killed_costs_no_job() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "");
    let id = daemon.job(&["--", "sh", "-c", COUNTS]);
    children(daemon.pid()).into_iter().for_each(|keeper| Running::signal(keeper, libc::SIGKILL));
    assert_eq!(daemon.ask(&["wait", &id]).status.code(), Some(7));
    assert_eq!(daemon.told(&["log", "--tail", "1", &id]), "200");
    let other = daemon.job(&["--", "true"]);
    assert_eq!(daemon.ask(&["wait", &other]).status.code(), Some(0));
    daemon.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_leased_job_ends_with_its_callers_connection_and_a_refusal_names_the_limit() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "");
    let mut caller = daemon.command(&["start", "--lease", "-n", "leased", "--", "sleep", "1000"]);
    let mut caller = caller.stdout(std::process::Stdio::null()).spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !daemon.ask(&["status", "leased"]).status.success() {
        assert!(Instant::now() < until, "it does not start");
    }
    caller.kill().and_then(|()| caller.wait()).expect("it is gone");
    let ended = daemon.ask(&["wait", "leased"]);
    assert_eq!(ended.status.code(), Some(137), "{ended:?}");
    let refused = daemon.ask(&["start", "--memory", "1", "--", "true"]);
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(125) && text.contains("--memory"), "{text}");
    let missing = daemon.ask(&["start", "--", "/no/such/program"]);
    assert_eq!(missing.status.code(), Some(127), "{missing:?}");
    daemon.shutdown();
    before.assert_nothing_left();
}

#[test]
fn a_second_daemon_is_refused_and_connections_that_say_nothing_hold_up_nobody() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "");
    let stalled: Vec<UnixStream> =
        (0..200).map(|_| UnixStream::connect(base.path().join("d.sock")).expect("it listens")).collect();
    assert!(daemon.told(&["whoami"]).contains("uid:0"));
    let other = integration::support::ironcell_path().with_file_name("ironcelld");
    let mut other = std::process::Command::new(other);
    let output = other.arg("--config").arg(base.path().join("ironcelld.toml")).output().expect("it ends");
    assert!(!output.status.success());
    assert!(daemon.told(&["whoami"]).contains("uid:0"), "and the first one goes on");
    drop(stalled);
    daemon.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_4_1_a_session_is_the_daemons_and_goes_on_when_its_client_is_killed() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "");
    let mut client =
        daemon.command(&["start", "-f", "-n", "mine", "--", "sh", "-c", "echo 1; sleep 2; echo 2; exit 4"]);
    let mut client = client.stdout(std::process::Stdio::null()).spawn().expect("it starts");
    let until = Instant::now() + Duration::from_secs(20);
    while !daemon.ask(&["status", "mine"]).status.success() {
        assert!(Instant::now() < until, "it does not start");
    }
    client.kill().and_then(|()| client.wait()).expect("it is gone");
    assert_eq!(daemon.ask(&["wait", "mine"]).status.code(), Some(4));
    assert_eq!(daemon.told(&["log", "mine"]), "1\n2");
    daemon.shutdown();
    before.assert_nothing_left();
}

#[test]
fn row_2_14_and_2_15_and_2_16_a_job_has_its_limits_and_namespaces_and_leaves_nothing() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "");
    let id = daemon.job(&["--memory", "64M", "--cpus", "0.5", "--pids", "20", "--", "sleep", "1000"]);
    let told: serde_json::Value = serde_json::from_str(&daemon.told(&["status", "--json", &id])).expect("JSON");
    let pid = told["pid"].as_i64().unwrap_or_else(|| panic!("{told:#}"));
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("it runs");
    let own = text.lines().find_map(|line| line.strip_prefix("0::")).expect("a cgroup");
    let limit = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup{own}/{file}")).expect("a limit");
    let limits = ["memory.max", "cpu.max", "pids.max"].map(|file| limit(file).trim().to_owned());
    assert_eq!(limits[..2], ["67108864", "50000 100000"]);
    assert!(limits[2].parse::<u64>().is_ok(), "{limits:?}");
    for namespace in ["pid", "mnt", "net", "ipc", "uts", "cgroup"] {
        let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/{namespace}")).expect("a namespace");
        assert_ne!(of(&pid.to_string()), of("self"), "{namespace}");
    }
    assert!(daemon.told(&["stop", "--kill", &id]).starts_with(&id));
    daemon.told(&["rm", &id]);
    daemon.shutdown();
    before.assert_nothing_left();
}

/// Waits until a keeper has so many cells, of jobs and such as wait for one: their PID 1.
fn cells_become(keeper: i32, count: usize) -> Vec<i32> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let cells = children(keeper);
        if cells.len() == count {
            return cells;
        }
        assert!(Instant::now() < until, "{cells:?}, not {count}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn cells_that_are_built_ahead_are_taken_and_built_anew_and_go_when_they_are_wanted_no_more() {
    let (base, before) = begin();
    let daemon = Daemon::start(base.path(), "[jobs]\nwarm = 2\n");
    let keeper = children(daemon.pid())[0];
    let waiting = cells_become(keeper, 2);
    let id = daemon.job(&["--memory", "64M", "--", "sleep", "1000"]);
    let told: serde_json::Value = serde_json::from_str(&daemon.told(&["status", "--json", &id])).expect("JSON");
    let pid = told["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_else(|| panic!("{told:#}"));
    assert!(waiting.contains(&pid), "{pid} is none of {waiting:?}");
    let all = cells_become(keeper, 3);
    assert!(waiting.iter().all(|cell| all.contains(cell)), "{all:?} are not {waiting:?} and another");
    // One that asks for other walls has a cell of its own.
    let other = daemon.job(&["--hostname", "other", "--", "sleep", "1000"]);
    cells_become(keeper, 4);
    let config = base.path().join("ironcelld.toml");
    let text = std::fs::read_to_string(&config).expect("its own");
    std::fs::write(&config, text.replace("warm = 2", "warm = 0")).expect("written");
    Running::signal(daemon.pid(), libc::SIGHUP);
    cells_become(keeper, 2);
    for job in [&id, &other] {
        assert_eq!(daemon.told(&["status", job]).lines().next(), Some("running"));
    }
    std::fs::write(&config, text).expect("written");
    Running::signal(daemon.pid(), libc::SIGHUP);
    cells_become(keeper, 4);
    // Those that wait are no jobs: they go with a daemon that is killed, and the next one has its own.
    daemon.kill();
    let next = Daemon::start(base.path(), "");
    cells_become(keeper, 2);
    assert_eq!(next.told(&["status", &id]).lines().next(), Some("running"));
    next.shutdown();
    before.assert_nothing_left();
}
