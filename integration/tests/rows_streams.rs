//! What the systems that ironcell joins do with a job's output and input, row by row: each test is named by its row, and shows
//! what ironcell does about it.

use integration::embed::{logged, shell, with_supervisor, written_text};
use integration::inside::scratch;
use ironcell::life::{Exit, Retain, Stream};
use ironcell::spec::{JobSpec, JobSpecBuilder, Keep, LogFile, Stdio, StdioSet, Store, Window};
use ironcell::supervise::{Item, Job, LineItem, OutputFrom, OutputReader, Supervisor};
use std::fs;
use std::io::{BufRead, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

async fn start(supervisor: &Supervisor, script: &str) -> Job {
    supervisor.start(shell(script), logged()).await.expect("it starts")
}

fn script(line: &str) -> JobSpecBuilder {
    JobSpec::command("sh").args(["-c", line])
}

/// All that a reader is told: the bytes, how many gaps, and whether the end came last.
async fn hear(reader: &mut OutputReader) -> (Vec<u8>, usize, bool) {
    let (mut bytes, mut gaps, mut ended) = (Vec::new(), 0, false);
    while let Some(item) = reader.next().await {
        assert!(!ended, "{item:?} after the end");
        match item {
            Item::Chunk(chunk) => bytes.extend(chunk.bytes),
            Item::Gap { .. } => gaps += 1,
            Item::Ended(_) => ended = true,
        }
    }
    (bytes, gaps, ended)
}

#[test]
fn row_0_8_both_streams_are_in_one_log_file_in_the_order_in_which_they_came() {
    with_supervisor(|supervisor| async {
        let directory = scratch();
        let line = "for n in 1 2 3; do echo out $n; sleep 0.1; echo err $n >&2; sleep 0.1; done";
        let spec = script(line).name("build").log_file(LogFile::In(directory.path().into()));
        let job = supervisor.start(spec.build().expect("a spec"), logged()).await.expect("it starts");
        job.wait().await.expect("it ends");
        let path = directory.path().join(format!("build_{}.log", job.id().short()));
        let log = fs::read_to_string(&path).expect("a log file");
        assert_eq!(log, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        supervisor
    });
}

#[test]
fn row_0_9_a_slash_in_a_name_or_a_command_leads_nowhere() {
    with_supervisor(|supervisor| async {
        let directory = scratch();
        for (name, file) in [(Some("../a/b"), ".._a_b"), (None, "_bin_echo")] {
            let mut spec = JobSpec::command("/bin/echo").arg("here").log_file(LogFile::In(directory.path().into()));
            spec = name.into_iter().fold(spec, |spec, name| spec.name(name));
            let job = supervisor.start(spec.build().expect("a spec"), logged()).await.expect("it starts");
            job.wait().await.expect("it ends");
            let path = directory.path().join(format!("{file}_{}.log", job.id().short()));
            assert_eq!(fs::read(&path).expect("in the directory"), b"here\n");
        }
        supervisor
    });
}

#[test]
fn row_0_10_the_callers_own_path_is_written_on_at_its_end() {
    with_supervisor(|supervisor| async {
        let directory = scratch();
        let path = directory.path().join("jobs.log");
        for word in ["one", "two"] {
            let spec = JobSpec::command("echo").arg(word).log_file(LogFile::At(path.clone())).build().expect("a spec");
            supervisor.start(spec, logged()).await.expect("it starts").wait().await.expect("it ends");
        }
        assert_eq!(fs::read(&path).expect("a log file"), b"one\ntwo\n");
        supervisor
    });
}

#[test]
fn row_0_11_a_reader_of_the_standard_library_has_it_from_the_start() {
    with_supervisor(|supervisor| async {
        let job = start(&supervisor, "echo first; sleep 0.3; printf last").await;
        let reader = job.output(OutputFrom::Start).into_blocking();
        let lines = tokio::task::spawn_blocking(move || reader.lines().collect::<Result<Vec<_>, _>>());
        assert_eq!(lines.await.expect("no panic").expect("read"), ["first", "last"]);
        let mut all = String::new();
        let mut again = job.output(OutputFrom::Start).into_blocking();
        tokio::task::block_in_place(|| again.read_to_string(&mut all)).expect("read, also after the end");
        assert_eq!(all, "first\nlast");
        supervisor
    });
}

#[test]
fn row_0_12_a_follower_is_woken_by_every_write_and_ends_with_the_job() {
    with_supervisor(|supervisor| async {
        let job = start(&supervisor, "for n in 1 2 3; do echo $n; sleep 0.2; done").await;
        let mut reader = job.output(OutputFrom::Start);
        for n in 1..=3 {
            let Some(Item::Chunk(chunk)) = reader.next().await else { panic!("no {n}") };
            assert_eq!(chunk.bytes, format!("{n}\n").into_bytes(), "each by itself, so none was waited for");
        }
        assert!(matches!(reader.next().await, Some(Item::Ended(_))));
        assert!(reader.next().await.is_none(), "and nothing more");
        supervisor
    });
}

#[test]
fn row_0_13_finished_logs_are_kept_by_number() {
    with_supervisor(|supervisor| async {
        let directory = scratch();
        let supervisor = supervisor.spool_in(directory.path().join("spools")).expect("a directory");
        for n in 0..3 {
            let store = Store::Spool { max: 1 << 20, keep: Keep::Always };
            let job = supervisor.start(script(&format!("echo {n}")).store(store).build().expect("a spec"), logged());
            job.await.expect("it starts").wait().await.expect("it ends");
        }
        let kept = || fs::read_dir(directory.path().join("spools")).expect("listed").count();
        assert_eq!(kept(), 3);
        // One that is a second old may be in the making; and the jobs are listed still, and hold theirs.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        supervisor.jobs_of(Default::default()).purge(&Default::default());
        let retain = Retain { count: Some(1), ..Retain::default() };
        tokio::task::block_in_place(|| supervisor.purge_spools(&retain)).expect("purged");
        assert_eq!(kept(), 1);
        supervisor
    });
}

#[test]
fn row_4_6_what_a_ring_gives_up_is_told_to_the_byte() {
    with_supervisor(|supervisor| async {
        let spec = script("head -c 1000000 /dev/zero").log_max(64 << 10).build().expect("a spec");
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        job.wait().await.expect("it ends");
        let mut reader = job.output(OutputFrom::Start);
        let Some(Item::Gap { from: 0, to }) = reader.next().await else { panic!("no gap") };
        let (bytes, gaps, ended) = hear(&mut reader).await;
        assert_eq!((to + bytes.len() as u64, gaps, ended), (1_000_000, 0, true));
        supervisor
    });
}

#[test]
fn row_4_7_and_4_9_every_reader_has_the_backlog_and_what_comes() {
    with_supervisor(|supervisor| async {
        let job = start(&supervisor, "echo backlog; sleep 0.5; echo live").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let all: Vec<OutputReader> = (0..3).map(|_| job.output(OutputFrom::Start)).collect();
        for mut reader in all {
            assert_eq!(hear(&mut reader).await, (b"backlog\nlive\n".to_vec(), 0, true));
        }
        supervisor
    });
}

#[test]
fn row_4_10_and_4_11_a_look_takes_nothing_and_an_ended_job_is_read_as_any() {
    with_supervisor(|supervisor| async {
        let job = start(&supervisor, "echo seen; exit 3").await;
        job.wait().await.expect("it ends");
        for _ in 0..2 {
            assert_eq!(job.output(OutputFrom::Start).snapshot().bytes(), b"seen\n");
        }
        assert_eq!(written_text(&job).await, "seen\n");
        supervisor
    });
}

#[test]
fn row_4_12_each_stream_can_be_read_alone() {
    with_supervisor(|supervisor| async {
        let job = start(&supervisor, "echo out; echo err >&2").await;
        for (stream, line) in [(Stream::Stdout, "out\n"), (Stream::Stderr, "err\n")] {
            let (bytes, ..) = hear(&mut job.output(OutputFrom::Start).only(stream)).await;
            assert_eq!(bytes, line.as_bytes());
        }
        supervisor
    });
}

#[test]
fn row_4_13_a_piece_is_never_larger_than_64_kib() {
    with_supervisor(|supervisor| async {
        let mut reader = start(&supervisor, "head -c 3000000 /dev/zero").await.output(OutputFrom::Start);
        while let Some(item) = reader.next().await {
            assert!(!matches!(item, Item::Chunk(chunk) if chunk.bytes.len() > 64 << 10));
        }
        supervisor
    });
}

#[test]
fn row_4_14_no_tail_is_lost_and_the_end_comes_last_with_the_exit() {
    with_supervisor(|supervisor| async {
        for round in 0..30 {
            let job = start(&supervisor, &format!("seq 1 500; printf tail; exit {round}")).await;
            let mut reader = job.output(OutputFrom::Start);
            let mut bytes = Vec::new();
            let end = loop {
                match reader.next().await.expect("an end") {
                    Item::Chunk(chunk) => bytes.extend(chunk.bytes),
                    Item::Gap { from, to } => panic!("{from} to {to}"),
                    Item::Ended(end) => break end,
                }
            };
            assert!(bytes.ends_with(b"500\ntail"), "{round}: {:?}", bytes.last_chunk::<8>());
            assert_eq!(end.outcome.exit, Exit::Code { code: round });
        }
        supervisor
    });
}

#[test]
fn row_4_15_a_reader_that_stops_costs_a_gap_and_no_memory() {
    with_supervisor(|supervisor| async {
        let memory = || {
            let status = fs::read_to_string("/proc/self/status").expect("our own");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
            line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
        };
        let spec = script("echo first; head -c 100000000 /dev/zero").log_max(64 << 10).build().expect("a spec");
        let before = memory();
        let job = supervisor.start(spec, logged()).await.expect("it starts");
        let mut stopped = job.output(OutputFrom::Start);
        job.wait().await.expect("it is not waited for");
        assert!(memory() < before + (16 << 10), "{before} KiB before, {} KiB after 100 MB", memory());
        assert_eq!(hear(&mut stopped).await.1, 1, "one gap");
        supervisor
    });
}

#[test]
fn row_4_16_a_write_to_a_job_that_does_not_read_holds_up_nothing_and_a_closed_input_is_an_error() {
    with_supervisor(|supervisor| async {
        let stdio = StdioSet { stdin: Stdio::Pipe, ..logged() };
        let job = supervisor.start(shell("read line; echo $line; exec sleep 1000"), stdio).await.expect("it starts");
        let stdin = job.stdin().expect("a pipe").clone();
        // In parts, and it stays open.
        stdin.write_all(b"one ").await.expect("written");
        stdin.write_all(b"line\n").await.expect("written");
        let mut reader = job.output(OutputFrom::Start);
        assert!(matches!(reader.next().await, Some(Item::Chunk(chunk)) if chunk.bytes == b"one line\n"));
        let writing = tokio::spawn(async move { stdin.write_all(&vec![0; 1 << 20]).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        job.kill_and_wait(ironcell::life::Stopper::Caller).await.expect("it ends");
        assert!(asked.elapsed() < Duration::from_secs(60), "it was held up by the write");
        assert_eq!(writing.await.expect("no panic").expect_err("ended").kind(), ErrorKind::BrokenPipe);
        assert_eq!(job.stdin().expect("a pipe").write(b"x").await.expect_err("closed").kind(), ErrorKind::BrokenPipe);
        supervisor
    });
}

#[test]
fn row_4_22_a_prompt_without_a_newline_is_seen_at_once_and_none_is_invented() {
    with_supervisor(|supervisor| async {
        let stdio = StdioSet { stdin: Stdio::Pipe, ..logged() };
        let job =
            supervisor.start(shell("printf 'name? '; read name; printf \"$name\""), stdio).await.expect("it starts");
        let mut reader = job.output(OutputFrom::Start);
        assert!(matches!(reader.next().await, Some(Item::Chunk(chunk)) if chunk.bytes == b"name? "));
        job.stdin().expect("a pipe").write_all(b"x\n").await.expect("written");
        assert_eq!(written_text(&job).await, "name? x");
        let mut lines = job.output(OutputFrom::Start).into_lines();
        let Some(LineItem::Line(line)) = lines.next_line().await else { panic!("no line") };
        assert_eq!((line.bytes.as_slice(), line.complete), (&b"name? x"[..], false));
        supervisor
    });
}

#[test]
fn row_4_25_and_4_26_a_terminal_has_a_size_an_interrupt_and_an_end() {
    with_supervisor(|supervisor| async {
        let spec = script("stty size; echo ready; exec sleep 1000").terminal(Window { rows: 20, columns: 30 });
        let job = supervisor.start(spec.build().expect("a spec"), StdioSet::default()).await.expect("it starts");
        let mut reader = job.output(OutputFrom::Start);
        let mut seen = Vec::new();
        while !seen.ends_with(b"ready\r\n") {
            let Some(Item::Chunk(chunk)) = reader.next().await else { panic!("{seen:?}") };
            seen.extend(chunk.bytes);
        }
        assert!(seen.starts_with(b"20 30\r\n"), "{seen:?}");
        let terminal = job.terminal().expect("it has one");
        terminal.resize(Window::default()).expect("resized");
        terminal.interrupt().await.expect("typed");
        assert_eq!(job.wait().await.expect("it ends").exit, Exit::Signal { signal: 2, core: false });
        assert!(matches!(job.output(OutputFrom::TailBytes(0)).next().await, Some(Item::Ended(_))));
        supervisor
    });
}
