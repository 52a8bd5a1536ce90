//! One job and its followers: its speed alone, and with all of them.

use super::crowd::{Heard, hex, read};
use super::house::House;
use super::write::chunk;
use super::{FOLLOWERS, STOPPED};
use integration::inside::Running;
use ironcell::rpc::proto::mount::Mount as Place;
use ironcell::rpc::proto::stdin::From;
use ironcell::rpc::proto::{JobSpec, Mount, StartJobRequest, Stdin, Stream, WriteStdinRequest};
use ironcell::rpc::proto::{StreamOutputRequest, output_frame::Frame};
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Starts the job that writes so; its id. It waits for a line.
async fn started(house: &House, [size, chunks, pause]: [u64; 3]) -> String {
    let own = std::env::current_exe().expect("a path");
    let words = ["/look_load", "write", &size.to_string(), &chunks.to_string(), &pause.to_string()].map(Vec::from);
    let spec = JobSpec {
        argv: words.to_vec(),
        mounts: vec![Mount { mount: Some(Place::Ro(format!("{}:/look_load", own.display()).into_bytes())) }],
        stdin: Some(Stdin { from: Some(From::Pipe(true)) }),
        ..JobSpec::default()
    };
    let request = StartJobRequest { spec: Some(spec), ..StartJobRequest::default() };
    let mut client = house.client().await;
    client.jobs.start_job(request).await.expect("started").into_inner().job.expect("a job").id
}

/// Lets it write.
async fn go(house: &House, id: &str) {
    let request = WriteStdinRequest { id: id.to_owned(), data: b"\n".to_vec(), close: true, offset: None };
    house.client().await.jobs.write_stdin(request).await.expect("written");
}

/// What it says of itself at its end.
async fn said(house: &House, id: &str) -> String {
    let request = StreamOutputRequest {
        id: id.to_owned(),
        follow: true,
        streams: vec![Stream::Stderr as i32],
        ..StreamOutputRequest::default()
    };
    let mut stream = house.client().await.jobs.stream_output(request).await.expect("a stream").into_inner();
    let mut text = Vec::new();
    while let Some(frame) = stream.message().await.expect("no error") {
        if let Some(Frame::Chunk(chunk)) = frame.frame {
            text.extend(chunk.data);
        }
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// A process of followers that are stopped.
struct Stopped(Child);

impl Stopped {
    fn following(house: &House, id: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.arg("crowd").arg(house.pki()).args([&house.address, id, &STOPPED.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks");
        assert_eq!(line, "ready\n");
        Running::signal(i32::try_from(child.id()).expect("a pid"), libc::SIGSTOP);
        Self(child)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures both.
pub async fn follow(house: &House, name: &str, how: [u64; 3]) {
    println!("{name}: {} KiB at a time, {} times, {} ms between", how[0] >> 10, how[1], how[2] as f64 / 1e3);
    for round in 0..3 {
        let id = started(house, how).await;
        go(house, &id).await;
        println!("  alone {round}: {}", said(house, &id).await);
    }
    let id = started(house, how).await;
    let stopped = Stopped::following(house, &id);
    let mut readers = JoinSet::new();
    for _ in STOPPED..FOLLOWERS {
        let (client, id) = (house.client().await, id.clone());
        readers.spawn(async move { read(client, &id).await });
    }
    // Each of them is at the end of what there is.
    sleep(Duration::from_secs(2)).await;
    let before = house.resident();
    println!("  {FOLLOWERS} follow: {:.1} MiB resident, {} descriptors", before.0, house.descriptors());
    let (begun, speaks) = (Instant::now(), said(house, &id));
    go(house, &id).await;
    println!("  followed: {}", speaks.await);
    let mut all = Vec::new();
    while let Some(heard) = readers.join_next().await {
        all.push(heard.expect("no panic"));
    }
    let (now, most) = house.resident();
    println!("  all read after {:.1} s; resident {now:.1} MiB, {most:.1} MiB at most", begun.elapsed().as_secs_f64());
    judged(&all, how);
    drop(stopped);
    sleep(Duration::from_secs(3)).await;
    println!("  all gone: {:.1} MiB resident, {} descriptors", house.resident().0, house.descriptors());
}

/// How many of those that read have every byte.
fn judged(all: &[Heard], [size, chunks, _]: [u64; 3]) {
    let mut sum = Sha256::new();
    (0..chunks).for_each(|number| sum.update(chunk(size as usize, number)));
    let sum = hex(sum);
    let good = all.iter().filter(|heard| heard.sum == sum && heard.ended && heard.gaps == 0).count();
    println!("  {good} of {} have every byte (SHA-256) and the end; sum {}", all.len(), &sum[..16]);
    for bad in all.iter().filter(|heard| heard.sum != sum).take(3) {
        println!("  one has not: {bad:?}");
    }
}
