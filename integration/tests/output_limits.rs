//! A job that may write so much and no more: it is stopped beyond that, what it wrote up to there arrives whole, and the way
//! through ironcell is to both sides as the direct one.

use integration::embed::with_threads;
use integration::limits::count;
use integration::support::{Host, Ran, collect, finish, ironcell, report, run};
use ironcell::life::{Cause, Exit};
use ironcell::spec::{JobSpec, Overflow, Stdio, StdioSet};
use ironcell::supervise::{Item, OutputSink, Supervisor};
use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio as Piped};
use std::thread;
use std::time::{Duration, Instant};

/// Far more than any job of these tests writes.
const NEVER: &str = "1T";

#[test]
fn one_byte_more_than_the_limit_is_too_much_and_the_limit_itself_is_not() {
    for (script, limit, written, over) in [
        ("head -c 1000 /dev/zero", "1000", 1000, false),
        ("head -c 1001 /dev/zero", "1000", 1001, true),
        ("head -c 600 /dev/zero; head -c 400 /dev/zero >&2", "1000", 1000, false),
        ("head -c 600 /dev/zero; head -c 401 /dev/zero >&2", "1000", 1001, true),
        ("head -c 1001 /dev/zero >&2; exit 3", "1000", 1001, true),
        ("exit 0", "0", 0, false),
        ("printf x; exec sleep 1000", "0", 1, true),
        ("(sleep 0.2; head -c 1001 /dev/zero) & wait", "1000", 1001, true),
    ] {
        let (ran, told) = report(&["--output-limit", limit, "--", "sh", "-c", script]);
        let limit: u64 = limit.parse().expect("a number");
        if !over {
            assert_eq!((ran.code, told["cause"].as_str()), (0, Some("itself")), "{script}: {told:#}");
            assert_eq!((&told["evidence"]["limit"], ran.err.trim_matches('\0')), (&serde_json::Value::Null, ""));
            continue;
        }
        assert_eq!((ran.code, told["cause"].as_str()), (124, Some("output_limit")), "{script}: {told:#}");
        assert_eq!(told["cause_detail"]["limit"], limit);
        let hit = serde_json::json!({"name": "output", "value": limit, "peak": written});
        assert_eq!(told["evidence"]["limit"], hit, "{script}");
        let zeros = |text: &str| text.bytes().filter(|byte| *byte == 0).count() as u64;
        assert_eq!(zeros(&ran.out) + zeros(&ran.err), limit, "{script}: what it may write arrives whole");
        let footer = format!(
            "stopped: it wrote more than --output-limit {limit} ({written} byte{} written); ",
            if written == 1 { "" } else { "s" }
        );
        // What it has left behind is told below it.
        let told = ran.err.lines().find_map(|line| line.split_once(&footer));
        assert!(told.is_some_and(|(_, rest)| rest.ends_with("; raise --output-limit")), "{}", ran.err);
    }
}

#[test]
fn the_stop_is_soft_first_and_hard_when_its_grace_is_over() {
    let (ran, told) = report(&["--output-limit", "64K", "--", "yes"]);
    assert_eq!((ran.code, told["cause"].as_str()), (124, Some("output_limit")), "{told:#}");
    assert_eq!((told["cause_detail"]["how"].as_str(), told["exit"]["signal"].as_i64()), (Some("soft"), Some(15)));
    assert_eq!(ran.out, "y\n".repeat(32 * 1024));
    let deaf = "trap '' TERM; while :; do echo y; done";
    let flags = ["--output-limit", "64K", "--grace", "300ms", "--", "sh", "-c", deaf];
    let (ran, told) = report(&flags);
    assert_eq!((ran.code, told["cause"].as_str()), (124, Some("output_limit")), "{told:#}");
    assert_eq!((told["cause_detail"]["how"].as_str(), told["exit"]["signal"].as_i64()), (Some("hard"), Some(9)));
    assert_eq!(ran.out, "y\n".repeat(32 * 1024), "what it writes in its grace is beyond");
    assert!(count(&told, "/evidence/limit/peak") > 64 << 10, "{told:#}");
    // Its own code, for who asks for that; and in the form of isolate.
    let ran = run(&["--output-limit", "64K", "--preserve-status", "--meta", "-", "-q", "--", "yes"]);
    assert_eq!(ran.code, 128 + 15);
    let meta = ran.out.rsplit_once("y\n").expect("after the output").1;
    assert!(meta.contains("killed:1\nexitsig:25\nstatus:SG\nmessage:Output limit exceeded\n"), "{meta}");
}

#[test]
fn what_goes_through_ironcell_arrives_as_what_goes_directly() {
    let script = "head -c 10000000 /dev/urandom | tee /tmp/x | sha256sum >&2; cat /tmp/x; rm /tmp/x";
    for flags in [&[][..], &["--output-limit", NEVER]] {
        let mut command = ironcell(&["run"]);
        command.args(flags).args(["--tmpfs", "/tmp", "--", "sh", "-c", script]);
        let mut child = command.stdout(Piped::piped()).stderr(Piped::piped()).spawn().expect("it starts");
        let sum = Command::new("sha256sum").stdin(child.stdout.take().expect("piped")).output().expect("it runs");
        let ran = collect(child, Instant::now());
        assert_eq!((ran.code, ran.err), (0, String::from_utf8_lossy(&sum.stdout).into_owned()), "{flags:?}");
    }
    // Two streams into one pipe keep their order, where the job waits between them.
    let script = "for i in 1 2 3 4 5; do echo out $i; sleep 0.02; echo err $i >&2; sleep 0.02; done";
    let all: String = (1..=5).map(|i| format!("out {i}\nerr {i}\n")).collect();
    let own = format!("exec {} run --output-limit {NEVER} -- sh -c '{script}' 2>&1", ironcell_text());
    let mut both = Command::new("sh");
    both.args(["-c", &own]);
    let ran = finish(both);
    assert_eq!((ran.code, ran.out), (0, all));
}

/// The program's path as text.
fn ironcell_text() -> String {
    integration::support::ironcell_path().to_str().expect("a path of ours is text").to_owned()
}

/// Begins a run whose standard output nobody reads yet.
fn unread(args: &[&str]) -> (Child, impl Read + Send + use<>) {
    let mut command = ironcell(&["run"]);
    let mut child = command.args(args).stdout(Piped::piped()).stderr(Piped::piped()).spawn().expect("it starts");
    let out = child.stdout.take().expect("piped");
    (child, out)
}

/// Its end, with nothing left behind.
fn ended(child: Child, before: &Host) -> Ran {
    let ran = collect(child, Instant::now());
    before.assert_nothing_left();
    ran
}

#[test]
fn a_caller_that_does_not_read_holds_up_the_writing_and_neither_a_limit_nor_a_signal() {
    let before = Host::now();
    let lost = "the last of the job's output was not handed on: nobody took it for 2s";
    let (child, out) = unread(&["--output-limit", NEVER, "--time", "500ms", "--", "yes"]);
    let ran = ended(child, &before);
    assert_eq!(ran.code, 124);
    assert!(ran.err.contains(lost) && ran.err.contains("timed out: --time 500ms is over"), "{}", ran.err);
    drop(out);
    let (child, out) = unread(&["--output-limit", NEVER, "--", "yes"]);
    thread::sleep(Duration::from_millis(500));
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let ran = ended(child, &before);
    assert_eq!(ran.code, 128 + 15);
    assert!(ran.err.contains(lost) && ran.err.contains("stopped: by SIGTERM"), "{}", ran.err);
    drop(out);
}

#[test]
fn a_caller_that_reads_late_gets_everything_of_a_job_that_has_ended_by_itself() {
    let before = Host::now();
    let (child, mut out) = unread(&["--output-limit", NEVER, "--", "head", "-c", "300000", "/dev/zero"]);
    // Longer than a caller of a stopped job is waited for.
    thread::sleep(Duration::from_secs(3));
    let mut all = Vec::new();
    out.read_to_end(&mut all).expect("it is a pipe");
    let ran = ended(child, &before);
    assert_eq!((ran.code, all.len(), ran.err.as_str()), (0, 300_000, ""));
    // And who wants no more can say so.
    let (child, out) = unread(&["--output-limit", NEVER, "--", "head", "-c", "300000", "/dev/zero"]);
    thread::sleep(Duration::from_secs(1));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
    let ran = ended(child, &before);
    assert!(ran.code == 0 && ran.err.contains("the last of the job's output was not handed on"), "{ran:?}");
    drop(out);
}

#[test]
fn a_caller_that_leaves_ends_the_job_by_sigpipe_as_it_would_directly() {
    for flags in [&[][..], &["--output-limit", NEVER]] {
        let before = Host::now();
        let (child, mut out) = unread(&[flags, &["--", "yes"]].concat());
        let mut first = [0; 2];
        out.read_exact(&mut first).expect("it writes");
        drop(out);
        let ran = ended(child, &before);
        assert_eq!((ran.code, &first), (128 + 13, b"y\n"), "{flags:?}: {}", ran.err);
    }
    // A full disk is told: the job itself sees but a broken pipe.
    let mut command = ironcell(&["run", "--output-limit", NEVER, "--", "yes"]);
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let child = command.stdout(full).stderr(Piped::piped()).spawn().expect("it starts");
    let ran = collect(child, Instant::now());
    assert_eq!(ran.code, 128 + 13);
    assert!(ran.err.contains("failed to hand on the job's output to standard output: No space left"), "{}", ran.err);
}

/// Takes everything; how much it was, and why the job ended.
async fn taken(sink: &mut OutputSink) -> (u64, Cause) {
    let mut bytes = 0;
    loop {
        match sink.next().await.expect("the end is told") {
            Item::Chunk(chunk) => bytes += chunk.bytes.len() as u64,
            Item::Ended(ended) => return (bytes, ended.outcome.cause),
            Item::Gap { from, to } => panic!("a gap from {from} to {to}"),
        }
    }
}

#[test]
fn a_program_may_have_its_job_wait_for_one_reader_and_limit_what_it_writes() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let logged = || StdioSet { stdout: Stdio::Log, stderr: Stdio::Log, ..StdioSet::default() };
        let least = |script| JobSpec::command("sh").args(["-c", script]).log_max(64 << 10).overflow(Overflow::Block);
        // Nobody takes anything: its time is over all the same, and what was in its pipes is kept.
        let spec = least("exec yes").time(Duration::from_millis(300)).build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert!(matches!(outcome.cause, Cause::WallTime { .. }), "{outcome:?}");
        let mut sink = job.sink().expect("nobody has taken it");
        assert!(job.sink().is_none(), "there is one");
        let (bytes, _) = taken(&mut sink).await;
        assert!((128 << 10..2 << 20).contains(&bytes), "{bytes}");
        // A slow one gets every byte, and the one that leaves holds nothing up.
        let spec = least("head -c 20000000 /dev/zero").build().expect("a spec");
        let job = supervisor.start(spec.clone(), logged()).await.expect("it starts");
        let mut sink = job.sink().expect("nobody has taken it");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(job.try_wait().is_none(), "it waits for its sink");
        assert_eq!(taken(&mut sink).await, (20_000_000, Cause::Itself));
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        drop(job.sink());
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Code { code: 0 });
        // The limit needs no sink.
        let spec = JobSpec::command("yes").output_limit(100_000).build().expect("a spec");
        let job = supervisor.start(spec.clone(), logged()).await.expect("it starts");
        let outcome = job.wait().await.expect("it ends");
        assert!(matches!(outcome.cause, Cause::OutputLimit { limit: 100_000, .. }), "{outcome:?}");
        assert!(job.sink().is_none(), "nobody was to be waited for");
        // What cannot be counted is refused.
        let stderr = Stdio::Fd(File::open("/dev/null").expect("it is there").into());
        let direct = StdioSet { stdout: Stdio::Log, stderr, ..StdioSet::default() };
        let error = supervisor.start(spec, direct).await.expect_err("refused").to_string();
        assert!(error.contains("--output-limit 100000 cannot be enforced: standard error"), "{error}");
        supervisor.close();
    });
}
