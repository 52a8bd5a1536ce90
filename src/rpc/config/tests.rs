//! The configuration, good and bad.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn parse(text: &str) -> Result<Config, SpecError> {
    Config::parse("d.toml", text)
}

#[test]
fn every_key_can_be_written_and_has_its_place() {
    let config = parse(
        r#"
        state_dir = "/var/lib/ironcell"
        socket = "/run/i.sock"
        log = "json"
        metrics = "unix:///run/m.sock"
        [tls]
        listen = "[::1]:7443"
        cert = "/etc/i/d.crt"
        key = "/etc/i/d.key"
        client_ca = "/etc/i/ca.crt"
        crl = "/etc/i/ca.crl"
        [limits]
        connections = 10
        connections_of_one = 5
        handshakes = 3
        handshake = "2s"
        streams = 7
        idle = "1min"
        call = 30
        recheck = "10s"
        drain = "0s"
        [jobs]
        running = 8
        ended = 0
        ended_for = "2d"
        [policy]
        viewer_output = true
        bind_ro = ["/srv/data/"]
        bind_rw = ["/srv/work"]
        rootfs = ["/images"]
        net_host = true
        profiles = ["strict"]
        seccomp = true
        cgroup_files = true
        log_max = "1M"
        spool_max = "2G"
        "#,
    )
    .expect("good");
    let limits = Limits {
        connections: 10,
        connections_of_one: 5,
        handshakes: 3,
        handshake: Duration::from_secs(2),
        streams: 7,
        idle: Duration::from_secs(60),
        call: Duration::from_secs(30),
        recheck: Duration::from_secs(10),
        drain: Duration::ZERO,
    };
    assert_eq!((config.limits.clone(), config.log), (limits, LogFormat::Json));
    assert_eq!((config.jobs.jobs, config.jobs.ended, config.jobs.ended_for.as_secs()), (8, 0, 2 * 86400));
    assert_eq!(config.policy.bind_ro, [PathBuf::from("/srv/data")]);
    assert_eq!((config.policy.log_max, config.policy.spool_max), (1 << 20, 2 << 30));
    assert_eq!(config.metrics, Some(Shown::Socket("/run/m.sock".into())));
    let (listen, paths) = config.remote().expect("all files are named").expect("a port");
    assert_eq!((listen.port(), paths.crl), (7443, Some("/etc/i/ca.crl".into())));
}

#[test]
fn nothing_said_is_the_default_and_the_default_can_be_written() {
    assert_eq!(parse("").expect("good"), Config::default());
    let mut text = String::new();
    let mut section = "";
    for key in &KEYS {
        if key.section != section {
            text += &format!("[{}]\n", key.section);
            section = key.section;
        }
        if let Some(default) = key.default() {
            text += &format!("{} = {default}\n", key.name);
        }
    }
    assert_eq!(parse(&text).expect(&text), Config::default());
}

#[test]
fn the_keys_are_named_once_and_described() {
    let names: BTreeSet<String> = KEYS.iter().map(Key::full_name).collect();
    assert_eq!(names.len(), KEYS.len());
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("json");
    for key in &KEYS {
        assert!(key.doc.ends_with('.') && key.doc.is_ascii(), "{}", key.name);
        let section = if key.section.is_empty() { &schema } else { &schema["properties"][key.section] };
        assert_eq!(section["properties"][key.name]["description"], key.doc);
    }
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    let rows = [
        ("sokcet = \"/x\"", "d.toml:1:10: sokcet", "there is no such key"),
        ("\n[limits]\nidel = 1", "d.toml:3:8: limits.idel", "connections, connections_of_one"),
        ("listen = \"x\"", "d.toml:1:10: listen", "write tls.listen"),
        ("[policy]\nbind-ro = []", "policy.bind-ro", "write policy.bind_ro"),
        ("[nothing]\nx = 1", "nothing", "[tls], [limits], [jobs], [policy]"),
        ("tls = 3", "d.toml:1:7: tls", "there is no such key"),
        ("socket = \"run/x\"", "socket", "absolute path"),
        ("socket = \"/run/../x\"", "socket", "absolute path"),
        ("socket = 3", "socket", "no text"),
        ("metrics = \"0.0.0.0:9464\"", "d.toml:1:11: metrics", "nobody else than this host"),
        ("metrics = \"[::]:9464\"", "metrics", "127.0.0.1:PORT or [::1]:PORT"),
        ("metrics = \"192.0.2.1:9464\"", "metrics", "nobody else than this host"),
        ("metrics = \"[::ffff:127.0.0.1]:1\"", "metrics", "nobody else than this host"),
        ("metrics = \"127.0.0.1:0\"", "metrics", "port 0"),
        ("metrics = \"localhost:1\"", "metrics", "no address"),
        ("metrics = \"unix://run/x\"", "metrics", "not absolute"),
        ("metrics = 9464", "metrics", "no text"),
        ("log = \"xml\"", "log", "auto, text, json or journald"),
        ("[tls]\nlisten = \"7443\"", "tls.listen", "ADDRESS:PORT"),
        ("[limits]\nconnections = 0", "limits.connections", "1 to 1048576"),
        ("[limits]\nconnections = -1", "limits.connections", "1 to 1048576"),
        ("[limits]\nstreams = 0x10", "limits.streams", "1 to 100000"),
        ("[limits]\nrecheck = \"2min\"", "limits.recheck", "write 1s to 60s"),
        ("[limits]\nhandshake = \"fast\"", "limits.handshake", "write"),
        ("[policy]\nviewer_output = \"yes\"", "policy.viewer_output", "true or false"),
        ("[policy]\nbind_ro = \"/srv\"", "policy.bind_ro", "list of absolute paths"),
        ("[policy]\nbind_ro = [\"/srv\", \"x\"]", "d.toml:2:20: policy.bind_ro", "list of absolute paths"),
        ("[policy]\nprofiles = [\"none\"]", "policy.profiles", "strict, default, build or compat"),
        ("[policy]\nlog_max = \"12Q\"", "policy.log_max", "write bytes"),
        ("socket = \"/a\"\nsocket = \"/b\"", "d.toml:2:", "duplicate key"),
        ("[tls\n", "d.toml:1:", "TOML"),
    ];
    for (text, place, word) in rows {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(place) && error.contains(word), "{text}: {error}");
    }
}

#[test]
fn a_port_without_its_files_is_refused_by_name() {
    let config = parse("[tls]\nlisten = \"0.0.0.0:1\"\ncert = \"/c\"").expect("good");
    let error = config.remote().expect_err("no key").to_string();
    assert!(error.contains("tls.key") && error.contains("ironcell pki"), "{error}");
    assert!(config.check().is_err());
}

#[test]
fn the_metrics_have_a_place_of_their_own() {
    for (text, other) in [
        ("metrics = 'unix:///run/ironcell/ironcelld.sock'", "socket is there"),
        ("metrics = 'unix:///run//ironcell/./ironcelld.sock'", "socket is there"),
    ] {
        let error = parse(text).expect("good by itself").check().expect_err(text).to_string();
        assert!(error.contains("metrics") && error.contains(other), "{error}");
    }
    for text in ["", "metrics = '127.0.0.1:9464'", "metrics = '[::1]:9464'", "metrics = 'unix:///run/m.sock'"] {
        parse(text).expect("good").check().expect(text);
    }
}

#[test]
fn a_file_that_others_can_write_to_is_refused_and_one_that_is_not_there_is_the_default_only_if_unnamed() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::TempDir::new().expect("a directory");
    let path = dir.path().join("d.toml");
    let error = Config::load(Some(&path)).expect_err("not there").to_string();
    assert!(error.contains("d.toml") && error.contains("No such file"), "{error}");
    std::fs::write(&path, "log = \"json\"").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    assert_eq!(Config::load(Some(&path)).expect("good").log, LogFormat::Json);
    for mode in [0o664, 0o646] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        let error = Config::load(Some(&path)).expect_err("writable").to_string();
        assert!(error.contains(&format!("{mode:04o}")) && error.contains("chmod 644"), "{error}");
    }
}

#[test]
fn a_check_warns_of_what_others_can_make_links_in() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::TempDir::new().expect("a directory");
    let open = dir.path().join("open");
    std::fs::create_dir(&open).expect("made");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("set");
    std::os::unix::fs::symlink(&open, dir.path().join("link")).expect("linked");
    let mut config = Config::default();
    config.policy.bind_ro = vec![open.clone(), dir.path().join("link"), dir.path().join("none")];
    config.policy.bind_rw = vec![open];
    let warnings = config.check().expect("no obstacle");
    let texts: Vec<&str> = warnings.iter().map(|warning| warning.0.as_str()).collect();
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts[0].contains("make links") && texts[1].contains("symbolic link") && texts[2].contains("No such file"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]a-z_=\"0-9/. \n]{0,60}") {
        let _ = parse(&text);
    }
}
