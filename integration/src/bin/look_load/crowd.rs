//! Followers: those that read, and a process of those that are stopped.

use super::house::client;
use ironcell::rpc::client::{Client, next};
use ironcell::rpc::proto::output_frame::Frame;
use ironcell::rpc::proto::{Stream, StreamOutputRequest};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;

/// What one that read was told.
#[derive(Debug, Default)]
pub struct Heard {
    pub bytes: u64,
    pub gaps: u64,
    pub sum: String,
    pub ended: bool,
}

fn following(id: &str) -> StreamOutputRequest {
    StreamOutputRequest {
        id: id.to_owned(),
        follow: true,
        streams: vec![Stream::Stdout as i32],
        ..StreamOutputRequest::default()
    }
}

/// Reads a job to its end.
pub async fn read(mut client: Client, id: &str) -> Heard {
    let mut stream = client.jobs.stream_output(following(id)).await.expect("a stream").into_inner();
    let (mut heard, mut sum) = (Heard::default(), Sha256::new());
    while let Ok(Some(frame)) = next(&mut stream).await {
        match frame.frame {
            Some(Frame::Chunk(chunk)) => {
                heard.bytes += chunk.data.len() as u64;
                sum.update(&chunk.data);
            }
            Some(Frame::Gap(_)) => heard.gaps += 1,
            Some(Frame::Ended(_)) => heard.ended = true,
            _ => {}
        }
    }
    heard.sum = hex(sum);
    heard
}

/// A sum in the usual letters.
pub fn hex(sum: Sha256) -> String {
    sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many that follow a job and do not read, until they are killed. Says when all of them follow; then this process is stopped,
/// so that not even their ends of the connections are emptied.
pub async fn stopped(pki: &Path, address: &str, id: &str, count: usize) {
    let mut held = Vec::new();
    for _ in 0..count {
        let mut client = client(pki, address).await;
        held.push((client.jobs.stream_output(following(id)).await.expect("a stream"), client));
    }
    println!("ready");
    std::io::stdout().flush().expect("somebody reads");
    std::future::pending::<()>().await;
}
