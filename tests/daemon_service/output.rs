//! Output by offsets: resumed without hole or duplicate, with gaps told, and with an end that comes once and last.

use crate::house::{Daemon, all, argv, following, output, reason, run, shell, start, wait};
use ironcell::rpc::convert::timestamp;
use ironcell::rpc::proto::output_frame::Frame;
use ironcell::rpc::proto::stream_output_request::Start;
use ironcell::rpc::proto::{JobSpec, Stream, StreamOutputRequest};
use ironcell::supervise::Script;
use std::time::{Duration, SystemTime};

fn from(id: &str, begin: Start) -> StreamOutputRequest {
    StreamOutputRequest { id: id.to_owned(), start: Some(begin), ..Default::default() }
}

/// A job that has written this, and has ended.
async fn written(text: &str) -> (Daemon, ironcell::rpc::client::Client, String) {
    let (daemon, _) = Daemon::mocked([Script::default().out(text)]).await;
    let mut admin = daemon.admin().await;
    let job = start(&mut admin, argv(["job"])).await;
    wait(&mut admin, &job.id).await;
    (daemon, admin, job.id)
}

#[test]
fn row_4_10_a_look_at_the_log_takes_nothing_from_it_also_after_the_end() {
    run(async {
        let (_daemon, mut admin, id) = written("kept").await;
        for _ in 0..2 {
            let told =
                all(output(&mut admin, StreamOutputRequest { id: id.clone(), ..Default::default() }).await).await;
            assert_eq!((told.text().as_str(), told.ends.len()), ("kept", 1));
        }
    });
}

#[test]
fn a_stream_that_was_cut_off_is_resumed_at_its_offset_without_hole_or_duplicate() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done";
        let job = start(&mut admin, shell(script)).await;
        let (mut bytes, mut offset) = (Vec::new(), 0);
        loop {
            let request = StreamOutputRequest { start: Some(Start::Offset(offset)), ..following(&job.id) };
            let mut frames = output(&mut admin, request).await;
            // Two frames, and the client is gone.
            for _ in 0..2 {
                match frames.message().await.expect("no error").and_then(|frame| frame.frame) {
                    Some(Frame::Chunk(chunk)) => {
                        assert_eq!(chunk.offset, offset, "contiguous");
                        assert!(!chunk.data.is_empty() && chunk.data.len() <= 64 << 10);
                        offset += chunk.data.len() as u64;
                        bytes.extend_from_slice(&chunk.data);
                    }
                    Some(Frame::Ended(ended)) => {
                        assert_eq!(ended.end_offset, offset);
                        let lines: Vec<String> = (0..3000).map(|line| format!("line {line}\n")).collect();
                        assert!(bytes == lines.concat().as_bytes(), "{} bytes", bytes.len());
                        return;
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    });
}

#[test]
fn a_stream_begins_where_it_is_asked_to_and_takes_no_more_than_it_may() {
    run(async {
        let (_daemon, mut admin, id) = written("one\ntwo\nthree\n").await;
        for (begin, expected) in [
            (Start::Offset(4), "two\nthree\n"),
            (Start::TailLines(1), "three\n"),
            (Start::TailBytes(3), "ee\n"),
            (Start::TailLines(0), ""),
            (Start::Since(timestamp(SystemTime::UNIX_EPOCH).expect("a moment")), "one\ntwo\nthree\n"),
            (Start::Since(timestamp(SystemTime::now() + Duration::from_secs(60)).expect("a moment")), ""),
        ] {
            let told = all(output(&mut admin, from(&id, begin)).await).await;
            assert_eq!((told.text().as_str(), told.ends.len()), (expected, 1), "{begin:?}");
        }
        let bounded = StreamOutputRequest { max_bytes: 5, ..from(&id, Start::Offset(1)) };
        let told = all(output(&mut admin, bounded).await).await;
        assert_eq!((told.text().as_str(), told.ends[0].end_offset), ("ne\ntw", 6));
        let beyond = admin.jobs.stream_output(from(&id, Start::Offset(15))).await;
        assert_eq!(reason(beyond), "OFFSET_BEYOND_END");
    });
}

#[test]
fn what_is_not_kept_any_more_is_told_as_a_gap_or_ends_the_stream() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let spec = shell("i=0; while [ $i -lt 40000 ]; do echo $i; i=$((i+1)); done");
        let job = start(&mut admin, JobSpec { log_max: "64K".to_owned(), ..spec }).await;
        wait(&mut admin, &job.id).await;
        let told = all(output(&mut admin, following(&job.id)).await).await;
        let [(0, to)] = told.gaps[..] else { panic!("one gap: {:?}", told.gaps) };
        assert_eq!(told.chunks[0].0, to, "it goes on where the gap ends");
        assert_eq!(to + told.bytes.len() as u64, told.ends[0].end_offset);
        let request = StreamOutputRequest { fail_on_gap: true, ..following(&job.id) };
        let mut frames = output(&mut admin, request).await;
        assert_eq!(reason(frames.message().await), "OUTPUT_GAP");
    });
}

#[test]
fn a_look_without_following_ends_although_the_job_runs() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, shell("echo here; sleep 1000")).await;
        let mut frames = output(&mut admin, following(&job.id)).await;
        frames.message().await.expect("it is written");
        let told =
            all(output(&mut admin, StreamOutputRequest { id: job.id.clone(), ..Default::default() }).await).await;
        assert_eq!(told.text(), "here\n");
        let job = told.ends[0].job.as_ref().expect("the job");
        assert!(job.outcome.is_none(), "it runs");
    });
}

#[test]
fn one_stream_keeps_the_offsets_of_both() {
    run(async {
        let (daemon, _) = Daemon::mocked([Script::default().out("aaa").err("bb").out("c")]).await;
        let mut admin = daemon.admin().await;
        let job = start(&mut admin, argv(["job"])).await;
        wait(&mut admin, &job.id).await;
        let request = StreamOutputRequest { streams: vec![Stream::Stderr as i32], ..following(&job.id) };
        let told = all(output(&mut admin, request).await).await;
        assert_eq!((told.text().as_str(), told.ends[0].end_offset), ("bb", 6));
    });
}

#[test]
fn a_follower_that_reads_nothing_holds_up_neither_the_job_nor_another() {
    run(async {
        let daemon = Daemon::plain().await;
        let mut admin = daemon.admin().await;
        let script = "i=0; while [ $i -lt 200 ]; do printf '%4096d' $i; i=$((i+1)); done";
        let job = start(&mut admin, shell(script)).await;
        let stalled = output(&mut admin, following(&job.id)).await;
        let mut other = daemon.admin().await;
        let told = all(output(&mut other, following(&job.id)).await).await;
        assert_eq!((told.bytes.len(), told.ends.len()), (200 * 4096, 1));
        let told = all(stalled).await;
        assert_eq!((told.bytes.len(), told.ends.len()), (200 * 4096, 1), "nothing was taken from it");
    });
}
