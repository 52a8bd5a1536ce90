//! The same end in every form: `--meta` as isolate writes it, `--events` line by line as it happens, the footer in at most
//! five lines, in colour on a terminal that wants it.

use integration::inside::{Running, text};
use integration::limits::{cpu_seconds, number};
use integration::support::{Ran, finish, ironcell, ironcell_path, report, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// A run with a meta-file, and its lines.
fn meta(args: &[&str]) -> (Ran, BTreeMap<String, String>) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("meta");
    let ran = run(&[&["--meta", text(&path)][..], args].concat());
    let text = fs::read_to_string(&path).expect("a meta-file");
    let pair = |line: &str| line.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let lines: BTreeMap<String, String> = text.lines().map(|line| pair(line).expect("key:value")).collect();
    assert_eq!(lines.len(), text.lines().count(), "no key twice: {text}");
    (ran, lines)
}

/// Keys that isolate(1) documents.
const KEYS: [&str; 12] = [
    "cg-mem",
    "cg-oom-killed",
    "csw-forced",
    "csw-voluntary",
    "exitcode",
    "exitsig",
    "killed",
    "max-rss",
    "message",
    "status",
    "time",
    "time-wall",
];

/// Arguments, the exit code, and the lines of the meta-file that say how it ended.
type Ending = (&'static [&'static str], i32, &'static [(&'static str, &'static str)]);

const ENDINGS: [Ending; 6] = [
    (&["--", "true"], 0, &[("exitcode", "0")]),
    (
        &["--", "sh", "-c", "exit 3"],
        3,
        &[("exitcode", "3"), ("message", "Exited with error status 3"), ("status", "RE")],
    ),
    (
        &["--", "sh", "-c", "kill -11 $$"],
        139,
        &[("exitsig", "11"), ("message", "Caught fatal signal 11"), ("status", "SG")],
    ),
    (
        &["--time", "200ms", "--", "sleep", "9"],
        124,
        &[("killed", "1"), ("message", "Time limit exceeded (wall clock)"), ("status", "TO")],
    ),
    (
        &["--cpu-time", "200ms", "--", "sh", "-c", "while :; do :; done"],
        124,
        &[("killed", "1"), ("message", "Time limit exceeded"), ("status", "TO")],
    ),
    (
        &["--memory", "16M", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=64M"],
        137,
        &[("cg-oom-killed", "1"), ("exitsig", "9"), ("message", "Caught fatal signal 9"), ("status", "SG")],
    ),
];

/// Keys that are numbers of what was used, and say nothing of how it ended.
const NUMBERS: [&str; 6] = ["cg-mem", "csw-forced", "csw-voluntary", "max-rss", "time", "time-wall"];

#[test]
fn a_meta_file_says_what_isolate_would_say() {
    for (args, code, expected) in ENDINGS {
        let (ran, lines) = meta(args);
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(lines.keys().all(|key| KEYS.contains(&key.as_str())), "{lines:?}");
        let said: Vec<(&str, &str)> = lines
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| !NUMBERS.contains(key))
            .collect();
        assert_eq!(said, expected, "{args:?}");
        for key in ["time", "time-wall"] {
            let (_, fraction) = lines[key].split_once('.').expect("a fraction");
            assert!(fraction.len() == 3 && lines[key].parse::<f64>().is_ok(), "{lines:?}");
        }
        assert!(lines["cg-mem"].parse::<u64>().expect("a number") > 0, "{lines:?}");
    }
    for (args, code) in [(["--", "/no/such/program"].as_slice(), 127), (&["--memory", "12Q", "--", "true"], 125)] {
        let (ran, lines) = meta(args);
        assert_eq!((ran.code, lines["status"].as_str(), lines.len()), (code, "XX", 2), "{lines:?}");
    }
}

#[test]
fn the_numbers_of_the_meta_file_are_those_of_the_report() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("meta");
    let (_, told) =
        report(&["--meta", text(&path), "--", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]);
    let lines = fs::read_to_string(&path).expect("a meta-file");
    let value = |key: &str| -> f64 {
        let line = lines.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{key} in {lines}")).parse().expect("a number")
    };
    assert!((value("time") - cpu_seconds(&told)).abs() < 0.0011, "{lines}");
    assert!((value("time-wall") - number(&told, "/usage/wall")).abs() < 0.0011, "{lines}");
    for (key, pointer) in [("max-rss", "/usage/max_rss"), ("cg-mem", "/usage/memory_peak")] {
        assert_eq!(value(key), (number(&told, pointer) / 1024.0).floor(), "{key}");
    }
    assert_eq!(value("csw-voluntary"), number(&told, "/usage/switches_voluntary"));
    assert!(value("max-rss") > 500.0, "a shell has more than half a mebibyte: {lines}");
}

#[test]
fn events_are_told_when_they_happen_and_the_end_is_the_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("events");
    let cell =
        Running::cell(&["--grace", "200ms", "--events", text(&path)], "trap '' TERM; echo ready; sleep 1000; sleep 9");
    let read = || -> Vec<Value> {
        let text = fs::read_to_string(&path).expect("events");
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    };
    let until = Instant::now() + Duration::from_secs(5);
    while read().len() < 2 {
        assert!(Instant::now() < until, "nothing is told while it runs");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(read().iter().map(|line| &line["event"]).collect::<Vec<_>>(), ["created", "started"]);
    Running::signal(cell.pid(), libc::SIGTERM);
    assert_eq!(cell.wait().code, 137);
    let lines = read();
    let told: Vec<(&str, &str)> = lines
        .iter()
        .map(|line| (line["event"].as_str().expect("a word"), line["how"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(told, [("created", ""), ("started", ""), ("stopping", "soft"), ("stopping", "hard"), ("ended", "")]);
    let times: Vec<f64> = lines.iter().map(|line| line["at"].as_f64().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    let last = lines.last().expect("an end");
    assert_eq!(
        (&last["cause"], &last["cause_detail"]["by"]["signal"], &last["exit_code"]),
        (&"stopped".into(), &15.into(), &137.into())
    );
    assert!(lines.iter().all(|line| line["id"] == last["id"] && line["time"].is_string()), "{lines:#?}");
}

#[test]
fn an_event_of_memory_is_told_and_a_job_that_never_began_has_its_end() {
    let ran = run(&["--events", "-", "--memory", "16M", "--", "dd", "if=/dev/zero", "of=/dev/null", "bs=64M"]);
    let words: Vec<bool> =
        ["created", "started", "oom", "ended"].map(|word| ran.out.contains(&format!("\"event\":\"{word}\""))).into();
    assert_eq!(words, [true; 4], "{}", ran.out);
    let ran = run(&["--events", "-", "--", "/no/such/program"]);
    assert!(ran.out.lines().count() == 1 && ran.out.contains("\"cause\":\"start_failed\""), "{}", ran.out);
}

#[test]
fn what_cannot_be_written_stops_the_job_or_is_told() {
    for flag in ["--meta", "--events", "--report"] {
        let ran = run(&[flag, "/no/such/directory/file", "--", "touch", "/tmp/x"]);
        assert!(ran.code == 125 && ran.err.starts_with(&format!("ironcell: failed to open {flag} ")), "{ran:?}");
        let ran = run(&[flag, "/dev/full", "--", "true"]);
        assert!(ran.code == 125 && ran.err.starts_with(&format!("ironcell: failed to write {flag}: ")), "{ran:?}");
        assert_eq!(run(&[flag, "/dev/full", "--", "sh", "-c", "exit 3"]).code, 3);
    }
}

/// What a terminal shows of a run whose standard error it is.
fn on_a_terminal(variables: &[(&str, &str)], args: &str) -> String {
    let line = format!("{} run {args}", ironcell_path().display());
    let mut command = Command::new("script");
    command
        .args(["-q", "-e", "-c", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(std::process::Stdio::null());
    command.envs(variables.iter().copied());
    finish(command).out
}

#[test]
fn colour_is_for_a_terminal_that_wants_it() {
    let painted = "\u{1b}[1;31mironcell:\u{1b}[0m killed: SIGSEGV";
    let args = "-- sh -c 'kill -11 $$'";
    assert!(on_a_terminal(&[], args).contains(painted));
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_a_terminal(&[variable], args);
        assert!(shown.contains("ironcell: killed: SIGSEGV") && !shown.contains('\u{1b}'), "{shown:?}");
    }
    let ran = finish(ironcell(&["run", "--", "sh", "-c", "kill -11 $$"]));
    assert!(ran.err.starts_with("ironcell: killed: SIGSEGV"), "{ran:?}");
}

#[test]
fn the_last_words_are_reported_where_they_went_through_ironcell() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("report");
    let args = format!("--report {} -- sh -c 'seq 5000 >&2; echo last words >&2; exit 4'", path.display());
    let shown = on_a_terminal(&[], &args);
    let told: Value = serde_json::from_slice(&fs::read(&path).expect("a report")).expect("JSON");
    let tail = told["evidence"]["stderr_tail"].as_str().expect("known");
    assert!(tail.len() == 4096 && tail.ends_with("5000\nlast words\n"), "{tail:?}");
    assert!(shown.contains("last words"), "it was shown as well");
    let (_, told) = report(&["--", "sh", "-c", "echo last words >&2; exit 4"]);
    assert_eq!(told["evidence"]["stderr_tail"], Value::Null, "a pipe's bytes are not read");
}

#[test]
fn a_footer_has_at_most_five_lines_and_none_when_quiet() {
    let flags = ["--time", "1", "--pids", "6", "--memory-high", "8M", "--"];
    let script = "trap 'exit 0' TERM; for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; \
                  dd if=/dev/zero of=/dev/null bs=12M count=1 2>&-; sleep 1000 & wait";
    let job = ["sh", "-c", script];
    let ours = |ran: &Ran| ran.err.lines().filter(|line| line.starts_with("ironcell: ")).count();
    assert!((1..=5).contains(&ours(&run(&[&flags[..], &job].concat()))));
    assert_eq!(ours(&run(&[&["-q"][..], &flags, &job].concat())), 0);
}
