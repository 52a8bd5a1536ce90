//! A job with a terminal of its own: it is the job's in every way, it is nobody else's, and nothing that was written to it is
//! lost at the end.

use integration::embed::{with_threads, written_text};
use integration::support::rounds;
use ironcell::life::{Exit, Stopper};
use ironcell::spec::{JobSpec, JobSpecBuilder, Stdio, StdioSet, Window};
use ironcell::supervise::{Item, Job, OutputFrom, OutputReader, Supervisor};
use std::time::Duration;
use tokio::time::timeout;

/// A line of shell on a terminal of 30 by 100.
fn on_terminal(script: &str) -> JobSpecBuilder {
    JobSpec::command("sh").args(["-c", script]).terminal(Window { rows: 30, columns: 100 })
}

async fn start(supervisor: &Supervisor, script: &str) -> Job {
    let spec = on_terminal(script).build().expect("a spec");
    supervisor.start(spec, StdioSet::default()).await.expect("it starts")
}

/// Reads until it has seen this.
async fn seen(reader: &mut OutputReader, what: &str) {
    let mut all = String::new();
    while !all.contains(what) {
        match timeout(Duration::from_secs(30), reader.next()).await {
            Ok(Some(Item::Chunk(chunk))) => all.push_str(&String::from_utf8_lossy(&chunk.bytes)),
            other => panic!("{what:?} is not in {all:?}, and then {other:?}"),
        }
    }
}

#[test]
fn it_is_the_jobs_input_output_error_and_controlling_terminal() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo three; echo controlling > /dev/tty; \
                      echo again > /dev/stdout; stat -c '%U %a' $(tty); ls /dev/pts; ps -o tty= -p $$";
        let job = start(&supervisor, script).await;
        let expected = "/dev/pts/0\r\n30 100\r\nthree\r\ncontrolling\r\nagain\r\njob 620\r\n0  ptmx\r\npts/0\r\n";
        assert_eq!(written_text(&job).await, expected);
        assert_eq!(job.wait().await.expect("an end").exit, Exit::Code { code: 0 });
        supervisor.close();
    });
}

#[test]
fn what_is_typed_is_echoed_read_line_by_line_and_ended_by_its_key() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = start(&supervisor, "echo ready; cat; echo end").await;
        let mut reader = job.output(OutputFrom::Start);
        seen(&mut reader, "ready\r\n").await;
        let terminal = job.terminal().expect("it has one");
        terminal.write_all(b"abc\n").await.expect("typed");
        seen(&mut reader, "abc\r\nabc\r\n").await;
        terminal.write_all(b"\x04").await.expect("typed");
        assert_eq!(job.wait().await.expect("an end").exit, Exit::Code { code: 0 });
        assert_eq!(written_text(&job).await, "ready\r\nabc\r\nabc\r\nend\r\n");
        let error = terminal.write(b"x").await.expect_err("it is gone");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        terminal.resize(Window::default()).expect("of an ended job nothing is changed");
        supervisor.close();
    });
}

#[test]
fn an_interrupt_is_typed_as_the_key_that_the_job_has_set() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for (own, key) in [("", "^C"), ("stty intr ^G; ", "^G")] {
            let job = start(&supervisor, &format!("{own}echo ready; exec sleep 100")).await;
            seen(&mut job.output(OutputFrom::Start), "ready\r\n").await;
            job.terminal().expect("it has one").interrupt().await.expect("typed");
            assert_eq!(job.wait().await.expect("an end").exit, Exit::Signal { signal: 2, core: false });
            assert_eq!(written_text(&job).await, format!("ready\r\n{key}"));
        }
        supervisor.close();
    });
}

#[test]
fn a_change_of_its_size_is_told_to_the_job() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done";
        let job = start(&supervisor, script).await;
        let mut reader = job.output(OutputFrom::Start);
        seen(&mut reader, "ready\r\n").await;
        job.terminal().expect("it has one").resize(Window { rows: 7, columns: 11 }).expect("resized");
        seen(&mut reader, "7 11\r\n").await;
        assert_eq!(job.wait().await.expect("an end").exit, Exit::Code { code: 3 });
        supervisor.close();
    });
}

#[test]
fn everything_that_was_written_to_it_is_in_the_log_however_soon_the_job_ends() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let numbers: String = (1..=20_000).map(|number| format!("{number}\r\n")).collect();
        assert_eq!(written_text(&start(&supervisor, "seq 1 20000").await).await, numbers);
        for round in 0..rounds(20) {
            let job = start(&supervisor, &format!("echo {round}; exit {}", round % 200)).await;
            assert_eq!(written_text(&job).await, format!("{round}\r\n"));
            assert_eq!(job.wait().await.expect("an end").exit, Exit::Code { code: (round % 200) as u8 });
        }
        supervisor.close();
    });
}

#[test]
fn between_two_that_hold_it_nobody_may_and_it_is_not_at_its_end() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "exec 3>/dev/null <&- >&- 2>&-; sleep 0.3; exec >/dev/tty; echo here";
        let job = start(&supervisor, script).await;
        assert_eq!(written_text(&job).await, "here\r\n");
        supervisor.close();
    });
}

#[test]
fn a_child_that_holds_it_does_not_hold_up_the_end() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let script = "setsid sh -c 'touch /tmp/up; sleep 1000' & until test -e /tmp/up; do sleep 0.01; done; echo gone";
        let job = start(&supervisor, script).await;
        let outcome = job.wait().await.expect("an end");
        assert_eq!(written_text(&job).await, "gone\r\n");
        assert!(outcome.leftovers.as_ref().is_some_and(|left| left.count > 0), "it was there: {outcome:?}");
        supervisor.close();
    });
}

#[test]
fn a_job_that_does_not_read_it_can_be_stopped_while_somebody_types() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = start(&supervisor, "stty raw -echo; echo ready; exec sleep 1000").await;
        seen(&mut job.output(OutputFrom::Start), "ready").await;
        let terminal = job.terminal().expect("it has one").clone();
        let typing = tokio::spawn(async move { terminal.write_all(&vec![b'x'; 1 << 20]).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!typing.is_finished(), "nobody takes a mebibyte");
        job.kill(Stopper::Caller);
        job.wait().await.expect("an end");
        let error = typing.await.expect("no panic").expect_err("nobody took it");
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        supervisor.close();
    });
}

#[test]
fn a_terminal_and_something_else_for_a_stream_is_refused() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let spec = on_terminal("true").build().expect("a spec");
        let stdio = StdioSet { stdout: Stdio::Log, ..StdioSet::default() };
        let error = supervisor.start(spec, stdio).await.expect_err("two outputs");
        assert!(error.to_string().contains("beside the job's terminal"), "{error}");
        supervisor.close();
    });
}
