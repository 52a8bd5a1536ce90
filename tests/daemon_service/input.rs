//! What is written to a job: once, however often it is sent.

use crate::house::{Daemon, all, argv, following, output, reading, reason, run, start, wait};
use ironcell::life::Exit;
use ironcell::rpc::proto::{JobSpec, ResizeTerminalRequest, Stdin, WriteStdinRequest, stdin};

fn write(id: &str, data: &str, offset: Option<u64>) -> WriteStdinRequest {
    WriteStdinRequest { id: id.to_owned(), data: data.as_bytes().to_vec(), offset, close: false }
}

#[test]
fn row_4_16_what_is_written_to_an_input_is_written_once_however_often_it_is_sent() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, reading(argv(["cat"]))).await;
        let mut sent =
            async |request| admin.jobs.write_stdin(request).await.map(|answer| answer.into_inner().stdin_offset);
        assert_eq!(sent(write(&job.id, "hello ", Some(0))).await.expect("written"), 6);
        assert_eq!(sent(write(&job.id, "hello ", Some(0))).await.expect("known"), 6);
        assert_eq!(sent(write(&job.id, "lo world", Some(3))).await.expect("the rest"), 11);
        assert_eq!(reason(sent(write(&job.id, "!", Some(12))).await), "STDIN_OFFSET_MISMATCH");
        let last = WriteStdinRequest { close: true, ..write(&job.id, "!", None) };
        assert_eq!(sent(last).await.expect("written"), 12);
        wait(&mut admin, &job.id).await;
        assert_eq!(all(output(&mut admin, following(&job.id)).await).await.text(), "hello world!");
    });
}

#[test]
fn row_4_16_a_write_after_the_end_of_the_input_is_refused_and_a_blocked_one_holds_up_no_stop() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let deaf = start(&mut admin, reading(argv(["sleep", "1000"]))).await;
        let close = WriteStdinRequest { close: true, ..write(&deaf.id, "", None) };
        admin.jobs.write_stdin(close).await.expect("closed");
        assert_eq!(reason(admin.jobs.write_stdin(write(&deaf.id, "x", None)).await), "STDIN_CLOSED");
        let full = start(&mut admin, reading(argv(["sleep", "1000"]))).await;
        let (mut writer, id) = (admin.clone(), full.id.clone());
        let blocked =
            tokio::spawn(async move { writer.jobs.write_stdin(write(&id, &"x".repeat(1 << 20), None)).await });
        tokio::task::yield_now().await;
        let stop = ironcell::rpc::proto::StopJobRequest { id: full.id.clone(), kill: true, ..Default::default() };
        admin.jobs.stop_job(stop).await.expect("stopped");
        // Ended before the writer was heard, or while it wrote.
        let reason = reason(blocked.await.expect("no panic"));
        assert!(["STDIN_CLOSED", "JOB_EXITED"].contains(&reason.as_str()), "{reason}");
    });
}

#[test]
fn an_input_that_is_known_whole_is_read_to_its_end() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let stdin = Some(Stdin { from: Some(stdin::From::Bytes(b"known\n".to_vec())) });
        let job = start(&mut admin, JobSpec { stdin, ..argv(["cat"]) }).await;
        assert_eq!(wait(&mut admin, &job.id).await.exit, Exit::Code { code: 0 });
        assert_eq!(all(output(&mut admin, following(&job.id)).await).await.text(), "known\n");
    });
}

#[test]
fn what_a_job_does_not_have_is_not_written_to() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, argv(["sleep", "1000"])).await;
        assert_eq!(reason(admin.jobs.write_stdin(write(&job.id, "x", None)).await), "STDIN_NOT_REQUESTED");
        let resize = ResizeTerminalRequest { id: job.id, window: "24x80".to_owned() };
        assert_eq!(reason(admin.jobs.resize_terminal(resize).await), "NO_TERMINAL");
    });
}
