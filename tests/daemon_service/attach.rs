//! Attachments: one holds the input, any number look on, and who loses it hears by whom.

use crate::house::{Daemon, Told, all, argv, following, output, reading, reason, run, shell, start, wait};
use ironcell::rpc::client::Client;
use ironcell::rpc::proto::attach_request::Frame as Ask;
use ironcell::rpc::proto::attach_start::Mode;
use ironcell::rpc::proto::output_frame::Frame;
use ironcell::rpc::proto::{AttachRequest, AttachStart, OutputFrame, WriteStdinRequest, detached};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// A client's half of an attachment.
struct Attached {
    asks: Sender<AttachRequest>,
    frames: Streaming<OutputFrame>,
}

impl Attached {
    async fn begin(client: &mut Client, start: AttachStart) -> Result<Self, Status> {
        let (asks, sent) = channel(8);
        asks.send(AttachRequest { frame: Some(Ask::Start(start)) }).await.expect("there is room");
        let frames = client.jobs.attach(ReceiverStream::new(sent)).await?.into_inner();
        Ok(Self { asks, frames })
    }

    async fn ask(&self, ask: Ask) {
        self.asks.send(AttachRequest { frame: Some(ask) }).await.expect("it listens");
    }

    async fn next(&mut self) -> Frame {
        self.frames.message().await.expect("no error").expect("a frame").frame.expect("not empty")
    }

    /// Reads until so much was written.
    async fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            match self.next().await {
                Frame::Chunk(chunk) => bytes.extend_from_slice(&chunk.data),
                Frame::Attached(_) => {}
                other => panic!("{other:?}"),
            }
        }
        bytes
    }
}

fn to(id: &str, mode: Mode) -> AttachStart {
    AttachStart { id: id.to_owned(), mode: mode as i32, ..Default::default() }
}

#[test]
fn row_4_7_one_holds_the_input_and_any_number_look_on() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut admin, mut alice) = (daemon.admin().await, daemon.operator("alice").await);
        let job = start(&mut alice, reading(argv(["cat"]))).await;
        let mut first = Attached::begin(&mut alice, to(&job.id, Mode::Exclusive)).await.expect("free");
        assert!(matches!(first.next().await, Frame::Attached(_)));
        let second = Attached::begin(&mut admin, to(&job.id, Mode::Exclusive)).await;
        assert_eq!(reason(second.map(|_| ())), "ALREADY_ATTACHED");
        let beside = WriteStdinRequest { id: job.id.clone(), data: b"x".to_vec(), ..Default::default() };
        assert_eq!(reason(admin.jobs.write_stdin(beside).await), "ALREADY_ATTACHED");
        let mut looking = Attached::begin(&mut admin, to(&job.id, Mode::ReadOnly)).await.expect("any number");
        first.ask(Ask::Stdin(b"typed\n".to_vec())).await;
        assert_eq!(first.read(6).await, b"typed\n");
        assert_eq!(looking.read(6).await, b"typed\n");
    });
}

#[test]
fn row_4_8_who_loses_the_input_hears_by_whom_and_the_new_one_has_it() {
    run(async {
        let daemon = Daemon::plain().await;
        let (mut admin, mut alice) = (daemon.admin().await, daemon.operator("alice").await);
        let job = start(&mut alice, reading(argv(["cat"]))).await;
        let mut first = Attached::begin(&mut alice, to(&job.id, Mode::Exclusive)).await.expect("free");
        assert!(matches!(first.next().await, Frame::Attached(_)));
        let mut thief = Attached::begin(&mut admin, to(&job.id, Mode::Steal)).await.expect("stolen");
        let Frame::Detached(told) = first.next().await else { panic!("detached") };
        assert_eq!((told.reason, told.by.as_str()), (detached::Reason::Stolen as i32, "uid:0"));
        assert!(first.frames.message().await.expect("no error").is_none(), "and that was its last frame");
        thief.ask(Ask::Stdin(b"mine\n".to_vec())).await;
        assert_eq!(thief.read(5).await, b"mine\n");
    });
}

#[test]
fn row_4_9_every_attachment_has_the_backlog_and_takes_it_from_nobody() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("echo before; sleep 1000")).await;
        for _ in 0..2 {
            let mut attached = Attached::begin(&mut admin, to(&job.id, Mode::ReadOnly)).await.expect("attached");
            assert_eq!(attached.read(7).await, b"before\n");
        }
        let later = AttachStart { offset: Some(3), ..to(&job.id, Mode::ReadOnly) };
        let mut attached = Attached::begin(&mut admin, later).await.expect("attached");
        assert_eq!(attached.read(4).await, b"ore\n");
    });
}

#[test]
fn row_4_11_an_attachment_to_a_job_that_has_ended_replays_it_and_tells_the_end() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("echo over; exit 3")).await;
        wait(&mut admin, &job.id).await;
        let attached = Attached::begin(&mut admin, to(&job.id, Mode::Exclusive)).await.expect("attached");
        let told = all(attached.frames).await;
        assert_eq!((told.text().as_str(), told.ends.len(), told.after), ("over\n", 1, false));
    });
}

#[test]
fn row_4_26_a_detached_client_leaves_the_job_as_it_is_and_frames_tell_why() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, reading(argv(["cat"]))).await;
        let mut attached = Attached::begin(&mut admin, to(&job.id, Mode::Exclusive)).await.expect("free");
        assert!(matches!(attached.next().await, Frame::Attached(_)));
        attached.ask(Ask::Detach(true)).await;
        let Frame::Detached(told) = attached.next().await else { panic!("detached") };
        assert_eq!(told.reason, detached::Reason::Requested as i32);
        drop(attached);
        // The seat is free once the daemon has seen the end of the stream.
        let mut again = loop {
            match Attached::begin(&mut admin, to(&job.id, Mode::Exclusive)).await {
                Ok(again) => break again,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        again.ask(Ask::Stdin(b"on".to_vec())).await;
        again.ask(Ask::CloseStdin(true)).await;
        let mut told = Told::default();
        while let Some(frame) = again.frames.message().await.expect("no error") {
            told.frame(frame);
        }
        assert_eq!((told.text().as_str(), told.ends.len()), ("on", 1));
    });
}

#[test]
fn a_signal_goes_by_the_attachment_and_a_reader_sends_none() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let script = "trap 'echo heard; exit 0' INT; echo up; while :; do sleep 0.05; done";
        let job = start(&mut admin, shell(script)).await;
        let mut looking = Attached::begin(&mut admin, to(&job.id, Mode::ReadOnly)).await.expect("attached");
        assert_eq!(looking.read(3).await, b"up\n");
        looking.ask(Ask::Signal("INT".to_owned())).await;
        assert_eq!(reason(looking.frames.message().await), "STDIN_NOT_REQUESTED");
        let attached = Attached::begin(&mut admin, to(&job.id, Mode::Exclusive)).await.expect("attached");
        attached.ask(Ask::Signal("INT".to_owned())).await;
        assert_eq!(all(attached.frames).await.text(), "up\nheard\n");
        assert_eq!(all(output(&mut admin, following(&job.id)).await).await.text(), "up\nheard\n");
    });
}
