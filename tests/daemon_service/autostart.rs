//! Jobs that start with the daemon: what a unit beside it does, and that it may do it any number of times.

use crate::cli::typed;
use crate::house::{Daemon, run};
use ironcell::rpc::peer::Role;

#[test]
fn row_4_28_a_description_in_a_file_is_started_with_the_daemon_and_once_however_often_that_is_asked() {
    run(async {
        let daemon = Daemon::plain().await;
        let socket = daemon.socket("uid:0", Role::Admin);
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("web.toml");
        let text = "name = 'web'\nargv = ['sleep', '1000']\nrestart = 'always'\nrestart_delay = '5s'\n";
        std::fs::write(&file, text).expect("written");
        let file = file.to_str().expect("text");
        // As an ExecStartPost= of the daemon's unit has it: after its start, its restart, its upgrade.
        let line = ["start", "--request-id", "autostart-web", "--spec", file];
        let first = typed(&socket, &line).await;
        assert_eq!(first.0, 0, "{first:?}");
        assert_eq!(typed(&socket, &line).await, first, "the same job");
        let (_, out, _) = typed(&socket, &["status", "web", "--json"]).await;
        let job: serde_json::Value = serde_json::from_str(&out).expect("json");
        assert_eq!((job["status"].as_str(), job["runs"][0]["number"].as_u64()), (Some("running"), Some(1)), "{job}");
        let (_, out, _) = typed(&socket, &["ls", "--json"]).await;
        assert_eq!(out.matches("\"name\":\"web\"").count() + out.matches("\"name\": \"web\"").count(), 1, "{out}");
        // One who reads it differently from the file is told, and starts nothing.
        std::fs::write(file, text.replace("1000", "2000")).expect("written");
        let (code, _, err) = typed(&socket, &line).await;
        assert!(code == 125 && err.contains("autostart-web"), "{err}");
        assert_eq!(typed(&socket, &["stop", "web"]).await.0, 0);
        let (_, out, _) = typed(&socket, &["status", "web", "--json"]).await;
        let job: serde_json::Value = serde_json::from_str(&out).expect("json");
        assert_eq!((job["over"].as_str(), job["status"].as_str()), (Some("stopped"), Some("terminated")), "{job}");
    });
}
