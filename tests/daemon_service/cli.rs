//! The verbs of `ironcell`, as a person types them, against a daemon of this process.

use crate::house::{Daemon, run};
use ironcell::rpc::peer::Role;
use std::path::Path;
use std::process::Output;
use tokio::task::spawn_blocking;

/// What came of a line; its first word is the verb, and the daemon's socket is put behind it.
pub async fn typed(socket: &Path, line: &[&str]) -> (u8, String, String) {
    let host = format!("unix://{}", socket.display());
    let args: Vec<String> = [line[0], "--host", &host].iter().chain(&line[1..]).map(|&word| word.to_owned()).collect();
    let output = spawn_blocking(move || {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_ironcell"));
        program.args(args).stdin(std::process::Stdio::null()).env_remove("IRONCELL_CONTEXT").output()
    });
    let Output { status, stdout, stderr } = output.await.expect("no panic").expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = status.code().and_then(|code| u8::try_from(code).ok()).expect("it returned");
    (code, text(stdout), text(stderr))
}

/// Starts a job; its id.
async fn started(socket: &Path, line: &[&str]) -> String {
    let (code, out, err) = typed(socket, &[&["start"], line].concat()).await;
    assert_eq!(code, 0, "{err}");
    out.trim().strip_prefix("Started job with ID: ").expect("the text").to_owned()
}

#[test]
fn row_2_1_and_2_2_a_start_prints_the_text_and_what_follows_the_dashes_is_the_commands() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let id = started(&socket, &["echo", "Hello World"]).await;
        assert_eq!(id.len(), 12);
        let (code, out, _) = typed(&socket, &["log", "-f", &id]).await;
        assert_eq!((code, out.as_str()), (0, "Hello World\n"));
        let id = started(&socket, &["--", "sh", "-c", "echo $0 -n --json", "-x"]).await;
        assert_eq!(typed(&socket, &["log", "-f", &id]).await.1, "-x -n --json\n");
    });
}

#[test]
fn row_2_4_and_2_5_a_job_is_stopped_and_its_state_is_one_word() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let id = started(&socket, &["-n", "web", "--", "sleep", "1000"]).await;
        assert_eq!(typed(&socket, &["status", "web"]).await.1, "running\n");
        let (code, out, _) = typed(&socket, &["stop", "web"]).await;
        assert_eq!((code, out), (0, format!("{id} stopped\n")));
        assert_eq!(typed(&socket, &["stop", "web"]).await.1, format!("{id} had ended\n"));
        let (_, out, _) = typed(&socket, &["status", "web"]).await;
        assert_eq!(out, "terminated\nstopped: by its owner; it ended on SIGTERM\n");
        let other = started(&socket, &["--", "sleep", "1000"]).await;
        let (_, out, _) = typed(&socket, &["stop", "--no-wait", &other]).await;
        assert_eq!(out, format!("{other} stopped\n"));
        assert_eq!(typed(&socket, &["wait", &other]).await.0, 143);
        let (code, _, err) = typed(&socket, &["stop", "nothing", "web"]).await;
        assert_eq!((code, err.as_str()), (125, "ironcell: no job nothing\n"));
    });
}

#[test]
fn a_wait_returns_what_run_would_and_says_as_much() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("uid:0", Role::Admin);
        let id = started(&socket, &["--", "sh", "-c", "exit 7"]).await;
        assert_eq!(typed(&socket, &["wait", &id]).await, (7, String::new(), String::new()));
        let id = started(&socket, &["--time", "50ms", "--", "sleep", "1000"]).await;
        let (code, _, err) = typed(&socket, &["wait", &id]).await;
        assert_eq!(code, 124);
        assert!(err.starts_with("ironcell: timed out: --time 50ms is over"), "{err}");
        let (code, out, _) = typed(&socket, &["start", "-f", "--", "sh", "-c", "echo here; exit 3"]).await;
        assert_eq!((code, out.lines().last()), (3, Some("here")));
        let (code, _, err) = typed(&socket, &["start", "--", "/no/such/program"]).await;
        assert_eq!(code, 127, "{err}");
    });
}

#[test]
fn a_log_goes_into_a_pipe_byte_for_byte_and_each_stream_to_its_own() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let id = started(&socket, &["--", "sh", "-c", "printf 'a\\033[2Jb\\n'; echo oops >&2"]).await;
        assert_eq!(typed(&socket, &["log", "-f", &id]).await, (0, "a\x1b[2Jb\n".to_owned(), "oops\n".to_owned()));
        assert_eq!(typed(&socket, &["log", "--stderr", &id]).await.2, "oops\n");
        let (_, out, _) = typed(&socket, &["log", "--tail", "1", "--prefix", &id]).await;
        assert!(["[stderr] oops\n", "[stdout] a\x1b[2Jb\n"].contains(&out.as_str()), "{out}");
    });
}

#[test]
fn row_2_8_jobs_are_listed_for_people_and_for_machines() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let running = started(&socket, &["--label", "tool=ci", "--", "sleep", "1000"]).await;
        let ended = started(&socket, &["true"]).await;
        typed(&socket, &["wait", &ended]).await;
        assert_eq!(typed(&socket, &["ls", "-q"]).await.1, format!("{running}\n"));
        assert_eq!(typed(&socket, &["ls", "-q", "--state", "completed"]).await.1, format!("{ended}\n"));
        assert_eq!(typed(&socket, &["ls", "-aq", "--label", "tool=me"]).await.1, "");
        let (_, out, _) = typed(&socket, &["ls", "-a"]).await;
        assert!(out.starts_with("ID ") && out.lines().count() == 3 && out.contains("sleep 1000"), "{out}");
        let (_, out, _) = typed(&socket, &["ls", "-a", "--json"]).await;
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let outcome = json.as_array().expect("a list").iter().find(|job| job["id"] == ended.as_str());
        assert_eq!(outcome.expect("listed")["outcome"]["exit"]["code"], 0);
        assert_eq!(typed(&socket, &["rm", &ended]).await.1, format!("{ended} removed\n"));
        assert_eq!(typed(&socket, &["rm", &running]).await.0, 125, "it runs");
    });
}

#[test]
fn attach_types_into_a_job_until_its_end() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("alice", Role::Operator);
        let id = started(&socket, &["--stdin", "--", "sh", "-c", "cat; echo over; exit 4"]).await;
        // Its standard input is empty, and its end is the end of the job's.
        let (code, out, err) = typed(&socket, &["attach", &id]).await;
        assert_eq!((code, out.as_str()), (4, "over\n"), "{err}");
    });
}

#[test]
fn a_daemon_that_is_not_there_is_told_with_its_socket_and_the_way_out() {
    run(async {
        let (code, _, err) = typed(Path::new("/nowhere/at/all"), &["ls"]).await;
        assert_eq!(code, 125);
        assert!(err.contains("/nowhere/at/all") && err.contains("ironcelld"), "{err}");
        let line = ["ls", "--json"];
        let (code, _, err) = typed(Path::new(""), &line).await;
        assert!(code == 125 && !err.is_empty());
    });
}

#[test]
fn the_daemon_says_who_it_takes_you_for_and_what_it_is() {
    run(async {
        let daemon = Daemon::plain().await;
        let (alice, root) = (daemon.socket("alice", Role::Operator), daemon.socket("uid:0", Role::Admin));
        assert_eq!(typed(&alice, &["whoami"]).await.1, "alice, operator, owner alice\n");
        assert!(typed(&alice, &["info"]).await.1.starts_with("ironcelld "));
        let (code, _, err) = typed(&alice, &["drain"]).await;
        assert!(code == 125 && err.contains("admin"), "{err}");
        assert_eq!(typed(&root, &["drain", "--json"]).await.1, "[]\n");
        assert_eq!(typed(&root, &["start", "true"]).await.0, 125);
        assert_eq!(typed(&root, &["reconcile", "--dry-run"]).await, (0, String::new(), String::new()));
    });
}
