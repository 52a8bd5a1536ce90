//! Ten thousand connections that stall at every stage before they are anybody's, and an admin who asks meanwhile.

use super::STALLED;
use super::house::{House, paths};
use ironcell::rpc::client::Client;
use ironcell::rpc::proto::GetServerInfoRequest;
use ironcell::rpc::tls::client::{config, connect};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Calls of one measurement.
const CALLS: usize = 1000;

/// The first bytes that a client says.
async fn hello(house: &House) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a port").to_string();
    let config = Arc::new(config(&paths(&house.pki())).expect("a configuration"));
    let name = "localhost".to_owned().try_into().expect("a name");
    let client = tokio::spawn(async move { connect(config, &address, name).await.map(drop) });
    let (mut stream, _) = listener.accept().await.expect("it comes");
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).await.expect("it speaks");
    bytes.truncate(length);
    client.abort();
    bytes
}

/// One that stalls: before its first byte, in the middle of them, or when it should say who it is. Held until it is cut off.
async fn one(address: String, hello: Arc<Vec<u8>>, stage: usize, open: Arc<AtomicUsize>) {
    let Ok(mut stream) = TcpStream::connect(&address).await else { return };
    let said = match stage % 3 {
        0 => &hello[..0],
        1 => &hello[..hello.len() / 2],
        _ => &hello[..],
    };
    let _ = stream.write_all(said).await;
    open.fetch_add(1, Ordering::Relaxed);
    while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
    open.fetch_sub(1, Ordering::Relaxed);
}

/// Measures an admin's calls: on one connection, and each by its own.
async fn asked(house: &House, what: &str) {
    let mut client = house.client().await;
    let mut kept = Vec::new();
    for _ in 0..CALLS {
        let at = Instant::now();
        client.system.get_server_info(GetServerInfoRequest {}).await.expect("an answer");
        kept.push(at.elapsed());
    }
    told(&format!("{what}, on one connection"), kept, 0);
    let (mut anew, mut refused) = (Vec::new(), 0);
    for _ in 0..CALLS / 5 {
        let at = Instant::now();
        match timeout(Duration::from_secs(10), fresh(house)).await {
            Ok(true) => anew.push(at.elapsed()),
            _ => refused += 1,
        }
    }
    told(&format!("{what}, each by a new connection"), anew, refused);
}

/// A call by a connection of its own, tried once.
async fn fresh(house: &House) -> bool {
    let name = Some("localhost".to_owned());
    let target =
        ironcell::rpc::connect::Target::Tls { address: house.address.clone(), name, paths: paths(&house.pki()) };
    let Ok(mut client) = Client::to(&target).await else { return false };
    client.system.get_server_info(GetServerInfoRequest {}).await.is_ok()
}

fn told(what: &str, mut times: Vec<Duration>, refused: usize) {
    times.sort_unstable();
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).or(times.last()).map_or(f64::NAN, ms);
    let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
    println!("  {what}: {} calls, p50 {p50:.2} ms, p99 {p99:.2} ms, most {most:.2} ms; {refused} refused", times.len());
}

fn ms(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Measures without, with, and with connections that come again as fast as they are cut off.
pub async fn stall(house: &House) {
    println!(
        "stalled: {STALLED} connections, a third each silent, in the middle of their first bytes, and behind them"
    );
    asked(house, "none").await;
    let (hello, open, opened) = (Arc::new(hello(house).await), Arc::new(AtomicUsize::new(0)), Instant::now());
    let mut crowd = JoinSet::new();
    for stage in 0..STALLED {
        crowd.spawn(one(house.address.clone(), Arc::clone(&hello), stage, Arc::clone(&open)));
    }
    asked(house, "while they come").await;
    let seen = || (open.load(Ordering::Relaxed), house.resident(), house.descriptors());
    let (held, (now, most), descriptors) = seen();
    println!(
        "  {held} still held {:.1} s later; {now:.1} MiB resident, {most:.1} MiB at most, {descriptors} descriptors",
        opened.elapsed().as_secs_f64()
    );
    asked(house, "held").await;
    // And again and again: whoever is cut off comes back at once.
    let again = tokio::spawn({
        let (address, hello, open) = (house.address.clone(), Arc::clone(&hello), Arc::clone(&open));
        async move {
            let mut stage = 0;
            loop {
                while crowd.len() < STALLED {
                    crowd.spawn(one(address.clone(), Arc::clone(&hello), stage, Arc::clone(&open)));
                    stage += 1;
                }
                let _ = crowd.join_next().await;
            }
        }
    });
    asked(house, "coming back").await;
    let (held, (now, most), descriptors) = seen();
    println!("  {held} held; {now:.1} MiB resident, {most:.1} MiB at most, {descriptors} descriptors");
    again.abort();
    let _ = again.await;
    sleep(Duration::from_secs(12)).await;
    let (held, (now, _), descriptors) = seen();
    println!("  all gone: {held} held; {now:.1} MiB resident, {descriptors} descriptors");
}
