//! What an owner writes to a job's standard input: byte for byte, until he ends it, and never in the way of a stop.

use integration::embed::{shell, with_threads, written};
use ironcell::life::{Exit, Stopper};
use ironcell::spec::{Stdio, StdioSet};
use ironcell::supervise::{Job, Supervisor};
use std::io::ErrorKind;
use std::time::Duration;

/// More than a pipe holds.
const MEBIBYTE: usize = 1 << 20;

async fn start(supervisor: &Supervisor, script: &str, stdin: Stdio) -> Job {
    let stdio = StdioSet { stdin, stdout: Stdio::Log, stderr: Stdio::Log };
    supervisor.start(shell(script), stdio).await.expect("it starts")
}

fn every_byte() -> Vec<u8> {
    (0..MEBIBYTE).map(|index| (index * 7 % 256) as u8).collect()
}

#[test]
fn what_the_owner_writes_is_what_the_job_reads_until_he_ends_it() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = start(&supervisor, "cat", Stdio::Pipe).await;
        let stdin = job.stdin().expect("a pipe");
        stdin.write_all(&every_byte()).await.expect("written");
        assert!(job.try_wait().is_none(), "it waits for more");
        stdin.close();
        stdin.close();
        assert_eq!(written(&job).await, every_byte());
        assert_eq!(stdin.write(b"x").await.expect_err("closed").kind(), ErrorKind::BrokenPipe);
        supervisor.close();
    });
}

#[test]
fn bytes_that_are_known_are_read_and_then_comes_the_end() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = start(&supervisor, "cat; echo end", Stdio::Bytes(every_byte())).await;
        assert!(job.stdin().is_none());
        assert_eq!(written(&job).await, [every_byte(), b"end\n".to_vec()].concat());
        // A job that does not want them ends as it would.
        let job = start(&supervisor, "exit 4", Stdio::Bytes(every_byte())).await;
        assert_eq!(job.wait().await.expect("an end").exit, Exit::Code { code: 4 });
        supervisor.close();
    });
}

#[test]
fn a_job_opens_its_input_again_by_name() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        let job = start(&supervisor, "cat /dev/stdin", Stdio::Bytes(b"named".to_vec())).await;
        assert_eq!(written(&job).await, b"named");
        supervisor.close();
    });
}

#[test]
fn a_write_that_waits_holds_up_no_stop_and_no_close() {
    with_threads(2, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for closed in [true, false] {
            let job = start(&supervisor, "exec sleep 1000", Stdio::Pipe).await;
            let stdin = job.stdin().expect("a pipe").clone();
            let writing = tokio::spawn(async move { stdin.write_all(&every_byte()).await });
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(!writing.is_finished(), "nobody takes a mebibyte");
            if closed {
                job.stdin().expect("a pipe").close();
                assert_eq!(writing.await.expect("no panic").expect_err("closed").kind(), ErrorKind::BrokenPipe);
                job.stop(Stopper::Caller);
                job.wait().await.expect("an end");
            } else {
                job.stop(Stopper::Caller);
                job.wait().await.expect("an end");
                assert_eq!(writing.await.expect("no panic").expect_err("ended").kind(), ErrorKind::BrokenPipe);
            }
        }
        supervisor.close();
    });
}

#[test]
fn the_owners_pipe_is_no_output() {
    with_threads(0, async {
        let supervisor = Supervisor::open().expect("a supervisor");
        for stdio in [Stdio::Pipe, Stdio::Bytes(Vec::new())] {
            let error = supervisor
                .start(shell("true"), StdioSet { stdout: stdio, ..StdioSet::default() })
                .await
                .expect_err("it is written by the owner");
            assert!(error.to_string().contains("the owner's pipe as an output"), "{error}");
        }
        supervisor.close();
    });
}
